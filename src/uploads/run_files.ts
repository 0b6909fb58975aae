/**
 * Which files of a run's folder go to a hub: the model or adapter, its tokenizer and its card.
 * Checkpoints, optimizers, logs and caches stay here unless they are asked for.
 */
import { globToRegExp, join } from "@std/path";
import { disk, NotFound } from "../files/disk.ts";
import { ADAPTER_FILE, MODEL_FILE, RUN_FILE } from "../files/file_names.ts";
import { isAdapterFolder } from "../files/folders/adapter_as_model.ts";
import { openAdapterFolder } from "../files/folders/adapter_folder.ts";
import { listCheckpoints } from "../files/folders/checkpoints.ts";
import { checkFolder, openModelFolder } from "../files/folders/model_folder.ts";
import { MODEL_PATTERNS } from "../files/hub/file_patterns.ts";
import type { LocalFile } from "../files/hub/upload.ts";
import { isPickle, PICKLE_ADVICE } from "../files/safetensors/pickles.ts";
import { fileNames } from "../files/safetensors/weights.ts";

/** Files that go along with every model. */
const PATTERNS: readonly string[] = [
  ...MODEL_PATTERNS.filter((pattern) => !pattern.endsWith(".safetensors")),
  MODEL_FILE.weights,
  "model-+([0-9])-of-+([0-9]).safetensors",
  ADAPTER_FILE.weights,
  "adapter_model-+([0-9])-of-+([0-9]).safetensors",
  "tokenizer.model",
  RUN_FILE.card,
  RUN_FILE.options,
  "LICENSE*",
  "NOTICE*",
  "Modelfile",
];

/** Most files that are uploaded, and most folders below each other that are looked into. */
const MOST = { files: 10_000, depth: 5 };

/** The files of a run that are uploaded. */
export interface RunFiles {
  readonly files: readonly LocalFile[];
  /** Whether a card is among them. */
  readonly hasCard: boolean;
}

/**
 * The files of a run to upload, in the order of their names.
 *
 * @param patterns of further files; one that fits nothing is an error
 * @throws {Error} in one line if the model is not whole, or a pattern asks for a pickle
 */
export async function runFiles(
  folder: string,
  patterns: readonly string[] = [],
): Promise<RunFiles> {
  await checkWhole(folder);
  const paths = patterns.length > 0
    ? await everyPath(folder)
    : await fileNames(folder);
  const usual = fits(PATTERNS);
  const asked = patterns.map((pattern) => {
    const test = fits([pattern]);
    if (paths.some(test)) return test;
    throw new TypeError(
      `Cannot upload "${folder}": no file matches "${pattern}"`,
    );
  });
  const chosen = paths.filter((path) =>
    usual(path) || asked.some((test) => test(path))
  );
  const pickles = chosen.filter(isPickle);
  if (pickles.length > 0) {
    throw new TypeError(
      `Cannot upload "${
        pickles.join('", "')
      }" of "${folder}": ${PICKLE_ADVICE}`,
    );
  }
  const files = await Promise.all(chosen.map(async (path) => {
    const local = join(folder, path);
    return { path, local, size: (await disk().stat(local)).size };
  }));
  return { files, hasCard: chosen.includes(RUN_FILE.card) };
}

function fits(patterns: readonly string[]): (path: string) => boolean {
  const tests = patterns.map((glob) => globToRegExp(glob, { os: "linux" }));
  return (path) => tests.some((test) => test.test(path));
}

/** Checks that a folder holds all of a model or of an adapter; the weights' headers are read. */
async function checkWhole(folder: string): Promise<void> {
  await checkFolder(folder, "run");
  if (await isAdapterFolder(folder)) {
    return void await openAdapterFolder(folder);
  }
  const names = await fileNames(folder);
  if (
    names.includes(MODEL_FILE.weights) ||
    names.includes(MODEL_FILE.weightsIndex)
  ) {
    return void await openModelFolder(folder);
  }
  const last = (await listCheckpoints(folder)).at(-1);
  throw new NotFound(
    `Cannot upload "${folder}": ${
      last === undefined
        ? "it holds neither a model nor an adapter"
        : `the run has not come to its end, its last checkpoint is "${last.path}"; finish it with resume_from_checkpoint, or upload the checkpoint`
    }`,
  );
}

/** The paths of the files below a folder; hidden ones, and links, are left out. */
async function everyPath(folder: string): Promise<string[]> {
  const paths: string[] = [];
  const look = async (below: string, depth: number) => {
    for await (const entry of disk().list(join(folder, below))) {
      if (entry.name.startsWith(".")) continue;
      const path = below === "" ? entry.name : `${below}/${entry.name}`;
      if (entry.isFile) paths.push(path);
      else if (entry.isDirectory && depth < MOST.depth) {
        await look(path, depth + 1);
      }
      if (paths.length > MOST.files) {
        throw new RangeError(
          `Cannot upload "${folder}": found more than ${MOST.files} files`,
        );
      }
    }
  };
  await look("", 1);
  return paths.sort();
}
