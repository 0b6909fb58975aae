/** Steps that are not finite are skipped by name; too many in a row end the run. */
import { CHECKPOINT_FILE } from "../../../src/files/file_names.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { readOptions } from "../../../src/base/read_options.ts";
import {
  checkAnyTaken,
  countSkipped,
  MOST_SKIPPED_IN_A_ROW,
  type SkippedStep,
} from "../../../src/training/loop/step_guard.ts";
import { trainSchema } from "../../../src/training/options/train_schema.ts";
import { PAIRS, readNumbers, runTest, writeRows } from "../run/run_scene.ts";
import { test } from "../../test_case.ts";

const STEP: SkippedStep = {
  step: 9,
  loss: NaN,
  grad_norm: Infinity,
  rows: ["a.jsonl:3", "b.jsonl:4"],
};

test({
  name: "countSkipped() counts, and fails at one too many in a row",
  permissions: "none",
  fn() {
    assertEquals(countSkipped({ skipped: 7, inARow: 0 }, STEP), {
      skipped: 8,
      inARow: 1,
    });
    const last = { skipped: 11, inARow: MOST_SKIPPED_IN_A_ROW - 1 };
    assertThrows(
      () => countSkipped(last, STEP),
      Error,
      "Cannot go on training at step 9: 5 steps in a row were skipped, the last with loss NaN, gradient norm Infinity, expected finite numbers; rows a.jsonl:3, b.jsonl:4; lower learning_rate or look at these rows",
    );
  },
});

test({
  name: "checkAnyTaken() fails where every step was skipped",
  permissions: "none",
  fn() {
    checkAnyTaken({ skipped: 2, inARow: 2 }, 3);
    assertThrows(
      () => checkAnyTaken({ skipped: 3, inARow: 3 }, 3),
      Error,
      "Cannot finish training: all 3 steps were skipped",
    );
  },
});

await runTest(
  "runTraining() ends after five steps in a row that are not finite, naming the file and lines of the last",
  async (scene) => {
    const skipped: SkippedStep[] = [];
    const { message } = await assertRejects(() =>
      scene.train("run", {
        max_steps: 9,
        shuffle: false,
        learning_rate: 1e30,
        lr_scheduler_type: "constant",
      }, { sinks: [{ skipped: (step) => void skipped.push(step) }] }), Error);
    // step 1 is fine and ruins the weights
    assertEquals(skipped.map(({ step }) => step), [2, 3, 4, 5]);
    const file = scene.path("pairs.jsonl");
    assertEquals(skipped[0]!.rows, [`${file}:3`, `${file}:4`]);
    assert(
      message.startsWith(
        "Cannot go on training at step 6: 5 steps in a row were skipped",
      ) && message.includes(`rows ${file}:5, ${file}:6`),
      message,
    );
  },
);

/** A reference so far off that the row's log-ratio overflows. */
const POISON = { ref_chosen_logps: -1e308, ref_rejected_logps: -1e308 };
const FINE = { ref_chosen_logps: -30, ref_rejected_logps: -30 };

await runTest(
  "runTraining() skips a poisoned row's step, goes on, and resumes to the same end",
  async (scene) => {
    const rows = PAIRS.map((row, i) => ({
      ...row,
      ...(i === 1 ? POISON : FINE),
    }));
    writeRows(scene.path("poisoned.jsonl"), rows);
    const recipe = {
      dataset: scene.path("poisoned.jsonl"),
      max_steps: 4,
      gradient_accumulation_steps: 1,
      shuffle: false,
      loss_type: ["sppo_hard"],
      logging_steps: 2,
      save_strategy: "steps",
      save_steps: 4,
    };
    const skipped: SkippedStep[] = [];
    const end = await scene.train("run", recipe, {
      sinks: [{ skipped: (step) => void skipped.push(step) }],
    });
    assertEquals(end.step, 4);
    assertEquals(
      skipped.map(({ step, rows }) => [step, rows]),
      [[2, [`${scene.path("poisoned.jsonl")}:2`]]],
    );
    const [first, second] = end.rows;
    assertEquals(first!["skipped_steps"], 1);
    assert(Number.isFinite(first!["loss"]) && Number.isFinite(second!["loss"]));
    assertEquals("skipped_steps" in second!, false);
    const stop = new AbortController();
    await scene.train("cut", recipe, {
      signal: stop.signal,
      onProgress: (stage, step) =>
        stage === "train" && step === 2 && stop.abort(),
    });
    await scene.train("cut", { ...recipe, resume_from_checkpoint: true });
    for (
      const file of [
        "model.safetensors",
        `checkpoint-4/${CHECKPOINT_FILE.optimizer}`,
      ]
    ) {
      assertEquals(
        await readNumbers(scene.path("cut", file)),
        await readNumbers(scene.path("run", file)),
      );
    }
  },
);

test({
  name: "a recipe's logging_nan_inf_filter is answered",
  permissions: "none",
  fn() {
    const { warnings } = readOptions(trainSchema, [{
      model_name_or_path: "m",
      dataset: "d",
      output_dir: "o",
      logging_nan_inf_filter: true,
    }]);
    assert(warnings.some((line) => line.includes("skipped and told")));
  },
});
