/** Files that are small on the disk and have no end when they are unpacked. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { gzipSync } from "node:zlib";
import { readRecords } from "../../../src/files/records/records.ts";
import { openRows } from "../../../src/preference/loading/dataset_rows.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";

const disk = { permissions: { read: [TEMPORARY], write: [TEMPORARY] } };

const MEGABYTE = "x".repeat(2 ** 20);

/** Reads a packed file of this text, and then 70 MB of one part again and again. */
async function readPacked(name: string, begin: string, part = MEGABYTE) {
  await using folder = await temporaryFolder();
  const times = Math.ceil(70 * 2 ** 20 / part.length);
  const path = await folder.write(name, gzipSync(begin + part.repeat(times)));
  for await (const _ of readRecords(path)); // to its end, if it has one
}

test(
  "readRecords() refuses a record without an end, by its line",
  disk,
  async () => {
    const cases: readonly [name: string, begin: string, line: number][] = [
      ["a.jsonl.gz", '{"a":1}\n{"a":"', 2],
      ["a.json.gz", '[{"a":1},\n\n{"a":"', 3],
      ["a.json.gz", '{\n"a":"', 2],
      ["a.csv.gz", 'a,b\n1,2\n3,"', 3],
      ["a.txt.gz", "a\nb\n", 3],
    ];
    for (const [name, begin, line] of cases) {
      await assertRejects(
        () => readPacked(name, begin),
        RangeError,
        `" line ${line}: found a record of more than 67108864 characters, expected at most that many`,
      );
    }
  },
);

test(
  "readRecords() refuses quoted lines without an end, and blank ones",
  disk,
  async () => {
    await assertRejects(
      () => readPacked("a.csv.gz", 'a\n"', `${MEGABYTE}\n`),
      RangeError,
      "line 2: found a record of more than 67108864",
    );
    await assertRejects(
      () => readPacked("a.jsonl.gz", '{"a":1}\n', "\n"),
      RangeError,
      "found more than 1000000 blank lines in a row, expected records",
    );
  },
);

test(
  "readRecords() refuses a table of a million columns, or of one twice",
  disk,
  async () => {
    await using folder = await temporaryFolder();
    const read = async (text: string) => {
      const path = await folder.write("a.csv", text);
      for await (const _ of readRecords(path));
    };
    await assertRejects(
      () => read(`${",".repeat(1_000_001)}\n`),
      RangeError,
      "found 1000001 separators in a row, expected at most 1000000",
    );
    const names = Array.from({ length: 50_000 }, (_, i) => `c${i}`);
    await assertRejects(
      () => read(`${names.join()},c7\n`),
      SyntaxError,
      'the column "c7" stands there twice',
    );
  },
);

test(
  "readRecords() refuses a gzip name and a padding without an end",
  disk,
  async () => {
    await using folder = await temporaryFolder();
    const read = async (bytes: Uint8Array) => {
      const path = await folder.write("a.jsonl.gz", bytes);
      for await (const _ of readRecords(path));
    };
    const named = new Uint8Array(2 ** 17).fill(65);
    named.set([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 0]);
    await assertRejects(
      () => read(named),
      SyntaxError,
      "a name in it has no end",
    );
  },
);

test(
  "openRows() lets go of rows that unpack to more than was guessed",
  disk,
  async () => {
    await using folder = await temporaryFolder();
    const line = JSON.stringify({ a: "x".repeat(1000) }) + "\n";
    const text = line.repeat(2000);
    const path = await folder.write("a.jsonl.gz", gzipSync(text));
    const rows = await openRows([{ path, source: { path }, bare: true }], {
      memoryBytes: 2 ** 20,
    });
    assertEquals(rows.length, 2000);
    const [first, again] = [[], []] as unknown[][];
    for (const found of [first, again]) {
      for await (const row of rows.pick([1999, 0])) found!.push(row);
    }
    // rows that are kept are the same objects at every pick
    assertEquals(first, again);
    assert(first![0] !== again![0]);
  },
);
