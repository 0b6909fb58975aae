/**
 * Reads the text of a file as a stream: UTF-8, or UTF-16 with a byte order mark, which is left out;
 * decompressed if the name ends in `.gz` or `.zst`.
 */
import { Decompress } from "fzstd";
import { type Compression, kindOfFile } from "./data_kinds.ts";
import { disk, type DiskFile, NotFound } from "../disk.ts";
import { gunzipped } from "./gzip_members.ts";

/** The bytes of a file, decompressed; they close the file at their end. */
function bytesOf(
  file: DiskFile,
  compression: Compression | undefined,
): AsyncIterable<Uint8Array<ArrayBuffer>> {
  if (compression === "gzip") return gunzipped(file);
  return compression === "zstd"
    ? file.stream().pipeThrough(unzstd())
    : file.stream();
}

/**
 * Decompresses zstd. Deno's own decompressor reports no error on a cut file and ignores all frames
 * after the first.
 */
function unzstd(): TransformStream<
  Uint8Array<ArrayBuffer>,
  Uint8Array<ArrayBuffer>
> {
  let frames: Decompress;
  return new TransformStream({
    start(controller) {
      frames = new Decompress((chunk) =>
        controller.enqueue(chunk as Uint8Array<ArrayBuffer>)
      );
    },
    transform: (chunk) => frames.push(chunk),
    flush: () => frames.push(new Uint8Array(0), true),
  });
}

/** A decoder by the byte order mark; Excel and PowerShell write UTF-16 with one. */
function decoderOf([first, second]: Uint8Array): TextDecoder {
  const label = first === 0xff && second === 0xfe
    ? "utf-16le"
    : first === 0xfe && second === 0xff
    ? "utf-16be"
    : "utf-8";
  return new TextDecoder(label, { fatal: true });
}

/**
 * The text of a file in pieces.
 *
 * @throws NotFound if there is no such file, SyntaxError if it is not UTF-8, not gzip or not zstd.
 */
export async function* textPieces(path: string): AsyncGenerator<string> {
  const file = await disk().open(path).catch((error) => {
    if (!(error instanceof NotFound)) throw error;
    throw new NotFound(`Cannot read "${path}": no such file`);
  });
  const { compression } = kindOfFile(path);
  let decoder: TextDecoder | undefined;
  try {
    for await (const piece of bytesOf(file, compression)) {
      decoder ??= decoderOf(piece);
      yield decoder.decode(piece, { stream: true });
    }
    if (decoder !== undefined) yield decoder.decode();
  } catch (error) {
    if (!isBadText(error)) throw error;
    const wanted = compression === undefined
      ? "UTF-8 text"
      : `UTF-8 text in ${compression}`;
    throw new SyntaxError(
      `Cannot read "${path}": ${error.message}, expected ${wanted}`,
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
 * The lines of a file, without their ends (LF or CRLF), counted from 1. A byte order mark before a
 * line is left out: files that were joined have one in their midst.
 */
export async function* textLines(
  path: string,
): AsyncGenerator<{ line: number; text: string }> {
  let line = 0;
  let rest: string[] = []; // the parts of a line that extends over several pieces
  for await (const piece of textPieces(path)) {
    const parts = piece.split("\n");
    const last = parts.pop()!;
    for (const part of parts) {
      rest.push(part);
      yield { line: ++line, text: chomp(rest.join("")) };
      rest = [];
    }
    rest.push(last);
  }
  const text = rest.join("");
  if (text !== "") yield { line: ++line, text: chomp(text) };
}

function chomp(text: string): string {
  const start = text.startsWith("\ufeff") ? 1 : 0;
  return text.slice(start, text.endsWith("\r") ? -1 : undefined);
}
