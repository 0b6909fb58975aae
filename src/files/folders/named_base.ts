/**
 * Finds the base that a tuned model was made from, by what its folder says, and tells where another
 * base is used. Reads no weights.
 */
import { basename, dirname, join } from "@std/path";
import { tell } from "../../base/notes.ts";
import { disk, NotFound } from "../disk.ts";
import { readJsonObjectIfThere } from "../disk/json_file.ts";
import { ADAPTER_FILE, RUN_FILE } from "../file_names.ts";
import { isRepoName, isThere, localModelFolder } from "../hub/repo_folder.ts";
import { readRecord } from "../hub/repo_record.ts";
import { findTuned, type TunedFolder } from "./tuned_folder.ts";

/** Which models are to answer. */
export interface AnsweringModels {
  /** Folder of the base, or its name on the hub. */
  readonly base: string;
  /** Path of the tuned model; null: only the base answers. */
  readonly tuned: string | null;
}

/**
 * Fills in the base that a tuned model names. Whole weights that name none answer alone, as a base
 * does. Another base than the named one is told.
 *
 * @param wanted a base of null is the named one
 * @throws {Error} In one line, if no base is named, or the named one is not there
 */
export async function answeringModels(
  wanted: { readonly base: string | null; readonly tuned: string | null },
): Promise<AnsweringModels> {
  const { base, tuned } = wanted;
  if (tuned === null) {
    if (base !== null) return { base, tuned };
    throw new TypeError(
      "Cannot choose a model: found neither a base nor a tuned model",
    );
  }
  if (base !== null) {
    await tellOtherBase(tuned, base);
    return { base, tuned };
  }
  const found = await findTuned(tuned);
  const named = await namedBase(found);
  if (named !== undefined) {
    await checkNamed(tuned, named);
    return { base: named, tuned };
  }
  if (found.kind === "weights") {
    tell(`"${tuned}" holds a whole model and names no base: it answers alone`);
    return { base: found.path, tuned: null };
  }
  throw new TypeError(
    `Cannot find the base of "${tuned}": neither its "${ADAPTER_FILE.config}" nor an "${RUN_FILE.options}" names one; give it as model_name_or_path`,
  );
}

/**
 * Tells in one line if a tuned model names another base than the one that it is used with.
 *
 * @param tuned null: there is none, and nothing to tell
 */
export async function tellOtherBase(
  tuned: string | null,
  base: string,
): Promise<void> {
  if (tuned === null) return;
  const named = await namedBase(await findTuned(tuned));
  if (named === undefined || await isSameModel(named, base)) return;
  tell(
    `"${tuned}" was trained on "${named}", and is used with "${base}" as its base`,
  );
}

/** The base that an adapter's config names, else the one of the run's options. */
async function namedBase(
  { kind, path }: TunedFolder,
): Promise<string | undefined> {
  if (kind === "adapter") {
    const config = await readJsonObjectIfThere(join(path, ADAPTER_FILE.config));
    const base = config?.["base_model_name_or_path"];
    if (typeof base === "string" && base !== "") return base;
  }
  // a checkpoint has the options of its run, or lies in the folder that has them
  const isCheckpoint = /^checkpoint-\d+$/.test(basename(path));
  for (const folder of isCheckpoint ? [path, dirname(path)] : [path]) {
    const run = await readJsonObjectIfThere(join(folder, RUN_FILE.options));
    if (run === undefined) continue;
    const { model_name_or_path: base, init_from_config: isRandom } = run;
    // a model that began with random weights has no base
    if (typeof base === "string" && base !== "" && isRandom !== true) {
      return base;
    }
  }
  return undefined;
}

async function checkNamed(tuned: string, named: string): Promise<void> {
  try {
    await localModelFolder(named);
  } catch (error) {
    if (!(error instanceof NotFound)) throw error;
    throw new NotFound(
      `${error.message}; "${tuned}" names it as its base, which model_name_or_path can name too`,
    );
  }
}

/** Whether two names mean the same model, as far as this machine can tell. */
async function isSameModel(a: string, b: string): Promise<boolean> {
  if (a === b) return true;
  const [one, other] = await Promise.all([placeOf(a), placeOf(b)]);
  if (one.path !== undefined && one.path === other.path) return true;
  if (one.repo !== undefined && other.repo !== undefined) {
    return one.repo.toLowerCase() === other.repo.toLowerCase();
  }
  if (one.path !== undefined && other.path !== undefined) return false;
  // one is not here: a path of another machine, or a name whose download lies elsewhere
  return lastName(a) === lastName(b);
}

/** Where a model lies here, and which repository it is of. */
async function placeOf(
  name: string,
): Promise<{ path?: string; repo?: string }> {
  const folder = await localModelFolder(name).catch((error) => {
    if (!(error instanceof NotFound)) throw error;
    return undefined;
  });
  const isRepo = name.includes("/") && isRepoName(name) &&
    !await isThere(name);
  const repo = isRepo
    ? name
    : folder === undefined
    ? undefined
    : (await readRecord(folder))?.repo;
  return {
    ...(folder !== undefined && { path: await disk().realPath(folder) }),
    ...(repo !== undefined && { repo }),
  };
}

/** `qwen2-0.5b` of `Qwen/Qwen2-0.5B`, `/models/Qwen2-0.5B/` and `model_hub/Qwen--Qwen2-0.5B`. */
function lastName(name: string): string | undefined {
  return name.replace(/[/\\]+$/, "").split(/[/\\]|--/).at(-1)?.toLowerCase();
}
