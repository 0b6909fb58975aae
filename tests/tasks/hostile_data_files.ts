/** Hostile files of rows, recipes, checkpoints and caches. */
import { gzipSync, zstdCompressSync } from "node:zlib";
import { makeData, Null, RecordBatch, Table, tableToIPC } from "apache-arrow";
import type { TemporaryFolder } from "../temporary_folder.ts";
import type { HostileFile } from "./hostile_case.ts";
import { PAIR } from "./small_project.ts";

const good = JSON.stringify(PAIR);
const MiB = 2 ** 20;
/** A line longer than any that is read. */
const long = () => "a".repeat(65 * MiB);
const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);

/** The same bytes, so many times. */
const often = (times: number, bytes: Uint8Array) =>
  Uint8Array.from(
    { length: times * bytes.length },
    (_, i) => bytes[i % bytes.length]!,
  );

const rows = (
  name: string,
  file: string,
  data: () => string | Uint8Array,
  ...says: string[]
): HostileFile => ({
  name: `rows: ${name}`,
  arrange: (folder) => folder.write(file, data()),
  words: ["recipe.jsonc", `--dataset=${file}`],
  says: [file, ...says],
});

/** A parquet file of a footer that says how long it is. */
function parquet(length: number): Uint8Array {
  const bytes = new Uint8Array(16).fill(0);
  bytes.set(new TextEncoder().encode("PAR1"));
  new DataView(bytes.buffer).setUint32(8, length, true);
  bytes.set(new TextEncoder().encode("PAR1"), 12);
  return bytes;
}

const ROWS: readonly HostileFile[] = [
  rows("a line of 65 MiB", "a.jsonl", () => `{"prompt":"${long()}"}`, "line 1"),
  rows(
    "a line of 65 MiB behind a good one",
    "a.jsonl",
    () => `${good}\n{"prompt":"${long()}"}`,
    "line 2",
  ),
  rows(
    "a gzip of 3 GB of zeros",
    "a.jsonl.gz",
    () => often(30, gzipSync(new Uint8Array(100 * MiB))),
  ),
  rows(
    "a zstd of 3 GB of zeros",
    "a.jsonl.zst",
    () => often(30, zstdCompressSync(new Uint8Array(100 * MiB))),
  ),
  rows(
    "a zstd with a window of 256 MiB",
    "a.jsonl.zst",
    () => Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 18 << 3, 1, 0, 0),
    "window",
  ),
  rows(
    "a gzip of one line of 200 MB",
    "a.jsonl.gz",
    () => gzipSync(new Uint8Array(200 * MiB).fill(97)),
  ),
  rows("an array of one long row", "a.json", () => `[{"a":"${long()}"}]`),
  rows("an array 1,000,000 levels deep", "a.json", () => nested(1e6)),
  rows("a line 100,000 levels deep", "a.jsonl", () => nested(1e5), "line 1"),
  rows(
    "a turn 100,000 levels deep",
    "a.jsonl",
    () => `{"prompt":${nested(1e5)},"chosen":"a","rejected":"b"}\n`,
    "line 1",
  ),
  rows(
    "objects in objects",
    "a.jsonl",
    () => `${'{"chosen":'.repeat(5e4)}1${"}".repeat(5e4)}\n`,
    "line 1",
  ),
  rows("an object without end", "a.json", () => '{"a":'.repeat(1e5)),
  rows("an array without end", "a.json", () => `[${`${good},`.repeat(9)}`),
  rows("a field without end", "a.csv", () => `prompt\n"${long()}`),
  rows(
    "2,000,000 columns",
    "a.csv",
    () => `${",".repeat(2e6)}\n`,
    "separators",
  ),
  rows("zeros", "a.jsonl", () => new Uint8Array(1000)),
  rows("a null for a row", "a.jsonl", () => "null\n", "line 1"),
  rows(
    "a row of foreign keys",
    "a.jsonl",
    () => '{"__proto__":{"chosen":1},"constructor":2}\n',
  ),
  rows(
    "turns that are an object",
    "a.jsonl",
    () => '{"prompt":"a","chosen":{"toString":1},"rejected":[[]]}\n',
    "line 1",
  ),
  rows("parquet without a footer", "a.parquet", () => parquet(0)),
  rows(
    "parquet with a footer of 2^32 bytes",
    "a.parquet",
    () => parquet(2 ** 32 - 1),
  ),
  rows("Arrow that is text", "a.arrow", () => good),
  rows("Arrow with 100,000 rows and no bytes", "a.arrow", () => {
    const data = makeData({ type: new Null(), length: 100_000 });
    return tableToIPC(new Table([new RecordBatch({ a: data })]), "stream");
  }, "found a batch of 100000 rows"),
  rows("gzip that is text", "a.jsonl.gz", () => good),
  rows(
    "gzip that is cut",
    "a.jsonl.gz",
    () => gzipSync(`${good}\n`.repeat(1000)).subarray(0, 60),
  ),
];

