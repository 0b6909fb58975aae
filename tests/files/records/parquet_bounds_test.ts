/** What a parquet file of somebody else may say about the sizes of its parts. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { brotliCompressSync, gzipSync, zstdCompressSync } from "node:zlib";
import { DECOMPRESSORS } from "../../../src/files/records/parquet_pages.ts";
import { groupRows } from "../../../src/files/records/parquet_records.ts";
import { openDecoder } from "../../../src/files/records/record_decoder.ts";
import { test } from "../../test_case.ts";

const PLAIN = new Uint8Array(100_000).fill(7);
const PACKED = {
  GZIP: gzipSync(PLAIN),
  ZSTD: zstdCompressSync(PLAIN),
  BROTLI: brotliCompressSync(PLAIN),
};

test("a page is not unpacked beyond the size that the file gives for it", () => {
  for (const [name, packed] of Object.entries(PACKED)) {
    const decompress = DECOMPRESSORS[name as keyof typeof PACKED]!;
    assertEquals(decompress(packed, 100_000).length, 100_000);
    assertThrows(() => decompress(packed, 99_999), Error);
    assertThrows(() => decompress(packed, 10), Error);
  }
});

test("a page of more bytes than any has is refused before it gets memory", () => {
  assertEquals(Object.keys(DECOMPRESSORS).length, 5);
  for (const decompress of Object.values(DECOMPRESSORS)) {
    for (const size of [2 ** 29 + 1, 2 ** 53, -1, NaN]) {
      assertThrows(
        () => decompress(new Uint8Array(4), size),
        RangeError,
        `found a page of ${size} bytes, expected at most 536870912`,
      );
    }
  }
});

test("groupRows() refuses a number of rows that no group has", () => {
  assertEquals(groupRows(10_000_000n, "a.parquet"), 10_000_000);
  for (const rows of [10_000_001n, 2n ** 62n, -1n, 0.5, NaN]) {
    assertThrows(
      () => groupRows(rows, "a.parquet"),
      SyntaxError,
      `Cannot read "a.parquet": found a group of ${rows} rows, expected at most 10000000`,
    );
  }
});

/** A thread that runs this text. */
const thread = (text: string) => () =>
  new Worker(`data:application/javascript,${encodeURIComponent(text)}`, {
    type: "module",
  });
const noBytes = () => Promise.reject(new Error("no bytes are asked for"));

test("openDecoder() ends a thread that does not come back", async () => {
  using decoder = openDecoder(
    thread("onmessage = () => { for (;;) new Date(); };"),
    noBytes,
    20,
  );
  await assertRejects(
    () => decoder.ask({ open: 4 }),
    SyntaxError,
    "reading it took more than 20 ms",
  );
});

test("openDecoder() gives answers, bytes and faults", async () => {
  using decoder = openDecoder(
    thread(`onmessage = ({ data }) => postMessage(
      data.open ? { start: 1, end: data.open }
      : data.bytes ? { groups: [data.bytes.byteLength] }
      : { fault: "it is broken" });`),
    (start, end) => Promise.resolve(new ArrayBuffer(end - start)),
  );
  assertEquals(await decoder.ask({ open: 4 }), { groups: [3] });
  await assertRejects(
    () => decoder.ask({ from: 0, to: 1 }),
    SyntaxError,
    "it is broken",
  );
});
