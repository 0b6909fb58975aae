/** What the caches are told to hold, and what goes of them. */
import { assert, assertEquals } from "@std/assert";
import { dirname } from "@std/path";
import {
  cache,
  cacheLines,
  type CacheReport,
  type SeenEntry,
} from "../../src/commands/cache.ts";
import { capCache } from "../../src/files/disk/cache_folder.ts";
import { fileHash } from "../../src/files/disk/file_hash.ts";
import { ReferenceRows } from "../../src/training/reference/reference_rows.ts";
import {
  all,
  common,
  encoder,
  jsonLines,
  pairs,
} from "../preference/loading/load_scene.ts";
import {
  TEMPORARY,
  type TemporaryFolder,
  temporaryFolder,
} from "../temporary_folder.ts";
import { test } from "../test_case.ts";

const OPTIONS = { permissions: { read: [TEMPORARY], write: [TEMPORARY] } };
const KEEP = { prune: false, older_than: 90, max_size: null, dry_run: false };
const PRUNE = { ...KEEP, prune: true };
const DAY = 86_400_000;

/** Writes a file with the folders above it. */
async function write(folder: TemporaryFolder, name: string, text: string) {
  await Deno.mkdir(dirname(folder.file(name)), { recursive: true });
  return await folder.write(name, text);
}

/** Caches as a run leaves them: tokens of a.jsonl, rows of a reference, hashes of both. */
async function filledCache(folder: TemporaryFolder): Promise<string> {
  const root = folder.file("cache");
  const path = await folder.write("a.jsonl", jsonLines(pairs(4)));
  const earlier = new Date(Date.now() - 10_000); // a file that rests has its hash remembered
  await Deno.utime(path, earlier, earlier);
  await all([{ path }], {
    ...common,
    encoder: { ...encoder, identity: "characters" },
    cacheFolder: `${root}/tokens`,
  });
  const model = await write(folder, "model/model.safetensors", "weights");
  const rows = await ReferenceRows.open(`${root}/reference`, {
    weightsKey: "w",
    model: folder.file("model"),
  });
  await rows.add("0".repeat(64), [-1.5, -2]);
  await rows.write();
  await fileHash(model, `${root}/reference`);
  await write(folder, "cache/mesa_256_bits/ab/one", "12345");
  await write(folder, "cache/mesa_256_bits/cd/two", "123");
  await write(folder, "cache/kernels/tiles.json", "{}");
  return root;
}

const kinds = (entries: readonly SeenEntry[]) =>
  entries.map(({ kind }) => kind).filter((kind) => kind !== "hashes").sort();

async function age(root: string, report: CacheReport, days: number) {
  const then = new Date(Date.now() - days * DAY);
  for (const { path } of report.entries) await Deno.utime(path, then, then);
  return await cache(KEEP, root);
}

test(
  "cache() says of each file what it holds and that it serves",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const root = await filledCache(folder);
    const { entries, removed } = await cache(KEEP, root);
    assertEquals(kinds(entries), ["kernels", "reference", "shaders", "tokens"]);
    assertEquals(removed, []);
    assert(entries.every(({ idle }) => idle === undefined));
    const of = (kind: string) => entries.find((entry) => entry.kind === kind)!;
    assertEquals(of("tokens").about, `4 rows of ${folder.file("a.jsonl")}`);
    assertEquals(of("reference").about, `1 rows by ${folder.file("model")}`);
    assertEquals(of("shaders").bytes, 8);
    const [line] = cacheLines({ entries: [of("tokens")], removed }, KEEP);
    assert(line!.startsWith("  tokens "), line);
    assert(line!.includes("today") && line!.endsWith("a.jsonl"), line);
  },
);

