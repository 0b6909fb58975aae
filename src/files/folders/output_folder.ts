/**
 * Prepares the folder of a run: makes it if it does not exist, checks that it can be written, and
 * refuses the files of another run unless the options allow them.
 */
import { join } from "@std/path";
import { checkpointStep, listCheckpoints } from "./checkpoints.ts";
import { TOKENIZER_FILES } from "./text_files.ts";
import { ADAPTER_FILE, MODEL_FILE, RUN_FILE } from "../file_names.ts";
import { makeFolder, removeFolder, temporarySibling } from "../disk/atomic.ts";
import { lockFolder } from "../disk/lock.ts";
import { disk, NotCapable, NotFound, PermissionDenied } from "../disk.ts";
import { reasonOf } from "../told_disk.ts";

/** What is done with the files of an earlier run. */
export interface OutputFolderOptions {
  /** What else the user may do than choose another folder; default: what a run may. */
  readonly otherwise?: string;
  /** Whether they may be removed, see `emptyOutputFolder()`. */
  readonly overwrite?: boolean;
  /** Whether the run continues from them. */
  readonly resume?: boolean;
  /** Names of files that the run keeps there beside those of every run; default: none. */
  readonly files?: readonly string[];
}

/** The files of every run in its folder, except its checkpoints. */
const LEFT_FILES: readonly string[] = [
  ...Object.values(RUN_FILE),
  ADAPTER_FILE.weights,
  MODEL_FILE.weights,
  MODEL_FILE.weightsIndex,
];

/** All files that a run writes into its folder. */
const OWN_FILES: ReadonlySet<string> = new Set([
  ...Object.values(RUN_FILE),
  ...Object.values(ADAPTER_FILE),
  ...Object.values(MODEL_FILE),
  ...TOKENIZER_FILES,
]);

/**
 * Makes the folder of a run and keeps other programs from writing into it until the result is
 * disposed. What killed runs left there under temporary names is removed.
 *
 * @throws {Error} naming the program that writes there; PermissionDenied if it cannot be written
 */
export async function lockOutputFolder(path: string): Promise<AsyncDisposable> {
  return await lockFolder(
    path,
    (name) => OWN_FILES.has(name) || checkpointStep(name) !== undefined,
    checkWritable,
  );
}

/**
 * Checks the folder of a run; writes and removes nothing.
 *
 * @throws TypeError if it holds another run's files and neither option is set
 */
export async function checkOutputFolder(
  path: string,
  options: OutputFolderOptions = {},
): Promise<void> {
  const refusal = await refusalOf(path, options);
  if (refusal !== undefined) throw new TypeError(refusal);
}

/** Why a run may not write to its folder: it holds another's files. Writes nothing. */
export async function refusalOf(
  path: string,
  options: OutputFolderOptions = {},
): Promise<string | undefined> {
  if (options.resume || options.overwrite) return undefined;
  const found = await runFiles(path, options.files).catch((error) => {
    if (error instanceof NotFound) return [];
    throw error;
  });
  return found.length === 0
    ? undefined
    : `Cannot write to "${path}": it holds another run's "${
      found.join('", "')
    }"; choose another output_dir, or ${
      options.otherwise ?? "set resume_from_checkpoint or overwrite_output_dir"
    }`;
}

/** Removes the files of an earlier run, `files` among them, and nothing else. */
export async function emptyOutputFolder(
  path: string,
  files: readonly string[] = [],
): Promise<void> {
  for (const name of await runFiles(path, files)) {
    await removeFolder(join(path, name));
  }
}

/** The names of the files and folders of an earlier run. */
async function runFiles(
  path: string,
  files: readonly string[] = [],
): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of disk().list(path)) {
    if (LEFT_FILES.includes(name) || files.includes(name)) names.push(name);
  }
  const checkpoints = await listCheckpoints(path);
  return [
    ...names.sort(),
    ...checkpoints.map(({ step }) => `checkpoint-${step}`),
  ];
}

async function checkWritable(path: string): Promise<void> {
  // under a name that is swept if the program is killed here
  const probe = temporarySibling(join(path, RUN_FILE.options));
  try {
    await makeFolder(path);
    {
      using _probe = await disk().open(probe, { write: true, createNew: true });
    }
    await disk().remove(probe);
  } catch (error) {
    if (error instanceof NotCapable) throw error;
    throw new PermissionDenied(
      `Cannot write to output folder "${path}": ${reasonOf(error)}`,
    );
  }
}
