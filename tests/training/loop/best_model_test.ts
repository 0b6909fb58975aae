/**
 * The best evaluation, early stopping, and what a run keeps and leaves of them, as transformers has
 * it.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { listenToNotes } from "../../../src/base/notes.ts";
import { readOptions } from "../../../src/base/read_options.ts";
import {
  type BestOptions,
  type BestState,
  judgeEvaluation,
} from "../../../src/training/loop/best_model.ts";
import { trainSchema } from "../../../src/training/options/train_schema.ts";
import {
  readNumbers,
  type Recipe,
  runTest,
  type Scene,
} from "../run/run_scene.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

const LOSS: BestOptions = {
  metric_for_best_model: null,
  greater_is_better: null,
  early_stopping_patience: 2,
  early_stopping_threshold: 0,
};

/** Judges one evaluation after the other, at steps 1, 2, ... */
function judgeAll(
  values: readonly number[],
  options: BestOptions,
  name = "eval_loss",
) {
  let state: BestState | null = null;
  return values.map((value, i) => {
    const found = { row: { [name]: value }, step: i + 1 };
    const verdict = judgeEvaluation(state, found, options);
    // as a checkpoint has it
    state = JSON.parse(JSON.stringify(verdict.state));
    return verdict;
  });
}

test({
  ...pure,
  name:
    "judgeEvaluation() stops after as many evaluations as its patience, none better",
  fn() {
    const verdicts = judgeAll([0.7, 0.6, 0.65, 0.5, 0.5, 0.51], LOSS);
    assertEquals(
      verdicts.map(({ isBest, stops }) => [isBest, stops]),
      [
        ...[[true, false], [true, false], [false, false], [true, false]],
        ...[[false, false], [false, true]],
      ],
    );
    assertEquals(verdicts.at(-1)!.state, {
      best_metric: 0.5,
      best_global_step: 4,
      early_stopping_patience_counter: 2,
    });
  },
});

test({
  ...pure,
  name:
    "judgeEvaluation() takes a gain within the threshold as best, and as none for its patience",
  fn() {
    const options = { ...LOSS, early_stopping_threshold: 0.1 };
    const verdicts = judgeAll([0.7, 0.65, 0.62, 0.4], options);
    assertEquals(verdicts.map(({ isBest }) => isBest), [
      ...[true, true, true, true],
    ]);
    // 0.7 -> 0.65 and 0.65 -> 0.62 are gains of less than 0.1
    assertEquals(
      verdicts.map(({ state }) => state.early_stopping_patience_counter),
      [0, 1, 2, 0],
    );
    assertEquals(verdicts.map(({ stops }) => stops), [
      ...[false, false, true, false],
    ]);
  },
});

test({
  ...pure,
  name:
    "judgeEvaluation() takes more as better unless the name ends in loss, with or without eval_",
  fn() {
    const name = "eval_rewards/accuracies";
    for (const metric of ["rewards/accuracies", name]) {
      const options = { ...LOSS, metric_for_best_model: metric };
      const best = judgeAll([0.5, 0.7, 0.6], options, name);
      assertEquals(best.at(-1)!.state.best_global_step, 2);
      const turned = { ...options, greater_is_better: false };
      const worst = judgeAll([0.5, 0.7, 0.6], turned, name);
      assertEquals(worst.at(-1)!.state.best_global_step, 1);
    }
  },
});

test({
  ...pure,
  name: "judgeEvaluation() takes NaN as no evaluation's best, the first too",
  fn() {
    const verdicts = judgeAll([NaN, 0.7, NaN], LOSS);
    assertEquals(verdicts.map(({ isBest }) => isBest), [false, true, false]);
    assertEquals(verdicts[0]!.state.best_global_step, null);
    assertEquals(verdicts[2]!.state.best_global_step, 2);
  },
});

test({
  ...pure,
  name: "judgeEvaluation() names what an evaluation has instead of the metric",
  fn() {
    assertThrows(
      () =>
        judgeAll([1], { ...LOSS, metric_for_best_model: "accuracy" }, "eval_x"),
      TypeError,
      'an evaluation has no "eval_accuracy", found "eval_x"',
    );
  },
});

test({
  ...pure,
  name: "options that need evaluations or checkpoints say so",
  fn() {
    const options = { model_name_or_path: "m", dataset: "d", output_dir: "o" };
    const read = (more: Recipe) =>
      readOptions(trainSchema, [{ ...options, ...more }]);
    assertThrows(
      () => read({ load_best_model_at_end: true, early_stopping_patience: 3 }),
      Error,
      '"early_stopping_patience" needs "eval_strategy", found "no"',
    );
    assertThrows(
      () =>
        read({
          load_best_model_at_end: true,
          eval_strategy: "steps",
          save_strategy: "no",
        }),
      Error,
      '"load_best_model_at_end" needs checkpoints',
    );
    const { warnings } = read({ metric_for_best_model: "loss" });
    assert(warnings.some((line) => line.includes("metric_for_best_model")));
  },
});

