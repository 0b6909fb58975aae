/** A run goes on with what it began with: other options, rows and weights are refused by name. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { readOptions } from "../../../src/base/read_options.ts";
import { trainSchema } from "../../../src/training/options/train_schema.ts";
import {
  changesOf,
  checkStepsLeft,
} from "../../../src/training/run/resume_changes.ts";
import { hashInputs } from "../../../src/training/run/run_inputs.ts";
import { test } from "../../test_case.ts";
import {
  LORA,
  PAIRS,
  type Recipe,
  runTest,
  type Scene,
  writeRows,
} from "./run_scene.ts";

const optionsWith = (recipe: Recipe) =>
  readOptions(trainSchema, [{
    model_name_or_path: "a",
    dataset: "b",
    output_dir: "c",
    ...recipe,
  }]).options;

/** The names of what a resume with `recipe` changes. */
function changed(
  recipe: Recipe,
  rest: Parameters<typeof changesOf>[2] = {},
  known = { weights: "1", rows: "2" },
): string[] {
  const earlier = { path: "x", options: optionsWith({}), inputs: known };
  return changesOf(earlier, optionsWith(recipe), rest).map(({ name }) => name);
}

test("changesOf() names what steps depend on and nothing else", () => {
  for (
    const recipe of [
      { per_device_train_batch_size: 4 },
      { gradient_accumulation_steps: 2 },
      { loss_type: "ipo" },
      { beta: 0.3 },
      { learning_rate: 1 },
      { seed: 1 },
      { optim: "lion_32bit" },
      { shuffle: false },
      { weight_decay: 0.1 },
      { max_steps: 7 },
    ]
  ) assertEquals(changed(recipe), Object.keys(recipe));
  const free = {
    output_dir: "other",
    save_steps: 3,
    logging_steps: 1,
    max_tokens_per_batch: null,
    gradient_checkpointing: true,
    eval_strategy: "steps",
  };
  assertEquals(changed(free), []);
});

test("changesOf() compares rows and weights by hashes where they are known", () => {
  const moved = { model_name_or_path: "elsewhere/a", dataset: "elsewhere/b" };
  const same = { weights: "1", rows: "2" };
  assertEquals(changed(moved), []);
  assertEquals(changed(moved, { inputs: same }), []);
  assertEquals(changed(moved, { inputs: { ...same, rows: "3" } }), [
    "dataset",
    "rows",
  ]);
  assertEquals(changed({}, { inputs: { ...same, weights: "3" } }), [
    "base weights",
  ]);
});

test("changesOf() takes an option that the earlier run did not know as its default", () => {
  const { router_aux_loss_coef: _, ...before } = optionsWith({});
  const earlier = { path: "x", options: before, inputs: undefined };
  const names = (formerly?: Recipe) =>
    changesOf(earlier, optionsWith({}), { formerly }).map(({ name }) => name);
  assertEquals(names(), []);
  assertEquals(names({ router_aux_loss_coef: 0 }), ["router_aux_loss_coef"]);
});

test("checkStepsLeft() refuses a length that is passed, and changes of a finished run", () => {
  const change = { name: "beta", before: 0.1, now: 0.3, isFree: false };
  const check = (step: number, changes = [change]) =>
    checkStepsLeft({ path: "x" }, changes, { step, totalSteps: 4 });
  check(3);
  check(4, []);
  assertThrows(() => check(5, []), RangeError, "5 steps are done");
  assertThrows(() => check(4), RangeError, '"beta" was 0.1 and is 0.3');
});

test("hashInputs() depends on every number of a row and not on its line", async () => {
  const rows = async (...examples: object[]) =>
    (await hashInputs([], examples, undefined)).rows;
  const row = { line: 1, chosen: { ids: [1, 2], completionStart: 1 } };
  const want = await rows(row);
  assertEquals(await rows({ ...row, line: 9, scores: undefined }), want);
  const others = [
    { ...row, chosen: { ids: [1, 3], completionStart: 1 } },
    { ...row, chosen: { ids: [1, 2], completionStart: 2 } },
    { ...row, margin: 0 },
    { rejected: row.chosen },
  ];
  for (const other of others) assert(await rows(other) !== want);
  assert(await rows(row, row) !== want);
});

const SAVING: Recipe = {
  ...LORA,
  max_steps: 4,
  save_strategy: "steps",
  save_steps: 2,
};

/** Goes on from step 2 of the run in `folder`. */
const goOn = (scene: Scene, recipe: Recipe) =>
  scene.train("run", {
    ...SAVING,
    resume_from_checkpoint: scene.path("run", "checkpoint-2"),
    ...recipe,
  });

await runTest(
  "runTraining() resumes with other options only when told to, and keeps both",
  async (scene) => {
    await scene.train("run", SAVING);
    const record = await Deno.readTextFile(scene.path("run", "options.json"));
    await assertRejects(
      () => goOn(scene, { beta: 0.3, lora_alpha: 99 }),
      TypeError,
      '"beta" was 0.1 and is 0.3; "lora_alpha" was 8 and is 99',
    );
    // another file of the same rows is the same data
    writeRows(scene.path("copy.jsonl"), PAIRS);
    await goOn(scene, { dataset: scene.path("copy.jsonl") });
    writeRows(scene.path("copy.jsonl"), PAIRS.toReversed());
    await assertRejects(
      () => goOn(scene, { dataset: scene.path("copy.jsonl") }),
      TypeError,
      '"rows" was',
    );
    const finished = {
      beta: 0.3,
      resume_from_checkpoint: true,
      resume_with_changes: true,
    };
    await assertRejects(
      () => goOn(scene, finished),
      RangeError,
      "nothing left",
    );
    await goOn(scene, {});
    assertEquals(
      await Deno.readTextFile(scene.path("run", "options.json")),
      record.replace(
        '"resume_from_checkpoint": false',
        `"resume_from_checkpoint": ${
          JSON.stringify(scene.path("run", "checkpoint-2"))
        }`,
      ),
    );
    await goOn(scene, { beta: 0.3, resume_with_changes: true });
    assertEquals(
      await Deno.readTextFile(scene.path("run", "changes.jsonl")),
      '{"step":2,"name":"beta","before":0.1,"now":0.3}\n',
    );
  },
);

await runTest(
  "runTraining() resumes a checkpoint that holds no hashes by its options",
  async (scene) => {
    await scene.train("run", SAVING);
    // as earlier versions wrote it
    for (const name of ["inputs.json", "manifest.json"]) {
      await Deno.remove(scene.path("run", "checkpoint-2", name));
    }
    await goOn(scene, {});
    writeRows(scene.path("copy.jsonl"), PAIRS);
    await assertRejects(
      () => goOn(scene, { dataset: scene.path("copy.jsonl") }),
      TypeError,
      '"dataset" was',
    );
  },
);
