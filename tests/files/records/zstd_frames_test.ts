/** Frames of zstd are followed as they come, and large windows refused before they are made. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { zstdCompressSync } from "node:zlib";
import { readRecords } from "../../../src/files/records/records.ts";
import { ZstdFrames } from "../../../src/files/records/zstd_frames.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";

const OPTIONS = { permissions: { read: [TEMPORARY], write: [TEMPORARY] } };
const joined = (...parts: readonly Uint8Array[]) =>
  Uint8Array.from(parts.flatMap((part) => [...part]));

const MAGIC = [0x28, 0xb5, 0x2f, 0xfd];
/** Content that repeats, that does not, that is one byte, and none. */
const FRAMES = [
  zstdCompressSync(new TextEncoder().encode("abc ".repeat(90_000))),
  zstdCompressSync(crypto.getRandomValues(new Uint8Array(60_000))),
  zstdCompressSync(new Uint8Array(400_000)),
  zstdCompressSync(new Uint8Array()),
  Uint8Array.of(0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 7, 7, 7),
];
/** A frame whose window is 2^(10 + exponent) bytes, with a last block of no bytes. */
const windowed = (exponent: number) =>
  Uint8Array.of(...MAGIC, 0, exponent << 3, 1, 0, 0);
/** A frame of one segment of so many bytes. */
function single(size: number): Uint8Array {
  const field = new Uint8Array(8);
  new DataView(field.buffer).setBigUint64(0, BigInt(size), true);
  return Uint8Array.of(...MAGIC, 0xe0, ...field, 1, 0, 0);
}

function look(bytes: Uint8Array, step: number): void {
  const frames = new ZstdFrames();
  for (let at = 0; at < bytes.length; at += step) {
    frames.look(bytes.subarray(at, at + step));
  }
}

test("ZstdFrames finds a large window behind any frames, however the bytes come", () => {
  for (const step of [1, 7, 1024, 1e6]) {
    look(joined(...FRAMES, windowed(17), single(2 ** 27)), step);
    for (const last of [windowed(18), single(2 ** 27 + 1), single(2 ** 28)]) {
      for (const before of [[], ...FRAMES.map((one) => [one]), FRAMES]) {
        assertThrows(
          () => look(joined(...before, last), step),
          TypeError,
          "found a frame of zstd with a window of ",
        );
      }
    }
  }
});

test("ZstdFrames leaves what is no zstd to the decompressor", () => {
  look(new TextEncoder().encode("no zstd"), 2);
});

test(
  "readRecords() refuses a zstd of a large window, and reads many frames",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const row = (i: number) =>
      zstdCompressSync(new TextEncoder().encode(`{"i":${i}}\n`));
    const whole = joined(row(0), FRAMES[4]!, row(1));
    const path = await folder.write("a.jsonl.zst", whole);
    const read = () => Array.fromAsync(readRecords(path));
    assertEquals((await read()).map(({ value }) => value["i"]), [0, 1]);
    await folder.write("a.jsonl.zst", joined(row(0), windowed(18)));
    await assertRejects(read, SyntaxError, "a window of 268435456 bytes");
  },
);
