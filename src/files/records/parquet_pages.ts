/**
 * Unpacks the pages of parquet files, each up to the size that the file gives for it, and the
 * columns of Arrow. Knows no rows.
 */
import {
  brotliDecompressSync,
  gunzipSync,
  zstdDecompressSync,
} from "node:zlib";
import { type Compressors, snappyUncompress } from "hyparquet";
import { decompressLz4 } from "./lz4_block.ts";

/** The most bytes of a page; usual is a megabyte. */
const MOST_OF_PAGE = 2 ** 29;

type Decompress = (input: Uint8Array, size: number) => Uint8Array;

/** Holds a decompressor to the size that the file gives for the page, and that size to a bound. */
function bounded(decompress: Decompress): Decompress {
  return (input, size) => {
    if (size >= 0 && size <= MOST_OF_PAGE) return decompress(input, size);
    throw new RangeError(
      `found a page of ${size} bytes, expected at most ${MOST_OF_PAGE}`,
    );
  };
}

const most = (size: number) => ({ maxOutputLength: Math.max(1, size) });

/** The decompressors of pages, by the names that parquet has for them. */
export const DECOMPRESSORS: Compressors = {
  SNAPPY: bounded((input, size) => {
    const output = new Uint8Array(size);
    snappyUncompress(input, output);
    return output;
  }),
  GZIP: bounded((input, size) => gunzipSync(input, most(size))),
  ZSTD: bounded((input, size) => zstdDecompressSync(input, most(size))),
  BROTLI: bounded((input, size) => brotliDecompressSync(input, most(size))),
  LZ4_RAW: bounded(decompressLz4),
};
