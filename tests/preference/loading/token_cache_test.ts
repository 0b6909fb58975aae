import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { PREFERENCES } from "../../../src/preference/loading/example_kinds.ts";
import { cachedTokens } from "../../../src/preference/loading/token_cache.ts";
import { loadPairs } from "../../../src/preference/loading/load.ts";
import type { LoadDataOptions } from "../../../src/preference/loading/load_options.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { all, common, encoder, jsonLines, pairs } from "./load_scene.ts";
import { fixturePath, FIXTURES } from "../../fixture_path.ts";
import { test } from "../../test_case.ts";

const disk = {
  permissions: { read: [TEMPORARY], write: [TEMPORARY] },
  sanitizeOps: true,
  sanitizeResources: true,
};

test({
  ...disk,
  name: "loadPairs() finds its tokens again, and anew when anything changes",
  async fn() {
    await using folder = await temporaryFolder();
    const path = await folder.write("a.jsonl", jsonLines(pairs(30)));
    const load = (change: Partial<LoadDataOptions> = {}) =>
      all([{ path }], {
        ...common,
        encoder: { ...encoder, identity: "characters" },
        cacheFolder: folder.file("cache"),
        ...change,
      });
    const fresh = await load();
    assertEquals(fresh.report.cached, undefined);
    const { report: { cached, ...report }, plain } = await load();
    assert(cached?.startsWith(folder.file("cache")));
    assertEquals({ report, plain }, fresh);
    for (
      const change of [
        { limits: { maxLength: 30 } },
        { dedupe: true },
        { encoder: { ...encoder, identity: "others" } },
        { encoder }, // nothing names it
      ]
    ) assertEquals((await load(change)).report.cached, undefined);
    await folder.write("a.jsonl", jsonLines(pairs(31)));
    const changed = await load();
    assertEquals([changed.report.cached, changed.report.kept], [undefined, 31]);
    const [file] = [...Deno.readDirSync(folder.file("cache"))]
      .filter(({ name }) => name.endsWith(".tokens"));
    await Deno.truncate(folder.file(`cache/${file!.name}`), 100);
    assertEquals((await load()).plain, changed.plain);
  },
});

test(
  "loadPairs() loads without a cache where it may not write",
  { permissions: { read: [TEMPORARY, FIXTURES], write: [TEMPORARY] } },
  async () => {
    await using folder = await temporaryFolder();
    const path = await folder.write("a.jsonl", jsonLines(pairs(3)));
    const cacheFolder = fixturePath("cache");
    const { report } = await all([{ path }], {
      ...common,
      encoder: { ...encoder, identity: "characters" },
      cacheFolder,
    });
    assertEquals(report.kept, 3);
    assertThrows(() => Deno.statSync(cacheFolder), Deno.errors.NotFound);
  },
);

test({
  ...disk,
  name: "loadPairs() tells the file and the margin of each pair, cached or not",
  async fn() {
    await using folder = await temporaryFolder();
    const rows = pairs(4).map((row, margin) => ({ ...row, margin }));
    const sources = [
      { path: await folder.write("a.jsonl", jsonLines(rows)) },
      { path: await folder.write("b.jsonl", jsonLines(pairs(3, "other"))) },
    ];
    const load = async () => {
      const { examples, files, report } = await loadPairs(sources, {
        ...common,
        encoder: { ...encoder, identity: "characters" },
        cacheFolder: folder.file("cache"),
        shuffle: true,
        seed: 3,
      });
      return examples.map(({ line, margin }, i) => {
        const { path } = report.sources[files[i]!]!;
        return `${path.at(-7)}${line} ${margin}`;
      });
    };
    const fresh = await load();
    assertEquals(fresh.toSorted(), [
      "a1 0",
      "a2 1",
      "a3 2",
      "a4 3",
      "b1 undefined",
      "b2 undefined",
      "b3 undefined",
    ]);
    assertEquals(await load(), fresh);
  },
});

test({
  ...disk,
  name: "loadPairs() keeps no load without an example, and believes none",
  async fn() {
    await using folder = await temporaryFolder();
    const path = await folder.write("a.jsonl", jsonLines(pairs(3)));
    const load = () =>
      all([{ path }], {
        ...common,
        encoder: { ...encoder, identity: "characters" },
        cacheFolder: folder.file("cache"),
        limits: { maxLength: 4 },
      });
    for (let time = 0; time < 2; time++) {
      const { report } = await load();
      assertEquals([report.kept, report.cached], [0, undefined]);
    }
    const kept = [...Deno.readDirSync(folder.path)].map(({ name }) => name);
    const files = kept.includes("cache")
      ? [...Deno.readDirSync(folder.file("cache"))].map(({ name }) => name)
      : [];
    assertEquals(files.filter((name) => name.endsWith(".tokens")), []);
  },
});

test({
  ...disk,
  name:
    "cachedTokens() makes anew what an earlier version kept without examples",
  async fn() {
    await using folder = await temporaryFolder();
    const { packing } = PREFERENCES;
    const cache = { cacheFolder: folder.file("cache"), key: "k", packing };
    const path = await folder.write("a.jsonl", jsonLines(pairs(3)));
    const full = await loadPairs([{ path }], { ...common, encoder });
    const none = { ...full, examples: [], files: [] };
    await cachedTokens(cache, () => Promise.resolve(full));
    const slice = new RangeError("its slice holds no row");
    const fail = () => Promise.reject(slice);
    assertEquals((await cachedTokens(cache, fail)).examples.length, 3);
    const other = { ...cache, key: "none" };
    await cachedTokens(other, () => Promise.resolve(none));
    await assertRejects(() => cachedTokens(other, fail), RangeError, "slice");
  },
});
