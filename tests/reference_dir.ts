/**
 * Where the golden numbers of transformers, PEFT and TRL lie: `REFERENCE_DIR` if it is set, else
 * `../shared/reference` beside the project, else the small subset in `tests/fixtures/reference`.
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
