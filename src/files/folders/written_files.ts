/**
 * Whether the files of a model or an adapter are those that were written or downloaded: a run says
 * so in its manifest, a download in its record. Other weights are refused; other texts are told,
 * since people edit them. A folder that says nothing is taken as it is.
 */
import { join } from "@std/path";
import { tell } from "../../base/notes.ts";
import { fileHash } from "../disk/file_hash.ts";
import { sizeIfThere } from "../disk/whole_file.ts";
import { NotFound } from "../disk.ts";
import {
  ADAPTER_FILE,
  CACHE_FOLDER,
  CHECKPOINT_FILE,
  MODEL_FILE,
  NAMED_TEMPLATES,
} from "../file_names.ts";
import { difference, type Expected, measureFile } from "../hub/checksum.ts";
import { MANIFEST, readRecord } from "../hub/repo_record.ts";
import { readManifest } from "./manifest.ts";
import { TOKENIZER_FILES } from "./text_files.ts";

/** The texts that a task reads; others, such as a card, change no number. */
const TEXTS: ReadonlySet<string> = new Set([
  ...Object.values(MODEL_FILE),
  ...TOKENIZER_FILES,
  ADAPTER_FILE.config,
]);

const isWeights = (name: string) =>
  /^(adapter_)?model[^/]*\.safetensors$/.test(name);

const isText = (name: string) =>
  (TEXTS.has(name) && !isWeights(name)) ||
  name.startsWith(`${NAMED_TEMPLATES}/`);

/** What a folder says of its files. */
interface Written {
  /** The file that says it. */
  readonly by: string;
  /** How the files came there. */
  readonly how: "written" | "downloaded";
  /** The contents that a file may have. */
  readonly files: readonly (readonly [string, readonly Expected[]])[];
  /** What to do about weights that differ. */
  readonly advice: string;
}

/** Tells which texts of a folder are not what it says of them. */
export async function tellChangedTexts(folder: string): Promise<void> {
  for (const written of await allWritten(folder)) {
    const { by, how } = written;
    for (const [name, fault] of await faultsOf(folder, written, isText)) {
      const path = join(folder, name);
      tell(
        `"${path}" ${fault}, so it is not what was ${how} ("${by}" says so); it is taken as it is`,
      );
    }
  }
}

/**
 * Compares the weights of a folder with what it says of them. Their hashes are remembered as those
 * of other large files are.
 *
 * @throws {TypeError} naming the weights that differ
 */
export async function checkWrittenWeights(folder: string): Promise<void> {
  for (const written of await allWritten(folder)) {
    const { by, how, advice } = written;
    const wrong = (await faultsOf(folder, written, isWeights))
      .map(([name, fault]) => `"${name}" ${fault}`);
    if (wrong.length === 0) continue;
    throw new TypeError(
      `Cannot load "${folder}": ${
        wrong.join("; ")
      }, so it is not what was ${how}; ${advice}, or remove "${
        join(folder, by)
      }" if you changed it yourself`,
    );
  }
}

async function allWritten(folder: string): Promise<Written[]> {
  const all: Written[] = [];
  const manifest = join(folder, CHECKPOINT_FILE.manifest);
  const found = await readManifest(manifest).catch((error) => {
    if (error instanceof NotFound) return undefined;
    throw error;
  });
  if (found !== undefined) {
    all.push({
      by: CHECKPOINT_FILE.manifest,
      how: "written",
      files: Object.entries(found.files).map(([name, one]) => [name, [one]]),
      advice: "take it from a copy, or make it again",
    });
  }
  const record = await readRecord(folder);
  if (record?.complete) {
    all.push({
      by: MANIFEST,
      how: "downloaded",
      files: [...record.files],
      advice: `download ${record.repo} again`,
    });
  }
  return all;
}

/** Names of files, each with how it differs. */
async function faultsOf(
  folder: string,
  { files }: Written,
  isMeant: (name: string) => boolean,
): Promise<[string, string][]> {
  const faults: [string, string][] = [];
  for (const [name, contents] of files) {
    if (contents.length === 0 || !isMeant(name)) continue;
    const fault = await faultOf(join(folder, name), contents);
    if (fault !== undefined) faults.push([name, fault]);
  }
  return faults;
}

/** How a file differs from all that it may be; undefined if it does not. */
async function faultOf(
  path: string,
  contents: readonly Expected[],
): Promise<string | undefined> {
  const size = await sizeIfThere(path);
  if (size === undefined) return "is missing";
  if (contents.every((one) => (one.size ?? size) !== size)) {
    return `has ${size} bytes, expected ${contents[0]!.size}`;
  }
  if (contents.some((one) => one.sha256 !== undefined)) {
    // only what is large is worth a note
    const cache = size < 2 ** 20 ? undefined : CACHE_FOLDER.reference;
    const sha256 = await fileHash(path, cache);
    if (contents.some((one) => one.sha256 === sha256)) return undefined;
    const wanted = contents[0]!.sha256?.slice(0, 8) ?? "another one";
    return `has sha256 ${sha256.slice(0, 8)}..., expected ${wanted}...`;
  }
  const measured = await measureFile(path, size);
  const differences = contents.map((one) => difference(measured!, one));
  return differences.includes(undefined) ? undefined : "has other bytes";
}