/** A rate so high that evaluations become worse after the first ones. */
const WORSENING: Recipe = {
  max_steps: 9,
  learning_rate: 0.02,
  lr_scheduler_type: "constant",
  gradient_accumulation_steps: 1,
  per_device_train_batch_size: 2,
  eval_strategy: "steps",
  eval_steps: 1,
  eval_on_start: true,
  early_stopping_patience: 2,
  load_best_model_at_end: true,
  save_strategy: "steps",
  save_steps: 3,
  save_total_limit: 1,
  metric_for_best_model: "logps/chosen",
  greater_is_better: true,
};

/** Evaluates on the training rows: as `logps/chosen` falls, the run is past its best. */
function worsening({ path }: Scene): Recipe {
  return { ...WORSENING, eval_dataset: path("pairs.jsonl") };
}

function checkpoints({ path }: Scene, run: string): string[] {
  return [...Deno.readDirSync(path(run))].map(({ name }) => name)
    .filter((name) => name.startsWith("checkpoint-")).sort();
}

await runTest(
  "runTraining() stops early, keeps the best checkpoint and ends with its weights; resumed, too",
  async (scene) => {
    const recipe = worsening(scene);
    const end = await scene.train("run", recipe);
    const evaluations = end.rows.filter((row) => "eval_loss" in row);
    assertEquals(evaluations[0]!["step"], 0);
    const after = evaluations.slice(1);
    const metric = "eval_logps/chosen";
    const best = after.reduce((a, b) => b[metric]! > a[metric]! ? b : a);
    assertEquals(end.weightsOf, best["step"]);
    assert(end.stoppedEarly && !end.interrupted);
    assertEquals(end.step, best["step"]! + 2);
    assert(end.step < end.totalSteps);
    const kept = checkpoints(scene, "run");
    assert(kept.includes(`checkpoint-${end.weightsOf}`), kept.join());
    const file = "model.safetensors";
    const final = await readNumbers(scene.path("run", file));
    const folder = `checkpoint-${end.weightsOf}`;
    assertEquals(final, await readNumbers(scene.path("run", folder, file)));
    // cut short between the best evaluation and the stop: the counter goes on from the checkpoint
    const stop = new AbortController();
    const cut = await scene.train("cut", recipe, {
      signal: stop.signal,
      onProgress: (stage, step) =>
        stage === "train" && step === best["step"]! + 1 && stop.abort(),
    });
    assert(cut.interrupted);
    const resumed = await scene.train("cut", {
      ...recipe,
      resume_from_checkpoint: true,
    });
    assertEquals(
      [resumed.step, resumed.stoppedEarly, resumed.weightsOf],
      [end.step, true, end.weightsOf],
    );
    assertEquals(await readNumbers(scene.path("cut", file)), final);
  },
);

await runTest(
  "runTraining() with save_strategy best and eval_delay saves the best evaluations alone",
  async (scene) => {
    const end = await scene.train("run", {
      ...worsening(scene),
      save_strategy: "best",
      save_total_limit: null,
      eval_delay: 2,
      early_stopping_patience: null,
      eval_on_start: false,
      load_best_model_at_end: false,
      max_steps: 4,
    });
    const evaluations = end.rows.filter((row) => "eval_loss" in row);
    assertEquals(evaluations.map((row) => row["step"]), [2, 3, 4]);
    let best = -Infinity;
    const saved = evaluations.filter((row) => {
      const better = row["eval_logps/chosen"]! > best;
      best = Math.max(best, row["eval_logps/chosen"]!);
      return better;
    }).map((row) => `checkpoint-${row["step"]}`);
    assertEquals(checkpoints(scene, "run"), saved);
    assertEquals(end.weightsOf, 4);
  },
);

await runTest(
  "runTraining() ends with its last weights where the best checkpoint is damaged, and tells it",
  async (scene) => {
    const told: string[] = [];
    using _notes = listenToNotes((line) => void told.push(line));
    const end = await scene.train("run", {
      ...worsening(scene),
      save_total_limit: null,
    }, {
      sinks: [{
        async saved(path) {
          await Deno.truncate(join(path, "optimizer.safetensors"), 100);
        },
      }],
    });
    assertEquals(end.weightsOf, end.step);
    assert(
      told.some((line) => line.includes("the best, is damaged")),
      told.join(),
    );
  },
);
