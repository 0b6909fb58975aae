import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  loadDemonstrations,
  loadPairs,
} from "../../../src/preference/loading/load.ts";
import {
  openRows,
  sourceFiles,
} from "../../../src/preference/loading/dataset_rows.ts";
import {
  type DrawOptions,
  drawRows,
} from "../../../src/preference/loading/sources.ts";
import type { DataSource } from "../../../src/preference/loading/data_source.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { characterEncoder } from "../tokens/character_encoder.ts";
import { test } from "../../test_case.ts";

const disk = {
  permissions: { read: [TEMPORARY], write: [TEMPORARY] },
  sanitizeOps: true,
  sanitizeResources: true,
};

function jsonLines(rows: readonly unknown[]): string {
  return rows.map((row) => JSON.stringify(row) + "\n").join("");
}

function numbered(from: number, to: number) {
  return Array.from(
    { length: to - from },
    (_, i) => ({ prompt: `q${from + i}`, pos_resp: "good", neg_resp: "bad" }),
  );
}

const encoder = characterEncoder();

/** The rows drawn, by their prompts, and the account of the files. */
async function draw(
  sources: readonly DataSource[],
  options: DrawOptions,
  memoryBytes = 1e6,
) {
  const files = await sourceFiles(sources, options.split);
  const store = await openRows(files, { memoryBytes });
  const drawn = await drawRows(store, options);
  const rows = await Array.fromAsync(store.pick(drawn.indices, 3));
  return {
    prompts: rows.map(({ value }) => value.prompt as string),
    sources: drawn.sources,
  };
}

test({
  ...disk,
  name:
    "drawRows() takes a slice's rows, and holds out some of the same slice where it is a file's",
  async fn() {
    await using folder = await temporaryFolder();
    const path = await folder.write("rows.jsonl", jsonLines(numbered(0, 20)));
    const half = await draw([{ path }], { split: "train[:50%]" });
    assertEquals(half.prompts.length, 10);
    const own = await draw([{ path, split: "train[12:]" }], { split: "test" });
    assertEquals(own.prompts, numbered(12, 20).map(({ prompt }) => prompt));
    const common = { heldOut: 4, fileSplit: "train[:10]" };
    const [train, test] = [
      await draw([{ path }], { ...common, split: "train[:10]" }),
      await draw([{ path }], { ...common, split: "test" }),
    ];
    assertEquals([train.prompts.length, test.prompts.length], [6, 4]);
    assertEquals(
      [...train.prompts, ...test.prompts].sort(),
      numbered(0, 10).map(({ prompt }) => prompt).sort(),
    );
  },
});

test({
  ...disk,
  name: "drawRows() takes the fraction of a file before it holds rows out",
  async fn() {
    await using folder = await temporaryFolder();
    const path = await folder.write("rows.jsonl", jsonLines(numbered(0, 20)));
    const source = { path, fraction: 0.5 };
    const [train, test] = [
      await draw([source], { split: "train", heldOut: 4 }),
      await draw([source], { split: "test", heldOut: 4 }),
    ];
    // half of 20 rows are 10, of which 4 are held out
    assertEquals([train.prompts.length, test.prompts.length], [6, 4]);
    assertEquals(
      [...train.prompts, ...test.prompts].sort(),
      numbered(0, 10).map(({ prompt }) => prompt).sort(),
    );
  },
});

test({
  ...disk,
  name: "loadPairs() counts what it keeps and drops, with reasons and lines",
  async fn() {
    await using folder = await temporaryFolder();
    const rows = [
      { prompt: "q", pos_resp: "good", neg_resp: "bad" },
      { prompt: "q", pos_resp: "same", neg_resp: "same" },
      { prompt: "q", pos_resp: "x".repeat(80), neg_resp: "bad" },
      { prompt: "q", pos_resp: "fine", neg_resp: "poor" },
      { prompt: "q", pos_resp: "more", neg_resp: "less" },
    ];
    const path = await folder.write("train.jsonl", jsonLines(rows));
    const { examples, report } = await loadPairs([{ path }], {
      split: "train",
      encoder,
      limits: { maxLength: 60 },
      maxSamples: 2,
    });
    assertEquals(examples.map(({ line }) => line), [1, 4]); // the first two that are KEPT
    assertEquals([report.rows, report.kept, report.beyond], [5, 2, 1]);
    assertEquals(report.dropped, {
      "chosen equals rejected": { count: 1, where: [`"${path}" line 2`] },
      "longer than max_length": { count: 1, where: [`"${path}" line 3`] },
    });
    assertEquals(report.formats, { CValues: 5 });
    // "<user>q</s><assistant>" is 6 + 1 + 1 + 11 tokens, "good</s>" 5, "bad</s>" 4, "poor</s>" 5
    assertEquals(report.lengths.prompt?.max, 19);
    assertEquals(report.lengths.rejected?.min, 4);
    assertEquals(report.tokens, {
      full: 24 + 23 + 24 + 24,
      computed: 24 + 4 + 24 + 5,
    });
  },
});

