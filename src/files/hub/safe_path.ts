/**
 * Names of files as a hub lists them: one that would be written outside its folder, or that a disk
 * or a terminal cannot take, is refused, and so are two that would be written to one place.
 */
import { hasUnseen, printable } from "../../base/printable.ts";
import { LOCK_FILE } from "../file_names.ts";
import { MANIFEST } from "./repo_record.ts";

/** Most bytes of the name of a file; disks take 255, and `.part.etag` is added to it. */
const NAME_BYTES = 245;
/** Most bytes of a path. */
const PATH_BYTES = 1000;
/** Names that are shown of many. */
const SHOWN = 20;

const bytesOf = (text: string) => new TextEncoder().encode(text).length;

/** Whether a listed path stays in the folder that it is written to, on every system. */
export function isSafePath(path: string): boolean {
  return faultOf(path) === undefined;
}

/** What is wrong with a listed path, as the end of a sentence about many. */
function faultOf(path: string): string | undefined {
  const parts = path.split("/");
  if (hasUnseen(path)) return "have characters that cannot be shown";
  const leaves = path.includes("\\") || /^[A-Za-z]:/.test(path) ||
    parts.some((part) => part === "" || part === "." || part === "..");
  if (leaves) return "leave its folder";
  if (parts.some((part) => bytesOf(part) > NAME_BYTES)) {
    return `are longer than ${NAME_BYTES} bytes`;
  }
  return bytesOf(path) > PATH_BYTES
    ? `have paths longer than ${PATH_BYTES} bytes`
    : undefined;
}

/**
 * Checks all names of a listing.
 *
 * @throws {TypeError} naming every one that is not safe, and every one that comes twice
 */
export function checkSafePaths(repo: string, paths: readonly string[]): void {
  const faults = new Map<string, string[]>();
  const seen = new Set<string>();
  for (const path of paths) {
    const fault = seen.has(path) ? "come twice" : faultOf(path);
    seen.add(path);
    if (fault === undefined) continue;
    const bad = faults.get(fault) ?? [];
    bad.push(path);
    faults.set(fault, bad);
  }
  if (faults.size === 0) return;
  const words = [...faults].map(([fault, bad]) => `${fault}: ${listed(bad)}`);
  throw new TypeError(
    `Cannot download "${repo}": its file names ${words.join("; others ")}`,
  );
}

/**
 * Checks that files can lie beside each other, and beside what a download keeps there itself.
 *
 * @throws {TypeError} naming those that cannot
 */
export function checkDistinctPaths(
  repo: string,
  paths: readonly string[],
): void {
  // the letters in which macOS and Windows compare names
  const folded = new Map<string, string>();
  const folders = new Map<string, string>();
  const fail = (one: string, other: string) => {
    throw new TypeError(
      `Cannot download "${repo}": ${
        listed([one])
      } cannot lie beside ${other}; choose the files that you need by patterns`,
    );
  };
  const fold = (path: string) => path.normalize("NFC").toLowerCase();
  for (const path of paths) {
    const other = folded.get(fold(path));
    if (other !== undefined) fail(path, listed([other]));
    folded.set(fold(path), path);
    const parts = fold(path).split("/");
    for (let i = 1; i < parts.length; i++) {
      folders.set(parts.slice(0, i).join("/"), path);
    }
  }
  for (const [name, path] of folded) {
    const below = folders.get(name);
    if (below !== undefined) fail(path, listed([below]));
    if ([MANIFEST, LOCK_FILE].includes(name)) {
      fail(path, "what a download writes down for itself under that name");
    }
    const whole = /^(.+)\.part(?:\.etag)?$/.exec(name)?.[1] ?? "";
    const twin = folded.get(whole);
    if (twin !== undefined) fail(path, `${listed([twin])} while that comes`);
  }
}

function listed(paths: readonly string[]): string {
  const some = paths.slice(0, SHOWN)
    .map((path) => printable(JSON.stringify(path), 300));
  const more = paths.length - some.length;
  return some.join(", ") + (more > 0 ? ` and ${more} more` : "");
}
