/**
 * A file that is being downloaded: `<path>.part` holds the bytes so far, `<path>.part.etag` the tag
 * of their version, without which the download cannot be continued safely.
 */
import { dirname } from "@std/path";
import {
  makeFolder,
  removeLink,
  takeName,
  writeFileAtomic,
} from "../disk/atomic.ts";
import { Checksum, hashInto, type Measured } from "./checksum.ts";
import { HubError } from "./retry.ts";
import { disk, type DiskFile, NotFound } from "../disk.ts";
import { readTextIfThere, writeAll } from "../disk/whole_file.ts";

/** Owns the open `.part` file and the hash of its bytes. */
export class PartFile implements Disposable {
  readonly #path: string;
  readonly #file: DiskFile;
  readonly #size: number | undefined;
  #checksum: Checksum;
  #etag: string | undefined;

  private constructor(path: string, file: DiskFile, size?: number) {
    this.#path = path;
    this.#file = file;
    this.#size = size;
    this.#checksum = new Checksum(size);
  }

  /**
   * Opens the part of an earlier try, or an empty one. A link in its place is removed.
   *
   * @param size of the whole file, if known
   * @throws {Error} if another program has it open
   */
  static async open(path: string, size?: number): Promise<PartFile> {
    await makeFolder(dirname(path));
    await removeLink(`${path}.part`);
    const file = await disk().open(`${path}.part`, {
      read: true,
      write: true,
      create: true,
    });
    const part = new PartFile(path, file, size);
    try {
      // a disk without locks was told of when the folder was locked
      if (await file.lock?.().catch(() => true) === false) {
        throw new Error(
          `Cannot download to "${path}": another program is downloading it, wait for its end`,
        );
      }
      part.#etag = await readEtag(path);
      await hashInto(part.#checksum, file);
    } catch (error) {
      file[Symbol.dispose]();
      throw error;
    }
    return part;
  }

  /** Number of bytes so far. */
  get bytes(): number {
    return this.#checksum.size;
  }

  /** Tag of the version of the bytes. */
  get etag(): string | undefined {
    return this.#etag;
  }

  /** Removes all bytes and stores the version of the next ones. */
  async restart(etag?: string): Promise<void> {
    await this.#file.truncate(0);
    await this.#file.seek(0);
    this.#checksum = new Checksum(this.#size);
    this.#etag = etag;
    if (etag !== undefined) {
      await writeFileAtomic(`${this.#path}.part.etag`, etag);
    } else await removeEtag(this.#path);
  }

  /** Appends bytes. */
  async append(bytes: Uint8Array): Promise<void> {
    await writeAll(this.#file, bytes);
    this.#checksum.update(bytes);
  }

  /** Size and hashes of the bytes so far; nothing can be appended afterwards. */
  measure(): Measured {
    return this.#checksum.finish();
  }

  /**
   * Flushes the bytes to the disk and renames the file.
   *
   * @throws {HubError} if the disk does not hold as many bytes as were written
   */
  async finish(): Promise<void> {
    await this.#file.sync();
    const size = await this.#file.size();
    if (size !== this.bytes) {
      throw new HubError(
        `Cannot download to "${this.#path}": its disk holds ${size} of ${this.bytes} bytes`,
        { retry: true, tries: 2 },
      );
    }
    // first, since nobody looks for it once the file has its name
    await removeEtag(this.#path);
    await takeName(`${this.#path}.part`, this.#path);
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }
}

async function readEtag(path: string): Promise<string | undefined> {
  return await readTextIfThere(`${path}.part.etag`);
}

async function removeEtag(path: string): Promise<void> {
  await disk().remove(`${path}.part.etag`).catch((error) => {
    if (!(error instanceof NotFound)) throw error;
  });
}
