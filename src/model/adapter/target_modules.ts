/**
 * Finds the linear layers that an adapter changes, by PEFT's rules for `target_modules`. Knows
 * paths only.
 */

/**
 * Whether a text has characters of regular expressions. PEFT reads such a text as an expression
 * over whole paths, any other as a name.
 */
export function isExpression(text: string): boolean {
  return /[\\^$*+?()[\]{}|]/.test(text);
}

/**
 * Whether a rule names a path. A text is a regular expression for the whole path; a list holds
 * paths or ends of paths.
 *
 * @throws {TypeError} if the text is not a regular expression
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
 * The paths that a rule names. "all-linear" names all of them; any other text is a regular
 * expression for whole paths; a list holds paths or ends of paths.
 *
 * @param paths the paths of all linear layers except the head
 * @throws {TypeError} naming the entries that match nothing
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