const recipe = (
  name: string,
  file: string,
  text: () => string,
  ...says: string[]
): HostileFile => ({
  name: `recipe: ${name}`,
  arrange: (folder) => folder.write(file, text()),
  words: [file],
  // what a key stands for is asked of all options at once
  says,
});

/** Lists of aliases, each of the list before it. */
function aliases(levels: number, width: number): string {
  let text = "a0: &a0 [1]\n";
  for (let level = 1; level <= levels; level++) {
    const names = Array.from({ length: width }, () => `*a${level - 1}`);
    text += `a${level}: &a${level} [${names.join(", ")}]\n`;
  }
  return text;
}

const RECIPES: readonly HostileFile[] = [
  recipe(
    "aliases that stand for 10^7 values",
    "a.yaml",
    () => aliases(7, 10),
    "aliases",
  ),
  recipe(
    "1,001 merges",
    "a.yaml",
    () =>
      `x: &x {a: 1}\n${
        Array.from({ length: 1001 }, (_, i) => `k${i}: {<<: *x}\n`).join("")
      }`,
  ),
  recipe(
    "11,000,000 characters",
    "a.jsonc",
    () => `// ${"a".repeat(11e6)}\n{}`,
    "characters",
  ),
  recipe("100,000 levels", "a.json", () => nested(1e5)),
  recipe("100,000 levels of YAML", "a.yaml", () => nested(1e5)),
  recipe("200,000 unknown keys", "a.json", () =>
    JSON.stringify(
      Object.fromEntries(Array.from({ length: 2e5 }, (_, i) => [`k${i}`, 1])),
    )),
  recipe("a key of 1 MB", "a.json", () => `{"${"k".repeat(1e6)}":1}`),
  recipe("foreign keys", "a.json", () => '{"__proto__":1,"constructor":2}'),
  recipe("a number without end", "a.json", () => '{"learning_rate":1e999}'),
  recipe("a list", "a.json", () => "[]"),
  recipe("an alias of nothing", "a.yaml", () => "a: *b\n"),
  recipe("a tag of another language", "a.yaml", () => "a: !!js/function 'f'\n"),
];

const SAVED = { save_strategy: "steps", save_steps: 1 };
const checkpoint = (
  name: string,
  files: Readonly<Record<string, string>>,
  ...says: string[]
): HostileFile => ({
  name: `checkpoint: ${name}`,
  words: ["recipe.jsonc", "--resume_from_checkpoint"],
  async arrange(folder: TemporaryFolder) {
    const path = (name: string) => `output/new/checkpoint-1/${name}`;
    await Deno.mkdir(folder.file(path("")), { recursive: true });
    const options = JSON.stringify(SAVED);
    for (
      const [name, text] of Object.entries({
        "options.json": options,
        ...files,
      })
    ) await folder.write(path(name), text);
  },
  says: ["checkpoint-1", ...says],
});

const CHECKPOINTS: readonly HostileFile[] = [
  checkpoint("a state of 10^18 steps", {
    "trainer_state.json": '{"version":1,"step":1e18}',
  }, "trainer_state.json"),
  checkpoint("a state of foreign keys", {
    "trainer_state.json": '{"version":1,"step":1,"guard":{"toString":1}}',
  }, "guard"),
  checkpoint("a state 100,000 levels deep", {
    "trainer_state.json": nested(1e5),
  }, "trainer_state.json"),
  checkpoint("a manifest that leads elsewhere", {
    "manifest.json":
      '{"version":1,"run":"r","step":1,"files":{"../../x":{"size":1}}}',
  }, "manifest.json"),
  checkpoint("a manifest of null", { "manifest.json": "null" }, "manifest"),
];

/** All of them. */
export const DATA_CASES: readonly HostileFile[] = [
  ...ROWS,
  ...RECIPES,
  ...CHECKPOINTS,
];
