/** Arrow as `save_to_disk` of the library datasets leaves it: streams of batches, in folders. */
import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import {
  Field,
  Int64,
  LargeUtf8,
  List,
  makeData,
  Null,
  RecordBatch,
  Struct,
  Table,
  tableToIPC,
  Utf8,
  vectorFromArray,
} from "apache-arrow";
import { datasetFiles } from "../../../src/files/records/dataset_files.ts";
import { readRecords } from "../../../src/files/records/records.ts";
import { ROOT } from "../../sources.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";

const OPTIONS = {
  permissions: { read: [TEMPORARY, ROOT], write: [TEMPORARY] },
  sanitizeOps: true,
  sanitizeResources: true,
};

const TURNS = new List(
  new Field(
    "item",
    new Struct([
      new Field("role", new Utf8()),
      new Field("content", new Utf8()),
      new Field("name", new Utf8(), true),
    ]),
  ),
);

const turn = (content: string) => ({ role: "user", content, name: null });

/** Three rows in two batches: a text, turns, a whole number, and a text that may be null. */
function table(): Table {
  const batch = (rows: readonly number[]) =>
    new Table({
      id: vectorFromArray(rows.map((n) => `row ${n}`), new LargeUtf8()),
      prompt: vectorFromArray(
        rows.map((n) => Array.from({ length: n }, (_, i) => turn(`${n}.${i}`))),
        TURNS,
      ),
      number: vectorFromArray(rows.map(BigInt), new Int64()),
      system: vectorFromArray(
        rows.map((n) => n === 2 ? "Be kind." : null),
        new Utf8(),
      ),
    });
  return batch([2, 0]).concat(batch([1]));
}

const ROWS = [
  {
    id: "row 2",
    prompt: [
      { role: "user", content: "2.0" },
      { role: "user", content: "2.1" },
    ],
    number: 2,
    system: "Be kind.",
  },
  { id: "row 0", prompt: [], number: 0 },
  { id: "row 1", prompt: [{ role: "user", content: "1.0" }], number: 1 },
];

for (const form of ["stream", "file"] as const) {
  test(
    `readRecords() reads the batches of Arrow, as a ${form}`,
    OPTIONS,
    async () => {
      await using folder = await temporaryFolder();
      const path = await folder.write("a.arrow", tableToIPC(table(), form));
      const records = await Array.fromAsync(readRecords(path));
      assertEquals(records, ROWS.map((value, i) => ({ line: i + 1, value })));
      const last = await Array.fromAsync(readRecords(path, (i) => i === 2));
      assertEquals(last, [{ line: 3, value: ROWS[2]! }]);
      for await (const _ of readRecords(path)) break; // must close the file
    },
  );
}

test(
  "readRecords() names the Arrow file that is cut off, and what is none",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const whole = tableToIPC(table(), "stream");
    const file = tableToIPC(table(), "file");
    const broken: readonly (readonly [string, Uint8Array | string])[] = [
      ["a.arrow", whole.subarray(0, -40)],
      ["b.arrow", whole.subarray(0, 100)],
      ["c.arrow", file.subarray(0, -40)],
      ["d.arrow", "prompt,chosen,rejected"],
    ];
    for (const [name, bytes] of broken) {
      const path = await folder.write(name, bytes);
      await assertRejects(
        () => Array.fromAsync(readRecords(path)),
        SyntaxError,
        "expected a whole Arrow file, plain or compressed by zstd",
      );
    }
  },
);

/** A file of pyarrow with the column `a` of "x" 40 times and "y", compressed by zstd. */
const ZSTD =
  "/////3AAAAAQAAAAAAAKAAwABgAFAAgACgAAAAABBAAMAAAACAAIAAAABAAIAAAABAAAAAEAAAAUAAAAEAAUAAgABgAHAAwAAAAQABAAAAAAAAEFEAAAABgAAAAEAAAAAAAAAAEAAABhAAAABAAEAAQAAAAAAAAA/////7AAAAAUAAAAAAAAAAwAGAAGAAUACAAMAAwAAAAAAwQAHAAAAEAAAAAAAAAAAAAAAAwAHgAQAAQACAAMAAwAAABgAAAAJAAAABgAAAACAAAAAAAAAAAAAAAAAAYACAAHAAYAAAAAAAABAwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB0AAAAAAAAAIAAAAAAAAAAaAAAAAAAAAAAAAAABAAAAAgAAAAAAAAAAAAAAAAAAAAwAAAAAAAAAKLUv/SAMYQAAAAAAACgAAAApAAAAAAAAKQAAAAAAAAAotS/9IClNAAAYeHh5AQAfgAUAAAAAAAD/////AAAAAA==";

test(
  "readRecords() reads Arrow that is compressed by zstd",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const path = await folder.write(
      "a.arrow",
      Uint8Array.from(atob(ZSTD), (c) => c.charCodeAt(0)),
    );
    const rows = await Array.fromAsync(readRecords(path));
    assertEquals(rows.map(({ value }) => value.a), ["x".repeat(40), "y"]);
  },
);

test(
  "datasetFiles() finds the shards of save_to_disk, and not what map() kept beside them",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const shards = [1, 0].map((n) => `data-0000${n}-of-00002.arrow`);
    for (const inside of ["all/train", "all/test", "one"]) {
      await Deno.mkdir(folder.file(inside), { recursive: true });
      const left = ["state.json", "dataset_info.json", "cache-1f2e.arrow"];
      for (const name of [...shards, ...left]) {
        await folder.write(join(inside, name), "{}");
      }
    }
    await folder.write(
      "all/dataset_dict.json",
      '{"splits": ["train", "test"]}',
    );
    for (const [path, inside] of [["all", "all/train"], ["one", "one"]]) {
      const found = await datasetFiles(join(folder.path, path!), "train");
      assertEquals(
        found.files,
        shards.toReversed().map((name) => join(folder.path, inside!, name)),
      );
    }
  },
);

test(
  "readRecords() refuses Arrow with lists outside of their values, and rows without bytes",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const type = new List(new Field("item", new Int64()));
    const numbers = makeData({
      type: new Int64(),
      length: 5,
      data: new BigInt64Array(5),
    });
    const lists = (...offsets: number[]) =>
      makeData({
        type,
        length: offsets.length - 1,
        valueOffsets: Int32Array.from(offsets),
        child: numbers,
      });
    const rows = (length: number) => makeData({ type: new Null(), length });
    const cases = [
      [lists(0, 5), undefined],
      // written with the values up to the last offset
      [lists(0, 5, 2), "found a list from 0 to 5 of 2 values"],
      [rows(100), undefined],
      [rows(100_000), "found a batch of 100000 rows in "],
    ] as const;
    for (const [data, fault] of cases) {
      const batch = new RecordBatch({ a: data });
      const bytes = tableToIPC(new Table([batch]), "stream");
      const path = await folder.write("a.arrow", bytes);
      const read = () => Array.fromAsync(readRecords(path));
      if (fault === undefined) assertEquals((await read()).length > 0, true);
      else await assertRejects(read, SyntaxError, fault);
    }
  },
);
