/**
 * Measures files: size, sha256 (which hubs list for large files) and the git object id (which
 * Hugging Face lists for small ones). The bytes are hashed as a stream, which the Web Crypto API
 * cannot do.
 */
import { disk, type DiskFile, NotFound } from "../disk.ts";
import { startHash } from "../disk/hash.ts";

/** What is known of a file before it is downloaded. */
export interface Expected {
  /** Bytes. */
  readonly size?: number;
  /** In hexadecimal. */
  readonly sha256?: string;
  /** Id of the file as a git blob, in hexadecimal: the sha1 of `blob <size>\0` and the content. */
  readonly gitOid?: string;
}

/** The measured size and hashes of a file. */
export interface Measured {
  /** Bytes. */
  readonly size: number;
  /** In hexadecimal. */
  readonly sha256: string;
  /** Id of the file as a git blob; absent if the size was not known before. */
  readonly gitOid?: string;
}

/** Hashes bytes as they come. */
export class Checksum {
  readonly #sha256 = startHash("sha256");
  readonly #sha1 = startHash("sha1");
  readonly #expectedSize: number | undefined;
  #size = 0;

  /**
   * Starts without bytes. `size` is the size of the whole file, if known; the git object id needs
   * it.
   */
  constructor(size?: number) {
    this.#expectedSize = size;
    this.#sha1.update(`blob ${size}\0`);
  }

  /** Bytes seen so far. */
  get size(): number {
    return this.#size;
  }

  /** Adds bytes. */
  update(bytes: Uint8Array): void {
    this.#size += bytes.length;
    this.#sha256.update(bytes);
    this.#sha1.update(bytes);
  }

  /** The result; the checksum cannot be used after it. */
  finish(): Measured {
    const sha256 = this.#sha256.digest("hex");
    if (this.#size !== this.#expectedSize) return { size: this.#size, sha256 };
    return { size: this.#size, sha256, gitOid: this.#sha1.digest("hex") };
  }
}

/** Measures a file on disk; undefined if it does not exist. */
export async function measureFile(
  path: string,
  size?: number,
): Promise<Measured | undefined> {
  const checksum = new Checksum(size);
  try {
    using file = await disk().open(path);
    await hashInto(checksum, file);
  } catch (error) {
    if (error instanceof NotFound) return undefined;
    throw error;
  }
  return checksum.finish();
}

/** Hashes the rest of an open file. */
export async function hashInto(
  checksum: Checksum,
  file: DiskFile,
): Promise<void> {
  const buffer = new Uint8Array(2 ** 20);
  let count: number | null;
  while ((count = await file.read(buffer)) !== null) {
    checksum.update(buffer.subarray(0, count));
  }
}

/** How a file differs from what was expected, in words; undefined if it does not. */
export function difference(
  found: Measured,
  expected: Expected,
): string | undefined {
  const { size, sha256, gitOid } = expected;
  if (size !== undefined && found.size !== size) {
    return `found ${found.size} bytes, expected ${size}`;
  }
  if (sha256 !== undefined && found.sha256 !== sha256) {
    return `found sha256 ${found.sha256}, expected ${sha256}`;
  }
  if (gitOid !== undefined && found.gitOid !== gitOid) {
    return `found git object ${found.gitOid ?? "none"}, expected ${gitOid}`;
  }
  return undefined;
}
