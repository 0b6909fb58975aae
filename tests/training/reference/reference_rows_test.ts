/** Rows of the reference on disk: missing ones are computed, damaged ones are not believed. */
import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { listenToNotes } from "../../../src/base/notes.ts";
import { Random } from "../../../src/base/random.ts";
import { referenceLogps } from "../../../src/training/reference/reference.ts";
import {
  ReferenceRows,
  rowKey,
  tellEarlierColumns,
} from "../../../src/training/reference/reference_rows.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";
import { PAIRS, type Recipe, runTest, writeRows } from "../run/run_scene.ts";

const OPTIONS = {
  permissions: { read: [TEMPORARY], write: [TEMPORARY] },
  sanitizeOps: true,
  sanitizeResources: true,
};
const NAMES = { weightsKey: "w", model: "m" };
const keyOf = (i: number) => i.toString(16).padStart(64, "0");
const VALUES = Array.from({ length: 12 }, (_, i) => [-i / 7, -1e-7 - i]);

type Change = (text: string, random: Random) => string;

/** A change of the array that the text is. */
const list = (change: (values: unknown[]) => unknown): Change => (text) =>
  JSON.stringify(change(JSON.parse(text)));

/** The kinds of damage; each takes numbers of its own. */
const DAMAGES: Record<string, Change> = {
  "a bit anywhere": (text, random) => {
    const bytes = new TextEncoder().encode(text);
    const at = random.below(bytes.length - 1);
    bytes[at] = bytes[at]! ^ (1 << random.below(8));
    return new TextDecoder().decode(bytes);
  },
  "a number off by 10": list((values) =>
    values.with(-1, values.at(-1) as number - 10)
  ),
  "a sign": list((values) => values.with(-1, -(values.at(-1) as number))),
  "a last digit": list((values) =>
    values.with(4, (values[4] as number) * 1.0001)
  ),
  "null for a number": list((values) => values.with(7, null)),
  "1e999": (text) => text.replace(/,-[0-9.]+\]/, ",-1e999]"),
  "rows turned round": list((values) => values.reverse()),
  "values of two rows swapped": list((values) =>
    values.with(3, values[6]).with(6, values[3])
  ),
  "a value less": list((values) => values.slice(0, -1)),
  "a value more": list((values) => [...values, -1]),
  "another version": list((values) => values.with(0, 7)),
  "cut": (text, random) => text.slice(0, random.below(text.length - 1)),
  "empty": () => "",
  "null": () => "null",
  "an object": () => "{}",
};

test({
  ...OPTIONS,
  name: "ReferenceRows gives no row of a damaged file that it was not given",
  async fn() {
    await using folder = await temporaryFolder();
    const rows = await ReferenceRows.open(folder.path, NAMES);
    for (const [i, values] of VALUES.entries()) {
      await rows.add(keyOf(i), values);
    }
    await rows.write();
    const [{ name }] = [...Deno.readDirSync(folder.path)] as [Deno.DirEntry];
    const text = await Deno.readTextFile(folder.file(name));
    const random = new Random(19);
    for (const [kind, damage] of Object.entries(DAMAGES)) {
      for (let draw = 0; draw < 5; draw++) {
        const damaged = damage(text, random);
        await folder.write(name, damaged);
        const told: string[] = [];
        using _notes = listenToNotes((sentence) => told.push(sentence));
        const again = await ReferenceRows.open(folder.path, NAMES);
        const found = VALUES.map((_, i) => again.get(keyOf(i), 2));
        const lost = found.filter((row) => row === undefined).length;
        found.forEach((row, i) => assertEquals(row ?? VALUES[i], VALUES[i]));
        // a bit of white space or of the model's name loses nothing
        if (lost > 0 || kind !== "a bit anywhere") {
          assertEquals([told.length, lost > 0], [1, true], kind);
        }
        for (const [i, values] of VALUES.entries()) {
          await again.add(keyOf(i), values);
        }
        await again.write();
        told.length = 0;
        const whole = await ReferenceRows.open(folder.path, NAMES);
        assertEquals(VALUES.map((_, i) => whole.get(keyOf(i), 2)), VALUES);
        assertEquals(told, []);
      }
    }
  },
});

test(
  "ReferenceRows keeps what another run wrote meanwhile",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const one = await ReferenceRows.open(folder.path, NAMES);
    const other = await ReferenceRows.open(folder.path, NAMES);
    await one.add(keyOf(0), [-1]);
    await other.add(keyOf(1), [-2]);
    await one.write();
    await other.write();
    const both = await ReferenceRows.open(folder.path, NAMES);
    assertEquals([0, 1].map((i) => both.get(keyOf(i), 1)), [[-1], [-2]]);
  },
);

const FULL: Recipe = { max_steps: 3, shuffle: false, seed: 1 };

