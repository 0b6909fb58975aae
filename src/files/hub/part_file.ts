/**
 * A file that is being downloaded: `<path>.part` with the bytes so far, and `<path>.part.etag` with
 * the tag of the version that they come from, without which they cannot be continued safely.
 */
import { dirname } from "@std/path";
import { makeFolder } from "../disk/atomic.ts";
import { Checksum, hashInto, type Measured } from "./checksum.ts";
import { disk, type DiskFile, NotFound } from "../disk.ts";
import { readTextIfThere, writeAll, writeText } from "../disk/whole_file.ts";

/** Owns the open `.part` file and the hash of what is in it. */
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
   * Opens the bytes left by an earlier try, or none.
   *
   * @param size of the whole file, if known
   */
  static async open(path: string, size?: number): Promise<PartFile> {
    await makeFolder(dirname(path));
    const file = await disk().open(`${path}.part`, {
      read: true,
      write: true,
      create: true,
    });
    const part = new PartFile(path, file, size);
    try {
      part.#etag = await readEtag(path);
      await hashInto(part.#checksum, file);
    } catch (error) {
      file[Symbol.dispose]();
      throw error;
    }
    return part;
  }

  /** Bytes that are there. */
  get bytes(): number {
    return this.#checksum.size;
  }

  /** Tag of the version that the bytes come from. */
  get etag(): string | undefined {
    return this.#etag;
  }

  /** Throws the bytes away and notes the version that the next ones come from. */
  async restart(etag?: string): Promise<void> {
    await this.#file.truncate(0);
    await this.#file.seek(0);
    this.#checksum = new Checksum(this.#size);
    this.#etag = etag;
    if (etag !== undefined) {
      await writeText(`${this.#path}.part.etag`, etag);
    } else await removeEtag(this.#path);
  }

  /** Adds bytes at the end. */
  async append(bytes: Uint8Array): Promise<void> {
    await writeAll(this.#file, bytes);
    this.#checksum.update(bytes);
  }

  /** Size and hashes of what is there; nothing can be appended after it. */
  measure(): Measured {
    return this.#checksum.finish();
  }

  /** Brings the bytes to the disk and gives the file its name. */
  async finish(): Promise<void> {
    await this.#file.sync();
    await disk().rename(`${this.#path}.part`, this.#path);
    await removeEtag(this.#path);
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
