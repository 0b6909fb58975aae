/** Files of rows: one target for each kind of file. */
import { gzipSync, zstdCompressSync } from "node:zlib";
import {
  Field,
  Int64,
  LargeUtf8,
  List,
  Struct,
  Table,
  tableToIPC,
  Utf8,
  vectorFromArray,
} from "apache-arrow";
import { parquetWriteBuffer } from "hyparquet-writer";
import { useDisk } from "../../../src/files/disk.ts";
import { readRecords } from "../../../src/files/records/records.ts";
import { memoryDisk } from "../../files/memory_disk.ts";
import type { Chance } from "../chance.ts";
import { type FuzzTarget, hold } from "../fuzz_target.ts";
import { mutateJson } from "../mutate_json.ts";
import { joined, mutateBytes, mutateText } from "../mutate_text.ts";
import { asLine } from "../project_files.ts";

const ROWS = [
  { prompt: "What is 2 + 2?", chosen: "4", rejected: "5, or so" },
  {
    prompt: [{ role: "user", content: "Hi" }],
    chosen: [{ role: "assistant", content: 'He said: "yes"\nand went.' }],
    rejected: [{ role: "assistant", content: "é 💥" }],
    score: 1.5,
  },
  { prompt: "", chosen: "a", rejected: "b", more: { list: [1, null, true] } },
];

const encode = (text: string) => new TextEncoder().encode(text);
const lines = (rows: readonly unknown[]) =>
  rows.map((row) => JSON.stringify(row)).join("\n") + "\n";

interface DrawnFile {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly words: string;
}

/** A target that reads the files which are drawn. */
function filesTarget(draw: (chance: Chance) => DrawnFile): FuzzTarget {
  return () => {
    const disk = memoryDisk();
    useDisk(disk);
    return Promise.resolve((chance) => {
      const { name, bytes, words } = draw(chance);
      const lenient = chance.oneIn(4);
      return {
        words: `${name}, ${words}`,
        async run() {
          disk.put(`/${name}`, bytes);
          let last = 1;
          for await (
            const { line, value, fault } of readRecords(
              `/${name}`,
              undefined,
              { lenient },
            )
          ) {
            hold(
              Number.isSafeInteger(line) && line >= last,
              () => `line ${line} comes after line ${last}`,
            );
            const isRow = typeof value === "object" && value !== null &&
              !Array.isArray(value);
            hold(isRow, () => `line ${line} is no object`);
            hold(lenient || fault === undefined, () => "a fault is no error");
            last = line;
          }
        },
        show: () => `${name} ${asLine(bytes)}`,
      };
    });
  };
}

/** Text with changes: of its rows, of its characters or of its bytes. */
function changed(
  chance: Chance,
  name: string,
  write: (rows: readonly unknown[]) => string,
): DrawnFile {
  const how = chance.below(3);
  if (how === 0) {
    const rows = mutateJson(chance, ROWS);
    const list = Array.isArray(rows) ? rows : [rows];
    return { name, bytes: encode(write(list)), words: "changed rows" };
  }
  const text = write(ROWS);
  return how === 1
    ? { name, bytes: encode(mutateText(chance, text)), words: "changed text" }
    : {
      name,
      bytes: mutateBytes(chance, encode(text)),
      words: "changed bytes",
    };
}

const asArray = (rows: readonly unknown[]) => JSON.stringify(rows, null, 1);
/** Rows below a key, or columns by name. */
const wrapped = (rows: readonly unknown[]) => JSON.stringify({ data: rows });

const table = (separator: string) => (rows: readonly unknown[]) => {
  const cell = (value: unknown) => {
    const text = typeof value === "string"
      ? value
      : JSON.stringify(value) ?? "";
    return `"${text.replaceAll('"', '""')}"`;
  };
  const row = (cells: readonly unknown[]) => cells.map(cell).join(separator);
  const keys = ["prompt", "chosen", "rejected"];
  return [
    keys.join(separator),
    ...rows.map((one) => row(keys.map((key) => Object(one)[key]))),
    ["1", " 2 ", "plain"].join(separator),
  ].join("\r\n");
};