await runTest(
  "runTraining() computes the reference of those rows alone that it does not know",
  async ({ path, train }) => {
    const cacheFolder = path("cache");
    /** Rows whose reference each run computed, of all rows that it sees. */
    const computed: string[] = [];
    const run = async (name: string, recipe: Recipe) => {
      let first: number | undefined;
      let of = 0;
      await train(name, { ...FULL, ...recipe }, {
        cacheFolder,
        onProgress(stage, done, total) {
          if (stage !== "reference") return;
          first ??= done;
          of = total;
        },
      });
      computed.push(`${of - (first ?? 0)} of ${of}`);
      const folder = path(name);
      return await Deno.readTextFile(`${folder}/metrics.jsonl`);
    };
    const short = { max_steps: 1, per_device_eval_batch_size: 1 };
    await run("short", short); // 1 step of 2 pairs
    const fresh = await run("all", { per_device_eval_batch_size: 1 });
    const again = await run("again", { per_device_eval_batch_size: 1 });
    assertEquals(again, fresh);
    const more = [...PAIRS, {
      ...PAIRS[0]!,
      prompt: [{ role: "user", content: "One more?" }],
    }];
    writeRows(path("more.jsonl"), more);
    // another recipe, with one more row
    await run("more", { dataset: path("more.jsonl"), max_steps: 4, beta: 0.5 });
    assertEquals(computed, ["2 of 2", "4 of 6", "0 of 0", "1 of 7"]);
  },
);

await runTest(
  "runTraining() keeps the reference of the rows before an interruption",
  async ({ path, train }) => {
    const recipe = { ...FULL, per_device_eval_batch_size: 2 };
    await train("whole", recipe, { cacheFolder: path("other") });
    const cacheFolder = path("cache");
    const stop = new AbortController();
    await assertRejects(() =>
      train("run", recipe, {
        cacheFolder,
        signal: stop.signal,
        onProgress: (stage, done) =>
          stage === "reference" && done >= 2 && stop.abort(),
      }), Error);
    const seen: number[] = [];
    await train("resumed", recipe, {
      cacheFolder,
      onProgress: (stage, done) => stage === "reference" && seen.push(done),
    });
    assertEquals(seen, [2, 4, 6]);
    assertEquals(
      Deno.readTextFileSync(path("resumed", "metrics.jsonl")),
      Deno.readTextFileSync(path("whole", "metrics.jsonl")),
    );
  },
);

await runTest(
  "runTraining() takes the same steps where a row of the reference is damaged",
  async ({ path, train }) => {
    const cacheFolder = path("cache");
    const recipe = { ...FULL, per_device_eval_batch_size: 4 };
    await train("fresh", recipe, { cacheFolder });
    const [file] = [...Deno.readDirSync(cacheFolder)]
      .filter(({ name }) => name.endsWith(".json"));
    const rows = join(cacheFolder, file!.name);
    const text = Deno.readTextFileSync(rows);
    Deno.writeTextFileSync(rows, DAMAGES["a sign"]!(text, new Random(0)));
    await train("again", recipe, { cacheFolder });
    const [fresh, again] = ["fresh", "again"].map((run) =>
      Deno.readTextFileSync(path(run, "metrics.jsonl"))
    );
    assertEquals(again, fresh);
    assertEquals(
      JSON.parse(Deno.readTextFileSync(rows)).length,
      JSON.parse(text).length,
    );
  },
);

test("columns of versions without hashes are named", OPTIONS, async () => {
  await using folder = await temporaryFolder();
  const told: string[] = [];
  using _notes = listenToNotes((sentence) => told.push(sentence));
  const rows = await ReferenceRows.open(folder.path, NAMES);
  await rows.add(keyOf(0), [-1]);
  await rows.write();
  await tellEarlierColumns(folder.path);
  assertEquals(told, []);
  // commit 74c3165 wrote the column alone
  await folder.write(`${keyOf(1)}.json`, "[-12.5,-13.25]");
  await tellEarlierColumns(folder.path);
  assertEquals(told.length, 1);
});

test(
  "referenceLogps() computes anew what another device or width of vectors gave",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const sequences = [{ ids: [1, 2], completionStart: 1 }];
    const objective = {
      columnKey: "",
      column: undefined as never,
      sequences: () => sequences,
      batch: () => undefined as never,
    };
    const column = (device: string) =>
      referenceLogps(
        () => Promise.reject(new Error("computed")),
        ["pair"],
        objective,
        {
          batchSize: 1,
          cacheFolder: folder.path,
          weightsKey: "w",
          device,
        },
      );
    await assertRejects(() => column("256 bits"), Error, "computed");
    const weightsKey = "w 256 bits";
    const rows = await ReferenceRows.open(folder.path, {
      weightsKey,
      model: "",
    });
    await rows.add(rowKey(sequences), [-1]);
    await rows.write();
    assertEquals([...await column("256 bits")], [-1]);
    await assertRejects(() => column("512 bits"), Error, "computed");
  },
);
