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
 * A regular expression of Python's, such as PEFT's configs have. Flags at its beginning count, as
 * in `(?i).*Q_PROJ`.
 *
 * @param place puts the expression between others
 * @throws {SyntaxError} if it is none, or has a flag that JavaScript lacks
 */
export function pythonExpression(
  rule: string,
  place: (text: string) => string,
): RegExp {
  const [opening = "", flags = ""] = /^\(\?([a-zA-Z]+)\)/.exec(rule) ?? [];
  const text = rule.slice(opening.length)
    .replaceAll("(?P<", "(?<").replaceAll(/\(\?P=(\w+)\)/g, "\\k<$1>")
    .replaceAll(/(?<!\\)((?:\\\\)*)\\A/g, "$1^")
    .replaceAll(/(?<!\\)((?:\\\\)*)\\Z/g, "$1$");
  // Python's a and u say which letters \w knows; names of layers are ASCII
  return new RegExp(place(text), flags.replaceAll(/[au]/g, ""));
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
    return pythonExpression(rule, (text) => `^(?:${text})$`);
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
 * @param options `mayMiss`: whether some entries of a list may match nothing, as in PEFT
 * @throws {TypeError} naming the entries that match nothing
 */
export function matchTargets(
  rule: string | readonly string[],
  paths: readonly string[],
  { mayMiss = false }: { readonly mayMiss?: boolean | undefined } = {},
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
  const isWrong = mayMiss
    ? unmatched.length === rule.length
    : unmatched.length > 0 || rule.length === 0;
  if (isWrong) {
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
