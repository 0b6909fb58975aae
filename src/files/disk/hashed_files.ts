/**
 * Writes files and takes their hashes meanwhile, so that nothing is read again.
 */
import { disk, type DiskFile, type WritableFile } from "../disk.ts";
import {
  type FileData,
  type FileWriter,
  makeFolder,
  writeData,
} from "./atomic.ts";
import { type Hash, startHash } from "./hash.ts";
import { writeAll } from "./whole_file.ts";
import { dirname } from "@std/path";

/** What is known of a file's bytes. */
export interface FileHash {
  readonly size: number;
  /** In hexadecimal. */
  readonly sha256: string;
}

/** A writer of files, and the hashes of those that it has written, by their paths. */
export interface HashedFiles {
  readonly write: FileWriter;
  readonly hashes: ReadonlyMap<string, FileHash>;
}

/**
 * Begins without files.
 *
 * @param write how each is written; by default as new files, which are not flushed
 */
export function hashedFiles(write: FileWriter = writeNew): HashedFiles {
  const hashes = new Map<string, FileHash>();
  return {
    hashes,
    async write(path, data) {
      await write(path, async (file, openPath) => {
        await using hashed = new HashedFile(file, openPath);
        await writeData(hashed, data, openPath);
        hashes.set(path, await hashed.end());
      });
    },
  };
}

async function writeNew(path: string, data: FileData): Promise<void> {
  await makeFolder(dirname(path));
  using file = await disk().open(path, { write: true, createNew: true });
  await writeData(file, data, path);
}

/** So many bytes are handed to the disk while the next ones are hashed. */
const FLUSH_BYTES = 64 << 20;

class HashedFile implements WritableFile {
  readonly #file: WritableFile;
  readonly #path: string;
  readonly #hash: Hash = startHash("sha256");
  #size = 0;
  #flushedAt = 0;
  /** The file opened once more: Deno writes nothing through an opening while it flushes that. */
  #flushed: DiskFile | undefined;
  #flushing: Promise<void> | undefined;

  constructor(file: WritableFile, path: string) {
    this.#file = file;
    this.#path = path;
  }

  /**
   * The system only copies the bytes and would leave the disk idle until the file is flushed at its
   * end. So a large file is flushed in parts, and the disk works while the bytes are hashed.
   */
  async write(bytes: Uint8Array): Promise<number> {
    const writing = writeAll(this.#file, bytes);
    this.#hash.update(bytes);
    this.#size += bytes.length;
    await writing;
    if (this.#size - this.#flushedAt >= FLUSH_BYTES) {
      await this.#flushing;
      this.#flushedAt = this.#size;
      this.#flushed ??= await disk().open(this.#path, { write: true });
      this.#flushing = this.#flushed.sync();
      // thrown where it is awaited: by the next part or at the end
      this.#flushing.catch(() => {});
    }
    return bytes.length;
  }

  async end(): Promise<FileHash> {
    await this.#flushing;
    return { size: this.#size, sha256: this.#hash.digest("hex") };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#flushing?.catch(() => {});
    this.#flushed?.[Symbol.dispose]();
  }
}
