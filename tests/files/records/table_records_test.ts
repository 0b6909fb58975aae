import { ROOT } from "../../sources.ts";
import { assertEquals, assertRejects } from "@std/assert";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { parquetWriteBuffer } from "hyparquet-writer";
import { readRecords } from "../../../src/files/records/records.ts";
import {
  TEMPORARY,
  type TemporaryFolder,
  temporaryFolder,
} from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";

const OPTIONS = {
  // parquet is decoded by a thread, whose text is read
  permissions: { read: [TEMPORARY, ROOT], write: [TEMPORARY] },
  sanitizeOps: true,
  sanitizeResources: true,
};

type Codec = "SNAPPY" | "GZIP" | "ZSTD" | "UNCOMPRESSED" | "LZ4";

/**
 * Three rows in groups of two: a text, a list of turns, a whole number and a text that may be null.
 */
async function writeParquet(
  folder: TemporaryFolder,
  codec: Codec,
): Promise<string> {
  const turns = (text: string) => [{ role: "assistant", content: text }];
  const bytes = parquetWriteBuffer({
    columnData: [
      { name: "prompt", data: ["one", "two", "three"], type: "STRING" },
      { name: "chosen", data: ["a", "b", "c"].map(turns), type: "JSON" },
      { name: "score", data: [1n, 2n, 3n], type: "INT64" },
      { name: "system", data: [null, "Be kind.", null], type: "STRING" },
    ],
    codec,
    compressors: {
      GZIP: (input) => gzipSync(input),
      ZSTD: (input) => zstdCompressSync(input),
      LZ4: (input) => input,
    },
    rowGroupSize: 2,
  });
  return await folder.write(`${codec}.parquet`, new Uint8Array(bytes));
}

for (const codec of ["SNAPPY", "GZIP", "ZSTD", "UNCOMPRESSED"] as const) {
  test(
    `readRecords() reads the row groups of parquet, ${codec}`,
    OPTIONS,
    async () => {
      await using folder = await temporaryFolder();
      const path = await writeParquet(folder, codec);
      const rows = await Array.fromAsync(readRecords(path));
      assertEquals(rows.map(({ line }) => line), [1, 2, 3]);
      assertEquals(rows.slice(0, 2).map(({ value }) => value), [
        {
          prompt: "one",
          chosen: [{ role: "assistant", content: "a" }],
          score: 1,
        },
        {
          prompt: "two",
          chosen: [{ role: "assistant", content: "b" }],
          score: 2,
          system: "Be kind.",
        },
      ]);
      const third = await Array.fromAsync(readRecords(path, (i) => i === 2));
      assertEquals(third.map(({ line, value }) => [line, value.prompt]), [[
        3,
        "three",
      ]]);
    },
  );
}

test(
  "readRecords() names the parquet file that it cannot read",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const broken = await folder.write("a.parquet", "no parquet at all");
    await assertRejects(
      () => Array.fromAsync(readRecords(broken)),
      SyntaxError,
      `Cannot read "${broken}": `,
    );
    const lz4 = await writeParquet(folder, "LZ4");
    await assertRejects(
      () => Array.fromAsync(readRecords(lz4)),
      SyntaxError,
      "expected a parquet file compressed by snappy, gzip, zstd",
    );
  },
);

test(
  "readRecords() reads quoted fields of CSV and TSV over several lines, with the row's first line",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const csv = 'prompt,chosen\n"a, ""b""\nc",d\r\n\ne,"f"\n';
    const path = await folder.write("a.csv", csv);
    const rows = [
      { line: 2, value: { prompt: 'a, "b"\nc', chosen: "d" } },
      { line: 5, value: { prompt: "e", chosen: "f" } },
    ];
    assertEquals<unknown>(await Array.fromAsync(readRecords(path)), rows);
    const tsv = await folder.write("a.tsv", "p\tq\na,b\tc\n");
    const [row] = await Array.fromAsync(readRecords(tsv));
    assertEquals(row?.value, { p: "a,b", q: "c" });
  },
);

test(
  "readRecords() names the line of a CSV row that is broken",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const refusal = async (text: string) => {
      const path = await folder.write("a.csv", text);
      return (await assertRejects(
        () => Array.fromAsync(readRecords(path)),
        SyntaxError,
      )).message.replace(path, "a.csv");
    };
    assertEquals(
      await refusal("a,b\n1,2\n3\n"),
      'Cannot read "a.csv" line 3: found 1 fields, expected 2 as in the first row',
    );
    assertEquals(
      await refusal('a,b\n1,"2\n3,4\n'),
      'Cannot read "a.csv" line 2: a quote is opened and never closed',
    );
  },
);

test(
  "readRecords() reads zstd, text files, and the wanted records only",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const lines = '{"a": 1}\n\n{"a": 2}\nbroken\n{"a": 4}\n';
    const path = await folder.write(
      "a.jsonl.zst",
      new Uint8Array(zstdCompressSync(lines)),
    );
    const some = await Array.fromAsync(readRecords(path, (i) => i !== 2));
    assertEquals(
      some.map(({ line, value }) => [line, value.a]),
      [[1, 1], [3, 2], [5, 4]],
    );
    const text = await folder.write("a.txt", "Once\n\nupon\n");
    assertEquals(
      (await Array.fromAsync(readRecords(text))).map(({ value }) => value.text),
      ["Once", "upon"],
    );
    const bad = await folder.write("b.jsonl.zst", "no zstd");
    await assertRejects(
      () => Array.fromAsync(readRecords(bad)),
      SyntaxError,
      "expected UTF-8 text in zstd",
    );
    const whole = zstdCompressSync(lines.replace("broken", "{}"));
    const cut = await folder.write("c.jsonl.zst", whole.subarray(0, -3));
    await assertRejects(
      () => Array.fromAsync(readRecords(cut)),
      SyntaxError,
      "unexpected EOF",
    );
    const two = await folder.write(
      "d.jsonl.zst",
      new Uint8Array([...whole, ...whole]), // two frames
    );
    assertEquals((await Array.fromAsync(readRecords(two))).length, 8);
  },
);

test(
  "readRecords() closes a zstd and a parquet file when it is left early",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const lines = '{"a": 1}\n'.repeat(200_000);
    const path = await folder.write(
      "a.jsonl.zst",
      new Uint8Array(zstdCompressSync(lines)),
    );
    for await (const _ of readRecords(path)) break;
    const parquet = await writeParquet(folder, "SNAPPY");
    for await (const _ of readRecords(parquet)) break;
  },
);

test(
  "two columns of one name are refused, and unnamed ones pass",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const read = async (text: string) => {
      const path = await folder.write("rows.csv", text);
      return await Array.fromAsync(readRecords(path), ({ line }) => line);
    };
    await assertRejects(
      () => read("prompt,chosen,chosen\na,b,c\n"),
      SyntaxError,
      'line 1: the column "chosen" stands there twice',
    );
    assertEquals((await read("prompt,,\na,b,c\n")).length, 1);
  },
);
