/**
 * Names of files as a hub lists them: one that would be written outside its folder is refused.
 */

/** Whether a listed path stays in the folder that it is written to, on every system. */
export function isSafePath(path: string): boolean {
  // deno-lint-ignore no-control-regex
  if (path === "" || /[\\\u0000-\u001f\u007f]/.test(path)) return false;
  if (path.startsWith("/") || /^[A-Za-z]:/.test(path)) return false;
  return path.split("/").every((part) =>
    part !== "" && part !== "." && part !== ".."
  );
}

/**
 * Checks all names of a listing.
 *
 * @throws TypeError naming every one that is not safe.
 */
export function checkSafePaths(repo: string, paths: readonly string[]): void {
  const bad = paths.filter((path) => !isSafePath(path));
  if (bad.length === 0) return;
  throw new TypeError(
    `Cannot download "${repo}": its file names leave its folder: ${
      bad.map((path) => JSON.stringify(path)).join(", ")
    }`,
  );
}
