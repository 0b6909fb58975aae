/**
 * Where the golden numbers of transformers, PEFT and TRL lie: the folder that `REFERENCE_DIR`
 * names, else `../shared/reference` beside the project, and the folder `families` beside it; what
 * is not there comes from the subset in `tests/fixtures/reference`. Nothing is looked up before a
 * test asks. It knows no names of models, adapters or runs: they are what the folders hold.
 */
import { fromFileUrl, join } from "@std/path";
import { readModelConfig } from "../src/model/config/config.ts";
import { FAMILIES } from "../src/model/config/families.ts";
import { FIXTURES } from "./fixture_path.ts";
import { isGranted } from "./test_case.ts";

const ROOT = fromFileUrl(new URL("..", import.meta.url));

function environment(name: string): string | undefined {
  return isGranted({ env: [name] }) ? Deno.env.get(name) : undefined;
}

const full = environment("REFERENCE_DIR") ??
  join(ROOT, "..", "shared", "reference");
const realData = join(full, "..", "realdata");
/** Further models and runs in the same layout. */
const families = join(full, "..", "families");

/** What a test that compares with the reference may read. */
export const REFERENCE: string[] = [full, families, FIXTURES, realData];

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** The reference folder if it has `name`, else its subset. */
export function referenceRoot(name: string): string {
  return exists(join(full, name)) ? full : FIXTURES;
}

/** The path of `name` in the reference folder if it has it, else in its subset. */
export function referencePath(name: string): string {
  return join(referenceRoot(name), name);
}

/** The parsed JSON file `name` of the reference. */
export function referenceJson(name: string) {
  return JSON.parse(Deno.readTextFileSync(referencePath(name)));
}

/** A model, an adapter or a run of the reference. */
export interface ReferenceEntry {
  readonly name: string;
  /** The reference folder or its subset: what the entry refers to lies in the same one. */
  readonly root: string;
  readonly folder: string;
}

/**
 * All folders of a kind in the reference and in the families beside it, and those that its subset
 * alone has. Models of a type that is not served are left out, and so are their runs.
 */
export function referenceEntries(
  kind: "models" | "peft" | "trajectories",
): ReferenceEntry[] {
  const found = new Map<string, ReferenceEntry>();
  for (const root of [full, families, FIXTURES]) {
    if (!exists(join(root, kind))) continue;
    for (const { name, isDirectory } of Deno.readDirSync(join(root, kind))) {
      // the subset repeats folders; those of the other two are others, whatever their names
      const key = root === families && found.has(name)
        ? `families/${name}`
        : name;
      if (!isDirectory || found.has(key)) continue;
      const entry = { name: key, root, folder: join(root, kind, name) };
      if (root !== families || isServed(entry)) found.set(key, entry);
    }
  }
  return [...found.values()].sort((a, b) => a.name < b.name ? -1 : 1);
}

/**
 * Whether there is a row for the model of an entry, whose rotation serves texts of the lengths in
 * its reference; a run names its model in a file of its own.
 */
function isServed({ root, folder }: ReferenceEntry): boolean {
  const json = (path: string) => JSON.parse(Deno.readTextFileSync(path));
  const own = join(folder, "config.json");
  const config = exists(own) ? own : join(
    root,
    json(join(folder, "trajectory.json")).base_model,
    "config.json",
  );
  if (!Object.hasOwn(FAMILIES, json(config).model_type)) return false;
  const ref = join(folder, "ref", "ref.json");
  const runs: { prompt_ids: number[]; new_ids: number[] }[] = exists(ref)
    ? json(ref).generations
    : [];
  const { max_position_embeddings } = readModelConfig(json(config));
  return runs.every(({ prompt_ids, new_ids }) =>
    prompt_ids.length + new_ids.length <= max_position_embeddings
  );
}

/** The model that an adapter of the reference was made for. */
export function adapterBase({ root, folder }: ReferenceEntry): string {
  const config = Deno.readTextFileSync(join(folder, "adapter_config.json"));
  return join(root, JSON.parse(config).base_model_name_or_path);
}

/** The path of a file of an entry, undefined where it has none. */
export function entryFile(
  { folder }: ReferenceEntry,
  name: string,
): string | undefined {
  const path = join(folder, name);
  return exists(path) ? path : undefined;
}

/** The path of real data beside the reference folder, undefined where there is none. */
export function realDataPath(name: string): string | undefined {
  const path = join(realData, name);
  return exists(path) ? path : undefined;
}

/** The environment variable through which the files of one test run add up what they compared. */
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
  if (!isGranted({ env: [COUNTS] })) return;
  const sum = comparedSoFar();
  for (const [family, cases] of Object.entries(counts)) {
    sum[family] = (sum[family] ?? 0) + cases;
  }
  Deno.env.set(COUNTS, JSON.stringify(sum));
});

/** The folder whose numbers are compared, by its name for people. */
export function referenceSource(): string {
  return exists(full) ? full : "tests/fixtures/reference";
}
