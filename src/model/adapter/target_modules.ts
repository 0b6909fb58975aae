/**
 * Which linear layers an adapter changes, by PEFT's rules for `target_modules`. Knows paths only.
 */

/**
 * Whether a text is more than a name or a path: PEFT then reads it as an expression over whole
 * paths.
 */
export function isExpression(text: string): boolean {
  return /[\\^$*+?()[\]{}|]/.test(text);
}

/**
 * Whether a rule names a path: a text is a regular expression over all of it, a list has the path
 * itself or what it ends in.
 *
 * @throws {TypeError} if the expression is none
 */
export function namesPath(
  rule: string | readonly string[],
  path: string,
): boolean {
  if (typeof rule === "string") return expression(rule).test(path);
  return rule.some((name) => path === name || path.endsWith(`.${name}`));
}

function expression(rule: string): RegExp {
  try {
    return new RegExp(`^(?:${rule})$`);
  } catch {
    throw new TypeError(
      `Cannot adapt model: "${rule}" is not a regular expression, expected one over paths such as ".*\\.(q|v)_proj"`,
    );
  }
}

/**
 * The paths that the rule names. "all-linear" names all (the head is not among them); another text
 * is a regular expression over whole paths; a list names last parts of paths, or whole ones.
 *
 * @param paths every linear layer but the head
 * @throws {TypeError} naming what matches nothing
 */
export function matchTargets(
  rule: string | readonly string[],
  paths: readonly string[],
): string[] {
  if (rule === "all-linear") return [...paths];
  if (typeof rule === "string") {
    const matched = paths.filter((path) => namesPath(rule, path));
    if (matched.length > 0) return matched;
    throw new TypeError(
      `Cannot adapt model: target_modules "${rule}" matches no linear layer, expected a path such as "${
        paths[0]
      }"`,
    );
  }
  const unmatched = rule.filter((name) =>
    !paths.some((path) => namesPath([name], path))
  );
  if (unmatched.length > 0 || rule.length === 0) {
    const known = [...new Set(paths.map((path) => path.split(".").at(-1)))];
    throw new TypeError(
      `Cannot adapt model: target_modules "${
        unmatched.join('", "')
      }" match no linear layer, expected "all-linear" or names among ${
        known.join(", ")
      }`,
    );
  }
  return paths.filter((path) => namesPath(rule, path));
}
