/**
 * Data files whose name says less than their bytes, or that are nearly right: they are read where
 * only one reading is possible, else refused with the cause.
 */
import { ROOT } from "../../sources.ts";
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { readRecords } from "../../../src/files/records/records.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";

const disk = {
  // parquet is decoded by a thread, whose text is read
  permissions: { read: [TEMPORARY, ROOT], write: [TEMPORARY] },
  sanitizeOps: true,
  sanitizeResources: true,
};

type Data = string | Uint8Array;

async function read(name: string, data: Data) {
  await using folder = await temporaryFolder();
  const path = await folder.write(name, data);
  const records = await Array.fromAsync(readRecords(path));
  return records.map(({ line, value }): [number, unknown] => [line, value]);
}

async function refuse(name: string, data: Data, told: string) {
  const error = await assertRejects(() => read(name, data), Error);
  assertStringIncludes(error.message, told);
}

async function gzip(data: Data): Promise<Uint8Array> {
  const stream = new Blob([data as Uint8Array<ArrayBuffer>]).stream()
    .pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

test({
  ...disk,
  name:
    "readRecords() sees compression and arrays by the bytes, whatever the name",
  async fn() {
    const rows: [number, unknown][] = [[1, { a: 1 }], [2, { a: 2 }]];
    const lines = '{"a": 1}\n{"a": 2}\n';
    assertEquals(await read("d.gz.jsonl", await gzip(lines)), rows);
    assertEquals(await read("d.jsonl", '[{"a": 1},\n{"a": 2}]'), rows);
    const table = await gzip("a\n1\n");
    assertEquals(await read("d.csv", table), [[2, { a: "1" }]]);
    await refuse("d.jsonl.gz", lines, "it is not gzip");
  },
});

test({
  ...disk,
  name: "readRecords() reads the only list of rows in an object, by its lines",
  async fn() {
    const wrapped =
      '{"version": "1]",\n "data": [{"a": [{}]},\n{"a": "}"}], "n": 2}';
    assertEquals(await read("d.json", wrapped), [
      [2, { a: [{}] }],
      [3, { a: "}" }],
    ]);
    await refuse(
      "d.json",
      '{"train": [{"a": 1}], "test": [{"a": 2}]}',
      '"train", "test" are lists of rows: write each into a file of its own',
    );
    await refuse(
      "d.json",
      '{"prompt": {"0": "q"}, "chosen": {"0": "a"}}',
      "it holds columns: pandas writes rows by",
    );
    const row = '{"messages": [{"role": "user", "content": "Hi"}]}';
    await refuse("d.json", row, "one row is written as [{...}]");
  },
});

test({
  ...disk,
  name:
    "readRecords() names a key that stands twice, at any depth, by its line",
  async fn() {
    const twice = (key: string) =>
      `the key "${key}" stands twice in one object`;
    const sound =
      '{"a": "\\"a\\": 1, \\"a\\": 2", "b": [{"c": 1}, {"c": 2}]}\n';
    assertEquals((await read("d.jsonl", sound)).length, 1);
    await refuse(
      "d.jsonl",
      `${sound}{"a": 1, "a": 2}`,
      `line 2: ${twice("a")}`,
    );
    await refuse("d.json", '[{"b": {"c": 1,\n"c": 2}}]', twice("c"));
    await refuse("d.jsonl", '{"\\u0061": 1, "a": 2}', twice("a"));
  },
});

test({
  ...disk,
  name: "readRecords() says why a row is no JSON",
  async fn() {
    for (
      const [row, cause] of [
        ['{"a": 1},', "a comma follows the row"],
        ['{"a": 1,}', "a comma stands before a closing bracket"],
        ['{"a": [1, 2,]}', "a comma stands before a closing bracket"],
        ["{'a': 1}", "it is what Python prints"],
        ['{"a": None}', "it is what Python prints"],
        ['{"a": 1} {"a": 2}', "two rows stand on one line"],
        ["// rows", "it is a comment"],
        ['{\n  "a": 1\n}', "the row goes on in the next line"],
      ] as const
    ) {
      await refuse("d.jsonl", row, cause);
    }
    await refuse("d.json", '{"a": 1},\n{"a": 2},\n', "a comma follows the row");
    await refuse(
      "d.json",
      '[{"a": 1},]',
      "a comma stands before a closing bracket",
    );
    // commas and quotes of Python inside a text are no cause
    const error = await assertRejects(
      () => read("d.jsonl", '{"a": "{\'x\': 1},", b}'),
      Error,
    );
    assertEquals(/Python|comma/.test(error.message.split("JSON")[1]!), false);
  },
});

test({
  ...disk,
  name:
    "readRecords() parts tables at semicolons or tabs, and lines at CR alone",
  async fn() {
    const value = { a: "1", b: "x, y" };
    const row: [number, unknown][] = [[2, value]];
    assertEquals(await read("d.csv", "a;b\n1;x, y\n"), row);
    assertEquals(await read("d.csv", "a\tb\r\n1\tx, y\r\n"), row);
    assertEquals(await read("d.csv", 'a,b\r1,"x, y"\r'), row);
    assertEquals(await read("d.csv", "sep=;\r\na;b\r\n1;x, y"), [[
      3,
      value,
    ]]);
    assertEquals(await read("d.tsv", "a,b\n1,2\n"), [[2, { a: "1", b: "2" }]]);
    // a comma wins, and what is quoted parts nothing
    assertEquals(await read("d.csv", '"a;c",b\n1,2\n'), [[2, {
      "a;c": "1",
      b: "2",
    }]]);
    assertEquals(await read("d.csv", '"a;c"\n1;2\n'), [[2, { "a;c": "1;2" }]]);
    assertEquals(await read("d.jsonl", '{"a": 1}\r{"a": 2}'), [[1, { a: 1 }], [
      2,
      { a: 2 },
    ]]);
  },
});

/** "我们是这样的" and "我們是這樣的" in two older encodings. */
const GBK = [
  0xce,
  0xd2,
  0xc3,
  0xc7,
  0xca,
  0xc7,
  0xd5,
  0xe2,
  0xd1,
  0xf9,
  0xb5,
  0xc4,
];
const BIG5 = [
  0xa7,
  0xda,
  0xad,
  0xcc,
  0xac,
  0x4f,
  0xb3,
  0x6f,
  0xbc,
  0xcb,
  0xaa,
  0xba,
];

test({
  ...disk,
  name: "readRecords() reads UTF-16 without a mark and names older encodings",
  async fn() {
    const text = '{"a": "雪"}\n';
    for (const littleEndian of [true, false]) {
      const view = new DataView(new ArrayBuffer(2 * text.length));
      [...text].forEach((unit, i) =>
        view.setUint16(2 * i, unit.charCodeAt(0), littleEndian)
      );
      assertEquals(await read("d.jsonl", new Uint8Array(view.buffer)), [
        [1, { a: "雪" }],
      ]);
    }
    const row = (bytes: readonly number[]) =>
      Uint8Array.from([
        ...new TextEncoder().encode('{"a": "'),
        ...bytes,
        0x22,
        0x7d,
      ]);
    await refuse(
      "d.jsonl",
      row(GBK),
      "it looks like GB18030 (GBK); iconv -f GB18030",
    );
    await refuse("d.jsonl", row(BIG5), "it looks like Big5; iconv -f BIG5");
    await refuse("d.csv", row([0xe9]), "it looks like Windows-1252 (Latin-1)");
  },
});

test({
  ...disk,
  name: "readRecords() names files of other kinds under the name of data",
  async fn() {
    const pointer =
      "version https://git-lfs.github.com/spec/v1\noid sha256:0\n";
    for (const name of ["d.jsonl", "d.parquet", "d.arrow", "d.jsonl.gz"]) {
      await refuse(name, pointer, "it is a pointer of Git LFS");
    }
    await refuse("d.jsonl", "PAR1....", "it is a parquet file, rename it");
    await refuse("d.parquet", "PAR1....", "parquet");
    await refuse("d.csv", "PK\x03\x04", "it is a zip archive");
    await refuse("d.json", "<!DOCTYPE html>", "it is a web page");
    await refuse("d.jsonl.gz", await gzip("<html>"), "it is a web page");
  },
});

test(
  "readRecords() reads rows of any depth",
  disk,
  async () => {
    await using folder = await temporaryFolder();
    const deep = `${"[".repeat(50_000)}${"]".repeat(50_000)}`;
    const path = await folder.write("a.jsonl", `{"a":${deep},"b":1}\n`);
    const [record] = await Array.fromAsync(readRecords(path));
    assertEquals(record?.value["b"], 1);
    await folder.write("a.jsonl", `{"a":{"c":1,"c":${deep}}}\n`);
    await assertRejects(
      () => Array.fromAsync(readRecords(path)),
      Error,
      '"c"',
    );
  },
);
