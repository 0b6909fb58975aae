import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  type FileRecord,
  readRecords,
} from "../../../src/files/records/records.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";

const OPTIONS = {
  permissions: { read: [TEMPORARY], write: [TEMPORARY] },
  sanitizeOps: true,
  sanitizeResources: true,
};

async function gzip(text: string): Promise<Uint8Array> {
  const stream = new Blob([text]).stream().pipeThrough(
    new CompressionStream("gzip"),
  );
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function recordsOf(
  name: string,
  data: string | Uint8Array,
): Promise<FileRecord[]> {
  await using folder = await temporaryFolder();
  return await Array.fromAsync(readRecords(await folder.write(name, data)));
}

/** The message with which a file is refused, its folder cut away. */
async function refusal(
  name: string,
  data: string | Uint8Array,
): Promise<string> {
  const error = await assertRejects(() => recordsOf(name, data), Error);
  return error.message.replace(/"[^"]*\/(?=[^"/]*")/, '"');
}

const TWO = [{ line: 1, value: { a: 1 } }, { line: 3, value: { a: "ü\n" } }];
const LINES = '{"a": 1}\n\n{"a": "ü\\n"}\n';
const ARRAY = '[{"a": 1},\n\n {"a": "ü\\n"}]\n';

test(
  "readRecords() reads lines and arrays, plain and gzipped, with line numbers",
  OPTIONS,
  async () => {
    assertEquals(await recordsOf("a.jsonl", LINES), TWO);
    assertEquals(await recordsOf("a.json", ARRAY), TWO);
    assertEquals(await recordsOf("a.jsonl.gz", await gzip(LINES)), TWO);
    assertEquals(await recordsOf("a.json.gz", await gzip(ARRAY)), TWO);
  },
);

test(
  "readRecords() tolerates a byte order mark, CRLF and a missing last line end",
  OPTIONS,
  async () => {
    const windows = "\ufeff" + LINES.replaceAll("\n", "\r\n").trimEnd();
    assertEquals(await recordsOf("a.jsonl", windows), TWO);
    assertEquals(
      await recordsOf("a.json", "\ufeff" + ARRAY.replaceAll("\n", "\r\n")),
      TWO,
    );
  },
);

test(
  "readRecords() tolerates a byte order mark before any line, as joined files have it",
  OPTIONS,
  async () => {
    const joined = new Uint8Array([
      ...await gzip("\ufeff" + LINES),
      ...await gzip("\ufeff" + LINES),
    ]);
    const records = await recordsOf("a.jsonl.gz", joined);
    assertEquals(records.map(({ line }) => line), [1, 3, 4, 6]);
    const table = await recordsOf("a.csv", "\ufeffa,b\r\n1,2\r\n");
    assertEquals(table, [{ line: 2, value: { a: "1", b: "2" } }]);
  },
);

/** Text as UTF-16 with a byte order mark. */
function utf16(text: string, littleEndian: boolean): Uint8Array {
  const view = new DataView(new ArrayBuffer(2 * text.length + 2));
  [..."\ufeff", ...text].forEach((unit, i) =>
    view.setUint16(2 * i, unit.charCodeAt(0), littleEndian)
  );
  return new Uint8Array(view.buffer);
}

test(
  "readRecords() reads UTF-16 with a byte order mark, as Excel and PowerShell write it",
  OPTIONS,
  async () => {
    for (const littleEndian of [true, false]) {
      const lines = utf16(LINES, littleEndian);
      assertEquals(await recordsOf("a.jsonl", lines), TWO);
      const table = utf16("a\tb\r\n1\t雪\r\n", littleEndian);
      assertEquals(await recordsOf("a.tsv", table), [
        { line: 2, value: { a: "1", b: "雪" } },
      ]);
    }
  },
);

test(
  "readRecords() reads NaN and Infinity as Python writes them, in lines and arrays",
  OPTIONS,
  async () => {
    const rows = ['{"a": NaN, "b": "NaN"}', '{"a": -Infinity}'];
    const values = [{ a: NaN, b: "NaN" }, { a: -Infinity }];
    for (
      const [name, text] of [
        ["a.jsonl", rows.join("\n")],
        ["a.json", rows.join("\n")],
        ["a.json", `[${rows.join(",\n")}]`],
      ] as const
    ) {
      const records = await recordsOf(name, text);
      assertEquals(records.map(({ value }) => value), values);
    }
    assertStringIncludes(
      await refusal("a.jsonl", '{"a": NaN}\n{"a": NaN,}'),
      '"a.jsonl" line 2: broken JSON',
    );
  },
);

test(
  "readRecords() takes JSON Lines under the name .json",
  OPTIONS,
  async () => {
    assertEquals(await recordsOf("a.json", LINES), TWO);
  },
);

test(
  "readRecords() keeps brackets and quotes within strings",
  OPTIONS,
  async () => {
    const value = { text: 'one quote " ], [{ \\', list: [[1, 2], { b: [] }] };
    const text = JSON.stringify([value, value], null, 2);
    const records = await recordsOf("a.json", text);
    assertEquals(records.map((record) => record.value), [value, value]);
    assertEquals(records[0]!.line, 2);
  },
);

test(
  "readRecords() reads files larger than one piece of the stream",
  OPTIONS,
  async () => {
    const values = Array.from(
      { length: 5000 },
      (_, i) => ({ i, text: "语".repeat(20) }),
    );
    const lines = await recordsOf(
      "a.jsonl",
      values.map((value) => JSON.stringify(value)).join("\n"),
    );
    const array = await recordsOf("a.json", JSON.stringify(values));
    assertEquals(lines.map((record) => record.value), values);
    assertEquals(lines[4999]!.line, 5000);
    assertEquals(array.map((record) => record.value), values);
  },
);

test(
  "readRecords() names file and line of broken JSON",
  OPTIONS,
  async () => {
    assertStringIncludes(
      await refusal("a.jsonl", '{"a": 1}\n{"a" 2}\n'),
      "Cannot read \"a.jsonl\" line 2: broken JSON, Expected ':'",
    );
    assertStringIncludes(
      await refusal("a.jsonl", '{"a":\n'),
      '"a.jsonl" line 1: broken JSON',
    );
  },
);

test(
  "readRecords() names element and line of broken JSON in an array",
  OPTIONS,
  async () => {
    const message = await refusal("a.json", '[\n{"a": 1},\n{\n"a" 2}]');
    assertStringIncludes(message, '"a.json" line 4: broken JSON');
    assertStringIncludes(message, "(element 2)");
    assertStringIncludes(await refusal("a.json", "[{}, ]"), "(element 2)");
    assertStringIncludes(
      await refusal("a.json", '[{"a": 1},\n'),
      "line 2: broken JSON, the array is not closed",
    );
    assertStringIncludes(
      await refusal("a.json", "[{}] {}"),
      "found more text after the array",
    );
  },
);

test(
  "readRecords() refuses what is no object, by its line",
  OPTIONS,
  async () => {
    assertStringIncludes(
      await refusal("a.jsonl", "{}\n[1]\n"),
      '"a.jsonl" line 2: found an array, expected an object',
    );
    assertStringIncludes(
      await refusal("a.json", '[{},\n"x"]'),
      '"a.json" line 2, element 2: found a string',
    );
  },
);

test(
  "readRecords() refuses an object of columns with its keys",
  OPTIONS,
  async () => {
    const columns = { chosen: ["a"], rejected: ["b"] };
    for (const space of [0, 2]) {
      assertStringIncludes(
        await refusal("a.json", JSON.stringify(columns, null, space)),
        'found one object with keys "chosen", "rejected", expected an array of objects',
      );
    }
  },
);

test(
  "readRecords() refuses an empty file, other kinds, bad UTF-8, bad gzip",
  OPTIONS,
  async () => {
    for (
      const [name, data] of [["a.jsonl", ""], ["a.jsonl", "\n \n"], [
        "a.json",
        "",
      ], ["a.json", "[]"]] as const
    ) {
      assertStringIncludes(
        await refusal(name, data),
        `"${name}": it has no records`,
      );
    }
    assertStringIncludes(
      await refusal("a.xml", "<a>"),
      "expected a file that ends in .jsonl",
    );
    assertStringIncludes(
      await refusal("a.jsonl", Uint8Array.of(0x7b, 0xff, 0x7d)),
      "expected UTF-8 text",
    );
    assertStringIncludes(
      await refusal("a.jsonl.gz", "{}"),
      "expected UTF-8 text in gzip",
    );
    await assertRejects(
      () => Array.fromAsync(readRecords(TEMPORARY + "/none.jsonl")),
      Deno.errors.NotFound,
      "no such file",
    );
  },
);

test(
  "readRecords() closes the file when it is left early",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    for (
      const [name, data] of [["a.jsonl", LINES], ["a.json", ARRAY], [
        "b.jsonl.gz",
        await gzip(LINES),
      ]] as const
    ) {
      for await (const _ of readRecords(await folder.write(name, data))) break;
    }
  },
);
