/**
 * Decompresses gzip files of any number of members, with or without padding of zeros, as gzip and
 * Python do. The platform's own decompressor reads the first member only, and node:zlib may lose
 * what follows padding. Format: https://www.rfc-editor.org/rfc/rfc1952.
 */
import { Readable } from "node:stream";
import { crc32, createInflateRaw } from "node:zlib";
import type { DiskFile } from "../disk.ts";

const PIECE = 2 ** 16;
/** The most bytes of a name in a header, and of zeros between members: both are read singly. */
const MOST_OF_HEADER = 2 ** 16;
const MOST_PADDING = 2 ** 24;
const FLAG = { headerCrc: 2, extra: 4, name: 8, comment: 16 } as const;

function fail(fault: string): never {
  throw new TypeError(fault);
}

/** Reads a file byte by byte from a place on. */
class ByteReader {
  #piece = new Uint8Array(0);
  #used = 0;
  /** The place of the next byte. */
  at: number;
  readonly #file: DiskFile;

  constructor(file: DiskFile, at: number) {
    this.#file = file;
    this.at = at;
  }

  /** The next byte; undefined at the end of the file. */
  async next(): Promise<number | undefined> {
    if (this.#used === this.#piece.length) {
      this.#piece = await pieceAt(this.#file, this.at);
      this.#used = 0;
    }
    const byte = this.#piece[this.#used];
    if (byte === undefined) return undefined;
    this.#used++;
    this.at++;
    return byte;
  }

  async need(): Promise<number> {
    return await this.next() ?? fail("it ends inside a gzip member");
  }

  async skipText(): Promise<void> {
    const start = this.at;
    while (await this.need() !== 0) {
      if (this.at - start > MOST_OF_HEADER) fail("a name in it has no end");
    }
  }

  async number(bytes: number): Promise<number> {
    let value = 0;
    for (let i = 0; i < bytes; i++) value += await this.need() * 256 ** i;
    return value;
  }
}

async function pieceAt(
  file: DiskFile,
  at: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(PIECE);
  return bytes.subarray(0, await file.readAt(at, bytes) ?? 0);
}

async function* piecesFrom(file: DiskFile, from: number) {
  for (let at = from;;) {
    const piece = await pieceAt(file, at);
    if (piece.length === 0) return;
    at += piece.length;
    yield piece;
  }
}

/**
 * The place of a member's compressed data; undefined if only padding is left.
 *
 * @throws {TypeError} if something else than a member begins at the place
 */
async function dataOf(file: DiskFile, at: number): Promise<number | undefined> {
  const reader = new ByteReader(file, at);
  let first = await reader.next();
  while (first === 0 && at > 0) { // padding follows a member
    if (reader.at - at > MOST_PADDING) {
      fail(`found more than ${MOST_PADDING} zeros after a gzip member`);
    }
    first = await reader.next();
  }
  if (first === undefined && at > 0) return undefined;
  if (first !== 0x1f || await reader.next() !== 0x8b) {
    fail(at === 0 ? "it is not gzip" : "found other bytes after a gzip member");
  }
  if (await reader.need() !== 8) fail("its method of compression is unknown");
  const flags = await reader.need();
  await reader.number(6); // time, level and system
  if (flags & FLAG.extra) {
    for (let left = await reader.number(2); left > 0; left--) {
      await reader.need();
    }
  }
  if (flags & FLAG.name) await reader.skipText();
  if (flags & FLAG.comment) await reader.skipText();
  if (flags & FLAG.headerCrc) await reader.number(2);
  return reader.at;
}

/** Decompresses the data of one member and returns the place at which it ends. */
async function* inflated(
  file: DiskFile,
  start: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>, number> {
  const source = Readable.from(piecesFrom(file, start), { highWaterMark: 1 });
  const inflate = createInflateRaw();
  source.on("error", (error) => inflate.destroy(error));
  try {
    yield* source.pipe(inflate);
  } catch (error) {
    const isZlib = error instanceof Error && "code" in error &&
      String(error.code).startsWith("Z_");
    throw isZlib ? new TypeError(error.message) : error;
  } finally {
    source.destroy();
    inflate.destroy();
  }
  return start + inflate.bytesWritten;
}

/**
 * The decompressed bytes of a file, in pieces. The file is closed at the end.
 *
 * @throws {TypeError} if the file is no gzip, is cut, or does not fit its checksum
 */
export async function* gunzipped(
  file: DiskFile,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  using _file = file;
  for (let at = 0;;) {
    const start = await dataOf(file, at);
    if (start === undefined) return;
    let crc = 0;
    let size = 0;
    const pieces = inflated(file, start);
    let next = await pieces.next();
    for (; !next.done; next = await pieces.next()) {
      crc = crc32(next.value, crc);
      size = (size + next.value.length) % 2 ** 32;
      yield next.value;
    }
    const trailer = new ByteReader(file, next.value);
    if (await trailer.number(4) !== crc || await trailer.number(4) !== size) {
      fail("its data does not fit its checksum");
    }
    at = trailer.at;
  }
}
