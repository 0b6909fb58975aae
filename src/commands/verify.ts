/**
 * The command `verify`: whether what lies on the disk is what was written. Checkpoints are compared
 * with their manifests, downloads with their records, the rest with their own headers. Prints
 * nothing, opens no device and writes nothing.
 */
import { basename, join } from "@std/path";
import { defineSchema } from "../base/schema.ts";
import { disk, NotCapable, NotFound } from "../files/disk.ts";
import {
  ADAPTER_FILE,
  CHECKPOINT_FILE,
  MODEL_FILE,
} from "../files/file_names.ts";
import { openAdapterFolder } from "../files/folders/adapter_folder.ts";
import {
  checkpointStep,
  listCheckpoints,
} from "../files/folders/checkpoints.ts";
import { manifestFaults, readManifest } from "../files/folders/manifest.ts";
import { openModelFolder } from "../files/folders/model_folder.ts";
import { openGguf } from "../files/gguf/gguf_reader.ts";
import { difference, measureFile } from "../files/hub/checksum.ts";
import { readRecord, type RepoRecord } from "../files/hub/repo_record.ts";
import { openSafetensors } from "../files/safetensors/safetensors.ts";
import { fileNames } from "../files/safetensors/weights.ts";
import { checkCheckpoint } from "../training/checkpoint/checkpoint_faults.ts";
import { defineCommand } from "./command.ts";

/**
 * `deno task verify`
 *
 * @internal
 */
export const verifyCommand = defineCommand({
  name: "verify",
  summary:
    "Checks a run, an adapter, a model, a download or a GGUF file for damage. Touches no GPU.",
  schema: defineSchema({}, {
    positionals: [{
      name: "PATH",
      help:
        "folder of a run, a checkpoint, an adapter, a model or a download, or a .gguf or .safetensors file",
      required: true,
    }],
  }),
});

/** What was found of one thing. */
export interface Verified {
  /** One line: what it is, and what is wrong or was compared. */
  readonly line: string;
  readonly isWhole: boolean;
}

/**
 * Looks at all that a path holds.
 *
 * @throws {NotFound} if nothing lies there that can be checked
 */
export async function verify(path: string): Promise<Verified[]> {
  const found = (await disk().stat(path).catch((error) => {
      if (!(error instanceof NotFound)) throw error;
      throw new NotFound(`Cannot verify "${path}": no such file or folder`);
    })).isDirectory
    ? await verifyFolder(path)
    : await verifyFile(path);
  if (found.length > 0) return found;
  throw new NotFound(
    `Cannot verify "${path}": found no checkpoint, adapter, model, record of a download, .gguf or .safetensors file`,
  );
}

async function verifyFile(path: string): Promise<Verified[]> {
  const open = path.endsWith(".gguf")
    ? openGguf
    : path.endsWith(".safetensors")
    ? openSafetensors
    : undefined;
  return open
    ? [await looked(path, "its header and sizes fit", () => open(path))]
    : [];
}

async function verifyFolder(path: string): Promise<Verified[]> {
  const names = await fileNames(path);
  const isCheckpoint = checkpointStep(basename(path)) !== undefined ||
    names.includes(CHECKPOINT_FILE.state);
  if (isCheckpoint) return [await verifyCheckpoint(path)];
  const found: Verified[] = [];
  const record = await readRecord(path);
  if (record) found.push(await verifyDownload(path, record));
  for (const one of await listCheckpoints(path)) {
    found.push(await verifyCheckpoint(one.path));
  }
  const manifest = join(path, CHECKPOINT_FILE.manifest);
  if (names.includes(CHECKPOINT_FILE.manifest)) {
    found.push(await verifyWritten(path, manifest));
  }
  const fits = "its files and the sizes of its weights fit";
  if (names.some((name) => name.startsWith("adapter_model."))) {
    found.push(await looked(path, fits, () => openAdapterFolder(path)));
  } else if (
    [MODEL_FILE.weights, MODEL_FILE.weightsIndex]
      .some((name) => names.includes(name))
  ) found.push(await looked(path, fits, () => openModelFolder(path)));
  else if (found.length === 0 && names.includes(ADAPTER_FILE.config)) {
    found.push(await looked(path, fits, () => openAdapterFolder(path)));
  }
  for (const name of names.filter((one) => one.endsWith(".gguf"))) {
    found.push(...await verifyFile(join(path, name)));
  }
  return found;
}

const AGAIN = "take it from a copy, or make it again";

/** What opening tells. */
async function looked(
  path: string,
  whole: string,
  open: () => Promise<unknown>,
): Promise<Verified> {
  try {
    await open();
    return { line: `"${path}": ${whole}`, isWhole: true };
  } catch (error) {
    if (error instanceof NotCapable) throw error;
    const what = error instanceof Error ? error.message : String(error);
    return { line: `"${path}" is damaged: ${what}; ${AGAIN}`, isWhole: false };
  }
}

async function verifyCheckpoint(path: string): Promise<Verified> {
  const { faults, manifest } = await checkCheckpoint(path);
  const line = faults.length > 0
    ? `"${path}" is damaged: ${
      faults.join("; ")
    }; remove it, and a resume takes the newest that is whole`
    : manifest
    ? `"${path}": all ${
      Object.keys(manifest.files).length
    } files are as they were written`
    : `"${path}": its headers and its state fit; it has no manifest to compare its bytes with`;
  return { line, isWhole: faults.length === 0 };
}

/** The model of a finished run, or a merged one. */
async function verifyWritten(
  path: string,
  manifest: string,
): Promise<Verified> {
  const faults: string[] = [];
  let count = 0;
  try {
    const read = await readManifest(manifest);
    count = Object.keys(read.files).length;
    faults.push(...await manifestFaults(path, read));
  } catch (error) {
    if (error instanceof NotCapable) throw error;
    faults.push(error instanceof Error ? error.message : String(error));
  }
  const isWhole = faults.length === 0;
  const line = isWhole
    ? `"${path}": all ${count} files of its model are as they were written`
    : `"${path}" is damaged: ${faults.join("; ")}; ${AGAIN}`;
  return { line, isWhole };
}

async function verifyDownload(
  path: string,
  { repo, complete, files }: RepoRecord,
): Promise<Verified> {
  const faults = complete ? [] : ["the last download did not come to its end"];
  for (const [name, contents] of files) {
    const measured = await measureFile(join(path, name), contents[0]?.size);
    const wrong = measured &&
      contents.map((one) => difference(measured, one));
    if (wrong === undefined) faults.push(`"${name}" is missing`);
    else if (wrong.length > 0 && !wrong.includes(undefined)) {
      faults.push(`"${name}": ${wrong[0]}`);
    }
  }
  const line = faults.length === 0
    ? `"${path}": all ${files.size} files of ${repo} are as its hub lists them`
    : `"${path}" is damaged: ${
      faults.join("; ")
    }; download ${repo} again, which brings these files alone`;
  return { line, isWhole: faults.length === 0 };
}