test(
  "cache() removes what is damaged, and what is of files that are gone",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const root = await filledCache(folder);
    const before = await cache(KEEP, root);
    const reference = before.entries.find(({ kind }) => kind === "reference")!;
    const text = await Deno.readTextFile(reference.path);
    await Deno.writeTextFile(reference.path, text.replace("-1.5", "-1.25"));
    await Deno.remove(folder.file("a.jsonl"));
    const dry = await cache({ ...PRUNE, dry_run: true }, root);
    const idle = dry.removed.map((entry) => [entry.kind, entry.idle]);
    assertEquals(
      idle.filter(([kind]) => kind !== "hashes").sort(),
      [
        ["reference", "damaged, or of an earlier version"],
        ["tokens", `"${folder.file("a.jsonl")}" is gone`],
      ],
    );
    assert(
      cacheLines(dry, { dry_run: true }).some((line) =>
        line.startsWith("would be removed: ")
      ),
    );
    assertEquals(
      (await cache(KEEP, root)).entries.length,
      before.entries.length,
    );
    const { removed, entries } = await cache(PRUNE, root);
    assertEquals(removed.length, dry.removed.length);
    assertEquals(kinds(entries), ["kernels", "shaders"]);
    assertEquals((await cache(KEEP, root)).entries.length, entries.length);
  },
);

test(
  "cache() removes what was unused for long, and comes down to a size",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const root = await filledCache(folder);
    const old = await age(root, await cache(KEEP, root), 40);
    assertEquals((await cache(PRUNE, root)).removed, []);
    const { removed } = await cache({ ...PRUNE, older_than: 39 }, root);
    // the folder of a driver is as old as the newest of its files
    assertEquals(kinds(removed), ["kernels", "reference", "tokens"]);
    assert(removed.length < old.entries.length);
    const none = await cache({ ...PRUNE, max_size: 0 }, root);
    assertEquals(none.entries, []);
    assertEquals(await cache(KEEP, folder.file("nowhere")), {
      entries: [],
      removed: [],
    });
  },
);

test("cache() follows no link out of its folder", {
  permissions: { read: true, write: true }, // Deno asks for all rights to make links
  ignore: Deno.build.os === "windows",
}, async () => {
  await using folder = await temporaryFolder();
  const file = await write(folder, "mine/x.tokens", "mine");
  await write(folder, "cache/tokens/z.tokens", "damaged");
  await Deno.symlink(folder.file("mine"), folder.file("cache/tokens/mine"));
  await Deno.symlink(file, folder.file("cache/tokens/y.tokens"));
  const options = { ...PRUNE, max_size: 0 };
  const { removed } = await cache(options, folder.file("cache"));
  assertEquals(removed.length, 1);
  assertEquals(await Deno.readTextFile(file), "mine");
});

test(
  "capCache() removes the least recently used, and nothing that this run used",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const root = folder.file("cache");
    const now = Date.now();
    const written = async (name: string, days: number) => {
      const path = await write(folder, `cache/${name}`, "12345678");
      const then = new Date(now - days * DAY);
      await Deno.utime(path, then, then);
    };
    await written("tokens/a.tokens", 3);
    await written("tokens/b.tokens", 2);
    await written("reference/c.json", 1);
    await written("reference/own.json", 0);
    await written("kernels/old.json", 9);
    const since = new Date(now - DAY / 2);
    assertEquals(await capCache(root, 100, since), []);
    const gone = await capCache(root, 20, since);
    assertEquals(gone.map(({ path }) => path.slice(root.length + 1)), [
      "tokens/b.tokens",
      "tokens/a.tokens",
    ]);
    const rest = await capCache(root, 0, since);
    assertEquals(rest.map(({ path }) => path.slice(root.length + 1)), [
      "reference/c.json",
    ]);
    assertEquals((await Deno.stat(`${root}/kernels/old.json`)).size, 2 + 6);
  },
);

test("a file of a cache that is read counts as used", OPTIONS, async () => {
  await using folder = await temporaryFolder();
  const root = await filledCache(folder);
  await age(root, await cache(KEEP, root), 40);
  await ReferenceRows.open(`${root}/reference`, {
    weightsKey: "w",
    model: folder.file("model"),
  });
  const { entries } = await cache(KEEP, root);
  const used = entries.filter(({ used }) => Date.now() - used.getTime() < DAY)
    .map(({ kind }) => kind);
  assertEquals(used.sort(), ["reference", "shaders"]);
});
