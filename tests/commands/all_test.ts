/** The chain of tasks with a runner that only does as if: order, skips, and the first failure. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { readOptions } from "../../src/base/read_options.ts";
import { all, allCommand, type AllResult } from "../../src/commands/all.ts";
import { OPTIONS, PAIR, project } from "../tasks/small_project.ts";
import type { TemporaryFolder } from "../temporary_folder.ts";
import { test } from "../test_case.ts";

/** What the tasks did, which words they got, and what was told. */
interface Trace extends AllResult {
  readonly ran: readonly string[];
  readonly words: Readonly<Record<string, readonly string[]>>;
  readonly said: string;
}

/** Writes what the last two tasks would leave. */
async function leave(folder: TemporaryFolder, task: string) {
  if (task === "train") await folder.write("output/new/model.safetensors", "");
  if (task !== "predict") return;
  const asked = await Deno.readTextFile(
    folder.file("output/new/prompts.jsonl"),
  );
  const rows = asked.trim().split("\n").map((line) =>
    JSON.stringify({ ...JSON.parse(line), base: "no", tuned: "yes" })
  );
  await folder.write("output/new/answers.jsonl", rows.join("\n"));
}

/** Runs the chain in a small project; `codes` are the exit codes of tasks that fail. */
async function chain(
  folder: TemporaryFolder,
  given: Record<string, unknown> = {},
  codes: Readonly<Record<string, number>> = {},
): Promise<Trace> {
  const recipe = {
    model_name_or_path: folder.file("model"),
    dataset: folder.file("pairs.jsonl"),
    output_dir: folder.file("output/new"),
  };
  const { options } = readOptions(allCommand.schema, [recipe, given]);
  const words: Record<string, readonly string[]> = {};
  const said: string[] = [];
  const result = await all(options, { path: "r.jsonc", recipe, given }, {
    async run(task, taken) {
      words[task] = taken;
      if (task === "train") {
        await Deno.mkdir(folder.file("output/new"), { recursive: true });
        await folder.write("output/new/options.json", JSON.stringify(options));
      }
      const code = codes[task] ?? 0;
      if (code === 0) await leave(folder, task);
      return code;
    },
    say: (line) => void said.push(line),
  });
  return { ...result, words, ran: Object.keys(words), said: said.join("\n") };
}

test("all() runs what has no result yet, in order", OPTIONS, async () => {
  await using folder = await project();
  const { code, ran, words, said, answers } = await chain(folder, {
    beta: "0.3",
    prompts: "2",
    token: "secret",
  });
  assertEquals({ code, ran }, {
    code: 0,
    ran: ["inspect", "train", "predict"],
  });
  assertEquals(words.inspect, ["r.jsonc", "--beta=0.3"]);
  assertEquals(words.train, ["r.jsonc", "--beta=0.3"]);
  assertEquals(words.predict!.slice(0, 2), [
    `--model_name_or_path=${folder.file("model")}`,
    `--tuned=${folder.file("output/new")}`,
  ]);
  assertEquals(said, "download: skipped, model and data are here");
  // the three rows of the data have one prompt
  const row = { prompt: PAIR.prompt, base: "no", tuned: "yes" };
  assertEquals(answers?.rows, [row]);
});

test("all() skips everything that is whole", OPTIONS, async () => {
  await using folder = await project();
  await chain(folder);
  const { ran, said, answers } = await chain(folder);
  assertEquals(ran, []);
  assertEquals(said.match(/^\w+: skipped/gm), [
    "download: skipped",
    "inspect: skipped",
    "train: skipped",
    "predict: skipped",
  ]);
  assertEquals(answers?.rows.length, 1);
});

test("all() trains again once the data has changed", OPTIONS, async () => {
  await using folder = await project();
  await chain(folder);
  const pairs = folder.file("pairs.jsonl");
  const later = Date.now() / 1000 + 60;
  await Deno.utime(pairs, later, later);
  const bytes = await Deno.readFile(pairs);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  await folder.write("output/new/README.md", `| \`${hash.toHex()}\` |`);
  assertEquals((await chain(folder)).ran, [], "the same content");
  await folder.write("pairs.jsonl", `${JSON.stringify(PAIR)}\n`.repeat(4));
  await Deno.utime(pairs, later, later);
  const { ran, said } = await chain(folder);
  assertEquals(ran.slice(0, 2), ["inspect", "train"]);
  assertStringIncludes(said, "--overwrite_output_dir trains anew");
});