test({
  ...disk,
  name:
    "loadPairs() refuses a file with broken rows: the first few named, all counted",
  async fn() {
    await using folder = await temporaryFolder();
    const good = { prompt: "q", chosen: "a", rejected: "b" };
    const one = await folder.write(
      "one.jsonl",
      jsonLines([good, { prompt: "q", chosen: "a" }]),
    );
    const load = (path: string) =>
      loadPairs([{ path }], { split: "train", encoder });
    await assertRejects(
      () => load(one),
      TypeError,
      `Cannot read "${one}" line 2: "rejected" is missing, found keys "prompt", "chosen"`,
    );
    const bad = Array.from({ length: 7 }, () => ({ ...good, rejected: " " }));
    const many = await folder.write("many.jsonl", jsonLines([good, ...bad]));
    const error = await assertRejects(
      () => load(many),
      TypeError,
      "Cannot read 7 of 8 rows: ",
    );
    assertStringIncludes(
      error.message,
      `"${many}" line 2: "rejected" is empty; "${many}" line 3`,
    );
    assertStringIncludes(error.message, "; and 2 more");
  },
});

test({
  ...disk,
  name: "loadPairs() names the row that the template refuses",
  async fn() {
    await using folder = await temporaryFolder();
    const path = await folder.write("train.jsonl", jsonLines(numbered(0, 2)));
    const strict = characterEncoder("{{ raise_exception('never') }}");
    await assertRejects(
      () => loadPairs([{ path }], { split: "train", encoder: strict }),
      RangeError,
      `never ("${path}" line 1)`,
    );
  },
});

test({
  ...disk,
  name:
    "drawRows() takes fractions of the train split and all of the test split of folders",
  async fn() {
    await using folder = await temporaryFolder();
    await folder.write("train.jsonl", jsonLines(numbered(0, 10)));
    await folder.write("test.json", JSON.stringify(numbered(10, 13)));
    const source = { path: folder.path, fraction: 0.25 };
    const train = await draw([source], { split: "train" });
    assertEquals(train.prompts, ["q0", "q1"]); // floor(0.25 * 10)
    assertEquals(train.sources, [{
      path: folder.file("train.jsonl"),
      rows: 10,
      taken: 2,
    }]);
    assertEquals((await draw([source], { split: "test" })).prompts, [
      "q10",
      "q11",
      "q12",
    ]);
    await folder.write("train_prefs.jsonl", jsonLines(numbered(20, 24)));
    const named = await draw([source], { split: "train_prefs" });
    assertEquals(named.prompts, ["q20"]); // a training part by its name
    await assertRejects(
      () => draw([{ ...source, fraction: 1.5 }], { split: "train" }),
      RangeError,
      "1.5",
    );
  },
});

test({
  ...disk,
  name:
    "drawRows() holds test rows of a bare file out of training, the same by the same seed",
  async fn() {
    await using folder = await temporaryFolder();
    const path = await folder.write("all.jsonl", jsonLines(numbered(0, 40)));
    const part = async (split: string, seed: number, shuffle = false) =>
      (await draw([{ path }], { split, seed, shuffle, heldOut: 8 })).prompts;
    const [train, test] = [await part("train", 1), await part("test", 1)];
    assertEquals([train.length, test.length], [32, 8]);
    assertEquals(new Set([...train, ...test]).size, 40);
    assertEquals(await part("test", 1), test);
    assert((await part("test", 2)).join() !== test.join());
    const shuffled = await part("train", 1, true);
    assertEquals([...shuffled].sort(), [...train].sort());
    assert(shuffled.join() !== train.join());
    assertEquals(
      (await draw([{ path }], { split: "test", heldOut: 0 })).prompts.length,
      0,
    );
    assertEquals(
      (await draw([{ path }], { split: "test" })).prompts.length,
      40,
    );
  },
});

test({
  ...disk,
  name:
    "loadPairs() holds out as many pairs of a bare file as are KEPT, and trains on none of them",
  async fn() {
    await using folder = await temporaryFolder();
    const long = Array.from(
      { length: 20 },
      () => ({ prompt: "x".repeat(90), pos_resp: "a", neg_resp: "b" }),
    );
    const path = await folder.write(
      "all.jsonl",
      jsonLines([...long, ...numbered(0, 20)]),
    );
    const load = (split: string) =>
      loadPairs([{ path }], {
        split,
        encoder,
        heldOut: 6,
        seed: 4,
        limits: { maxLength: 60 },
      });
    const [train, test] = [await load("train"), await load("test")];
    assertEquals([train.report.kept, test.report.kept], [14, 6]);
    assertEquals(train.report.rows + test.report.rows, 40);
    const lines = [...train.examples, ...test.examples].map(({ line }) => line);
    assertEquals(new Set(lines).size, 20);
  },
});

test({
  ...disk,
  name: "loadDemonstrations() reads plain text to learn as a whole",
  async fn() {
    await using folder = await temporaryFolder();
    const path = await folder.write(
      "train.jsonl",
      jsonLines([{ text: "abc" }, { prompt: "a", completion: "bc" }]),
    );
    const { examples, report } = await loadDemonstrations([{ path }], {
      split: "train",
      encoder,
    });
    assertEquals(examples.map(({ completionStart }) => completionStart), [
      0,
      1,
    ]);
    assertEquals(report.formats, { "text": 1, "prompt and completion": 1 });
  },
});
