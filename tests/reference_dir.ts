/**
 * Where the golden numbers of transformers, PEFT and TRL lie: `REFERENCE_DIR` if it is set, else
 * `../shared/reference` beside the project, else the small subset in `tests/fixtures/reference`. Counts what was
 * compared with them.
 */
import { fromFileUrl, join } from "@std/path";

const ROOT = fromFileUrl(new URL("..", import.meta.url));

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

function environment(name: string): string | undefined {
  const granted = Deno.permissions.querySync({ name: "env", variable: name });
  return granted.state === "granted" ? Deno.env.get(name) : undefined;
}

const full = environment("REFERENCE_DIR") ??
  join(ROOT, "..", "shared", "reference");
const folders = [full, join(ROOT, "tests", "fixtures", "reference")];

/** The path of `name` in the full reference or in its subset; undefined if neither has it. */
export function referencePath(name: string): string | undefined {
  return folders.map((folder) => join(folder, name)).find(exists);
}

/** Name of the environment variable through which the files of one test run add up what they compared. */
const COUNTS = "TIEBREAK_REFERENCE_CASES";
const counts: Record<string, number> = {};

/** Says that `cases` of a family of the reference were compared and found equal. */
export function compared(family: string, cases = 1): void {
  counts[family] = (counts[family] ?? 0) + cases;
}

/** What all test files that ran before this one compared, by family. */
export function comparedSoFar(): Record<string, number> {
  return JSON.parse(environment(COUNTS) ?? "{}");
}

// each test file is a world of its own; the environment is the process's
globalThis.addEventListener("unload", () => {
  const granted = Deno.permissions.querySync({ name: "env", variable: COUNTS });
  if (granted.state !== "granted") return;
  const sum = comparedSoFar();
  for (const [family, cases] of Object.entries(counts)) {
    sum[family] = (sum[family] ?? 0) + cases;
  }
  Deno.env.set(COUNTS, JSON.stringify(sum));
});

/** The folders that are searched, those that exist, by their names for people. */
export function referenceSource(): string {
  return exists(full) ? full : "tests/fixtures/reference";
}