test("all() asks anew what was not asked", OPTIONS, async () => {
  await using folder = await project();
  await chain(folder);
  const { ran, answers } = await chain(folder, { prompt: "And now?" });
  assertEquals(ran, ["predict"]);
  assertEquals(answers?.rows.map(({ prompt }) => prompt), ["And now?"]);
});

test(
  "all() trains again with other options, and asks again",
  OPTIONS,
  async () => {
    await using folder = await project();
    await chain(folder);
    await Deno.utime(folder.file("output/new/answers.jsonl"), 1, 1);
    const { ran } = await chain(folder, { beta: "0.3" });
    assertEquals(ran, ["inspect", "train", "predict"]);
  },
);

test(
  "all() ends with the first failure and its exit code",
  OPTIONS,
  async () => {
    for (const task of ["inspect", "train", "predict"]) {
      await using folder = await project();
      const { code, ran } = await chain(folder, {}, { [task]: 130 });
      assertEquals({ code, last: ran.at(-1) }, { code: 130, last: task });
    }
  },
);

test(
  "all() trains on as often as it may after its process was killed, and not after other ends",
  OPTIONS,
  async () => {
    for (const [ended, tries] of [[137, 3], [139, 3], [1, 1], [130, 1]]) {
      await using folder = await project();
      await Deno.mkdir(folder.file("output/new/checkpoint-1"), {
        recursive: true,
      });
      const given = { restarts: "2", overwrite_output_dir: true };
      const { code, said, words } = await chain(folder, given, {
        train: ended!,
      });
      const told = said.match(/restart \d of 2 goes on from ".*checkpoint-1"/g);
      assertEquals([code, (told ?? []).length + 1], [ended, tries]);
      const goesOn = words.train!.includes("--resume_from_checkpoint");
      assertEquals(goesOn, tries! > 1);
    }
  },
);

test("all() goes on with a run that was broken off", OPTIONS, async () => {
  await using folder = await project();
  await chain(folder, {}, { train: 130 });
  await Deno.mkdir(folder.file("output/new/checkpoint-1"));
  const { words, said } = await chain(folder);
  assertEquals(words.train, ["r.jsonc", "--resume_from_checkpoint"]);
  assertStringIncludes(said, "checkpoint-1");
  await Deno.remove(folder.file("output/new/model.safetensors"));
  const anew = await chain(folder, { overwrite_output_dir: true });
  assertEquals(anew.words.train, ["r.jsonc", "--overwrite_output_dir"]);
});

test(
  "all() downloads what is not here, and tells no other task the token",
  OPTIONS,
  async () => {
    await using folder = await project();
    const given = { model_name_or_path: "gone/model", token: "secret" };
    const { ran, words } = await chain(folder, given);
    assertEquals(ran, ["download", "inspect", "train", "predict"]);
    assertEquals(words.download, [
      "r.jsonc",
      "--model_name_or_path=gone/model",
      "--token=secret",
    ]);
    assertEquals(words.train, ["r.jsonc", "--model_name_or_path=gone/model"]);
    const failed = await chain(folder, given, { download: 1 });
    assertEquals({ code: failed.code, ran: failed.ran }, {
      code: 1,
      ran: ["download"],
    });
  },
);

test(
  "all() asks nothing after a dry run, of a reward model, or without prompts",
  OPTIONS,
  async () => {
    for (
      const given of [
        { dry_run: true },
        { trainer: "reward" },
        { prompts: "0" },
      ]
    ) {
      await using folder = await project();
      const { ran, said } = await chain(folder, given);
      assertEquals(ran, ["inspect", "train"]);
      assertStringIncludes(said, "predict: skipped");
    }
  },
);
