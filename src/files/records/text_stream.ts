/**
 * Reads the text of a file as a stream: UTF-8 or UTF-16, without its byte order mark; decompressed
 * if the name or the first bytes say gzip or zstd.
 */
import { Decompress } from "fzstd";
import { type Compression, kindOfFile } from "./data_kinds.ts";
import type { DiskFile } from "../disk.ts";
import {
  compressionOf,
  encodingAdvice,
  encodingOf,
  openData,
  refuseForeign,
} from "./file_bytes.ts";
import { gunzipped } from "./gzip_members.ts";
import { ZstdFrames } from "./zstd_frames.ts";

/** The bytes of a file, decompressed; they close the file at their end. */
function bytesOf(
  file: DiskFile,
  compression: Compression | undefined,
): AsyncIterable<Uint8Array<ArrayBuffer>> {
  if (compression === "gzip") return gunzipped(file);
  return compression === "zstd" ? unzstd(file.stream()) : file.stream();
}

/** Compressed bytes at a time: each four of them may stand for 128 KiB. */
const ZSTD_PIECE = 1024;

/**
 * Decompresses zstd. Deno's own decompressor reports no error on a cut file and ignores all frames
 * after the first.
 */
async function* unzstd(
  packed: AsyncIterable<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const made: Uint8Array<ArrayBuffer>[] = [];
  const frames = new ZstdFrames();
  const unpacked = new Decompress((chunk) => {
    made.push(chunk as Uint8Array<ArrayBuffer>);
  });
  const taken = () => made.splice(0);
  for await (const chunk of packed) {
    for (let at = 0; at < chunk.length; at += ZSTD_PIECE) {
      const piece = chunk.subarray(at, at + ZSTD_PIECE);
      frames.look(piece);
      unpacked.push(piece);
      yield* taken();
    }
  }
  unpacked.push(new Uint8Array(0), true);
  yield* taken();
}

/** What stands at the start of a file, and its bytes without their compression. */
async function openText(path: string) {
  const { file, head } = await openData(path);
  // a name such as rows.gz.jsonl says less than the bytes
  const compression = compressionOf(head) ?? kindOfFile(path).compression;
  return { head, compression, bytes: bytesOf(file, compression) };
}

/**
 * The text of a file in pieces.
 *
 * @throws NotFound if there is no such file, SyntaxError if it is not UTF-8, not gzip or not zstd.
 */
export async function* textPieces(path: string): AsyncGenerator<string> {
  const { head, compression, bytes } = await openText(path);
  let decoder: TextDecoder | undefined;
  let last = head;
  try {
    for await (const piece of bytes) {
      last = piece;
      if (decoder === undefined) {
        refuseForeign(piece, path); // what was compressed
        decoder = new TextDecoder(encodingOf(piece), { fatal: true });
      }
      yield decoder.decode(piece, { stream: true });
    }
    if (decoder !== undefined) yield decoder.decode();
  } catch (error) {
    if (!isBadText(error)) throw error;
    const wanted = compression === undefined
      ? "UTF-8 text"
      : `UTF-8 text in ${compression}`;
    const found = /encoded data/.test(error.message)
      ? encodingAdvice(last)
      : error.message;
    throw new SyntaxError(
      `Cannot read "${path}": ${found}, expected ${wanted}`,
    );
  }
}

/** Whether an error comes from the decoder or a decompressor. */
function isBadText(error: unknown): error is Error {
  return error instanceof TypeError ||
    (error instanceof Error && "code" in error &&
      typeof error.code === "number"); // fzstd's own
}

/**
 * The lines of a file, without their ends (LF or CRLF, or CR in a file without LF), counted from 1.
 * A byte order mark before a line is left out: files that were joined have one in their midst.
 *
 * @throws {RangeError} naming a line that is longer than is read
 */
export async function* textLines(
  path: string,
): AsyncGenerator<{ line: number; text: string }> {
  let line = 0;
  let end: string | undefined; // known from the first line on
  let rest: string[] = []; // the parts of a line that extends over several pieces
  let length = 0; // of these parts
  let blank = 0; // lines in a row without a character
  for await (const piece of textPieces(path)) {
    end ??= piece.includes("\n")
      ? "\n"
      : /\r(?!$)/.test(piece)
      ? "\r"
      : undefined;
    const parts = piece.split(end ?? "\n");
    const last = parts.pop()!;
    for (const part of parts) {
      rest.push(part);
      checkRecordLength(length + part.length, path, line + 1);
      const text = chomp(rest.join(""));
      blank = text === "" ? blank + 1 : 0;
      if (blank > MOST_BLANK_LINES) refuseBlank(path, line + 1);
      yield { line: ++line, text };
      rest = [];
      length = 0;
    }
    rest.push(last);
    length += last.length;
    checkRecordLength(length, path, line + 1);
  }
  const text = rest.join("");
  if (text !== "") yield { line: ++line, text: chomp(text) };
}

/**
 * The most characters of a record. A small compressed file may hold a line of any length, which
 * must not be put together in memory.
 */
const MOST_OF_RECORD = 2 ** 26;

const MOST_BLANK_LINES = 1_000_000;

/** @throws {RangeError} naming the line, for a record that is longer than is read */
export function checkRecordLength(
  length: number,
  path: string,
  line: number,
): void {
  if (length <= MOST_OF_RECORD) return;
  throw new RangeError(
    `Cannot read "${path}" line ${line}: found a record of more than ${MOST_OF_RECORD} characters, expected at most that many`,
  );
}

function refuseBlank(path: string, line: number): never {
  throw new RangeError(
    `Cannot read "${path}" line ${line}: found more than ${MOST_BLANK_LINES} blank lines in a row, expected records`,
  );
}

function chomp(text: string): string {
  const start = text.startsWith("\ufeff") ? 1 : 0;
  return text.slice(start, text.endsWith("\r") ? -1 : undefined);
}
