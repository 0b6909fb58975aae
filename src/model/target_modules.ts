/** Which linear layers an adapter changes, by PEFT's rules for `target_modules`. Knows paths only. */

/**
 * The paths that the rule names. "all-linear" names all (the head is not among them); another text is a regular
 * expression over whole paths; a list names last parts of paths, or whole ones.
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
    const expression = new RegExp(`^(?:${rule})$`);
    const matched = paths.filter((path) => expression.test(path));
    if (matched.length > 0) return matched;
    throw new TypeError(
      `Cannot adapt model: target_modules "${rule}" matches no linear layer, expected a path such as "${
        paths[0]
      }"`,
    );
  }
  const names = (path: string, name: string) =>
    path === name || path.endsWith(`.${name}`);
  const unmatched = rule.filter((name) =>
    !paths.some((path) => names(path, name))
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
  return paths.filter((path) => rule.some((name) => names(path, name)));
}