/** Lines of JSON. */
export const jsonl: FuzzTarget = filesTarget((chance) =>
  changed(chance, chance.pick(["x.jsonl", "x.ndjson"]), lines)
);

/** One array of JSON, or an object that holds one. */
export const json: FuzzTarget = filesTarget((chance) =>
  changed(chance, "x.json", chance.pick([asArray, wrapped, lines]))
);

/** Tables of text. */
export const csv: FuzzTarget = filesTarget((chance) =>
  chance.oneIn(2)
    ? changed(chance, "x.csv", table(chance.pick([",", ",", ";"])))
    : changed(chance, "x.tsv", table("\t"))
);

/** Plain text. */
export const txt: FuzzTarget = filesTarget((chance) =>
  changed(chance, "x.txt", chance.pick([lines, table(","), asArray]))
);

/** Members of gzip and frames of zstd. */
export const archives: FuzzTarget = filesTarget((chance) => {
  const ending = chance.pick(["gz", "zst"]);
  const pack = (bytes: Uint8Array) =>
    new Uint8Array(ending === "gz" ? gzipSync(bytes) : zstdCompressSync(bytes));
  const inner = changed(chance, "x.jsonl", lines);
  const name = `x.${chance.pick(["jsonl", "json", "csv", "txt"])}.${ending}`;
  if (chance.oneIn(4)) {
    return { name, bytes: pack(inner.bytes), words: `packed, ${inner.words}` };
  }
  const cut = chance.below(inner.bytes.length + 1);
  const members = joined(
    pack(inner.bytes.subarray(0, cut)),
    pack(inner.bytes.subarray(cut)),
    new Uint8Array(chance.pick([0, 0, 1, 512])),
  );
  return chance.oneIn(4)
    ? { name, bytes: members, words: "two members" }
    : { name, bytes: mutateBytes(chance, members), words: "changed members" };
});

const PARQUET = (["SNAPPY", "UNCOMPRESSED", "GZIP", "ZSTD"] as const).map(
  (codec) =>
    new Uint8Array(parquetWriteBuffer({
      columnData: [
        { name: "prompt", data: ["one", "two", "three"], type: "STRING" },
        { name: "chosen", data: [["a"], ["b"], []], type: "JSON" },
        { name: "score", data: [1n, 2n, 3n], type: "INT64" },
        { name: "system", data: [null, "Be kind.", null], type: "STRING" },
        { name: "share", data: [0.5, 1, -2], type: "DOUBLE" },
      ],
      codec,
      compressors: {
        GZIP: (input) => gzipSync(input),
        ZSTD: (input) => zstdCompressSync(input),
      },
      rowGroupSize: 2,
    })),
);

/** Parquet. */
export const parquet: FuzzTarget = filesTarget((chance) => ({
  name: "x.parquet",
  bytes: mutateBytes(chance, chance.pick(PARQUET)),
  words: "changed bytes",
}));

const TURNS = new List(
  new Field(
    "item",
    new Struct([
      new Field("role", new Utf8()),
      new Field("content", new Utf8()),
    ]),
  ),
);

const ARROW = (["stream", "file"] as const).map((form) => {
  const turns = [{ role: "user", content: "hi" }];
  const table = new Table({
    prompt: vectorFromArray(["one", "two", "three"], new LargeUtf8()),
    chosen: vectorFromArray([turns, [], [...turns, ...turns]], TURNS),
    score: vectorFromArray([1n, 2n, -3n], new Int64()),
    system: vectorFromArray([null, "Be kind.", null], new Utf8()),
  });
  return tableToIPC(table, form);
});

/** Arrow, as a stream and as a file. */
export const arrow: FuzzTarget = filesTarget((chance) => ({
  name: "x.arrow",
  bytes: mutateBytes(chance, chance.pick(ARROW)),
  words: "changed bytes",
}));
