/**
 * The manifest of a folder, written last: its files with their sizes and hashes, the step and the
 * run that they are of. Whoever reads the folder checks all of it before believing any.
 */
import { join } from "@std/path";
import type { FileHash } from "../disk/hashed_files.ts";
import { hashFile } from "../disk/file_hash.ts";
import { startHash } from "../disk/hash.ts";
import { writeFileAtomic } from "../disk/atomic.ts";
import { isJsonObject, readJsonObject } from "../disk/json_file.ts";
import { sizeIfThere } from "../disk/whole_file.ts";
import { disk } from "../disk.ts";
import { CHECKPOINT_FILE } from "../file_names.ts";

/** What a folder holds. */
export interface Manifest {
  /** Names the run; the same after a resume. */
  readonly run: string;
  /** Optimizer steps done. */
  readonly step: number;
  /** Hash of the rows of metrics up to this step; undefined if the writer kept none. */
  readonly metrics?: string | undefined;
  /** By the names of the files, which have `/` between folders. */
  readonly files: Readonly<Record<string, FileHash>>;
}

/** Of the layout. */
const VERSION = 1;

/** What is written into the file: the manifest, and a hash of itself. */
export function manifestJson(
  { run, step, metrics, files }: Manifest,
): unknown {
  const rows = metrics === undefined ? {} : { metrics };
  const body = { version: VERSION, run, step, ...rows, files };
  return { ...body, sha256: hashOf(body) };
}

function hashOf(body: unknown): string {
  return startHash("sha256").update(JSON.stringify(body)).digest("hex");
}

/**
 * Reads a manifest.
 *
 * @throws {SyntaxError | TypeError} in one line, if it is not as it was written; NotFound
 */
export async function readManifest(path: string): Promise<Manifest> {
  const { sha256, ...body } = await readJsonObject(path);
  const { version, run, step, metrics, files } = body;
  if (sha256 === hashOf(body) && version !== VERSION) {
    throw new TypeError(
      `Cannot read "${path}": version ${version}, expected ${VERSION}; it was written by another version of this program`,
    );
  }
  const isWhole = sha256 === hashOf(body) && typeof run === "string" &&
    typeof step === "number" && isJsonObject(files);
  if (!isWhole) {
    throw new TypeError(
      `Cannot read "${path}": it is damaged, expected the hash that it gives of itself`,
    );
  }
  return {
    run,
    step,
    metrics: typeof metrics === "string" ? metrics : undefined,
    files: files as Manifest["files"],
  };
}

/** Writes the manifest of all files that a folder holds, each of which is read again. */
export async function writeManifest(
  folder: string,
  named: Omit<Manifest, "files">,
): Promise<void> {
  const files: Record<string, FileHash> = {};
  for await (const { name, isFile } of disk().list(folder)) {
    if (!isFile) continue;
    const path = join(folder, name);
    const { size } = await disk().stat(path);
    files[name] = { size, sha256: await hashFile(path) };
  }
  const json = manifestJson({ ...named, files });
  const text = JSON.stringify(json, null, 2) + "\n";
  await writeFileAtomic(join(folder, CHECKPOINT_FILE.manifest), text);
}

/** What differs from the manifest, a part of a sentence for each file; sizes come first. */
export async function manifestFaults(
  folder: string,
  { files }: Manifest,
): Promise<string[]> {
  const entries = Object.entries(files);
  const faults: string[] = [];
  for (const [name, { size }] of entries) {
    const found = await sizeIfThere(join(folder, name));
    if (found === undefined) faults.push(`"${name}" is missing`);
    else if (found !== size) {
      faults.push(`"${name}" has ${found} bytes, expected ${size}`);
    }
  }
  // what is cut or gone tells enough, and the rest may be large
  if (faults.length > 0) return faults;
  for (const [name, { sha256 }] of entries) {
    const found = await hashFile(join(folder, name));
    if (found !== sha256) {
      faults.push(
        `"${name}" has other bytes than were written (sha256 ${
          found.slice(0, 8)
        }..., expected ${sha256.slice(0, 8)}...)`,
      );
    }
  }
  return faults;
}
