/**
 * Whole runs by every trainer, and the layouts of ORPO and KTO against sequences that share nothing.
 */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import type { Device } from "../../kernels/device.ts";
import { trainedWeights } from "../../src/model/model.ts";
import { demonstrationBatch } from "../../src/preference/batch.ts";
import { mismatch } from "../../src/preference/mismatched_feedback.ts";
import type { TokenPair } from "../../src/preference/token_pair.ts";
import { logpsOf, recordedLogps } from "../../src/training/batch_logps.ts";
import {
  feedbackObjective,
  preferenceObjective,
} from "../../src/training/objective.ts";
import { Optimizer } from "../../src/training/optimizer.ts";
import { sumBySequence } from "../../src/training/token_sums.ts";
import { gpuTest } from "../kernels/gpu_test_case.ts";
import {
  openModels,
  sceneFolders,
  variantPairs,
  variants,
} from "./dpo_batch_scene.ts";
import { LORA, type Recipe, runTest, writeRows } from "./run_scene.ts";

const METHODS: Readonly<Record<string, Recipe>> = {
  "dpo, all at once": {
    loss_type: ["apo_zero", "sigmoid_norm", "sft"],
    loss_weights: [1, 0.5, 0.1],
    ld_alpha: 0.5,
  },
  "dpo, weighted": { loss_type: "ipo", use_weighting: true },
  "dpo, dpop": { loss_type: "dpop", dpop_lambda: 5 },
  "dpo, divergence": { f_divergence_type: "js_divergence" },
  "cpo": { trainer: "cpo" },
  "simpo": { trainer: "cpo", loss_type: "simpo", beta: 2, cpo_alpha: 0 },
  "alphapo": { trainer: "cpo", loss_type: "simpo", beta: 2, alpha: 0.25 },
  "orpo": { trainer: "orpo" },
  "kto": { trainer: "kto" },
  "kto, unpaired apo": { trainer: "kto", loss_type: "apo_zero_unpaired" },
};

for (const [name, recipe] of Object.entries(METHODS)) {
  await runTest(`runTraining() learns by ${name}`, async (scene) => {
    const { rows } = await scene.train("run", {
      ...LORA,
      ...recipe,
      ...{ per_device_train_batch_size: 3, gradient_accumulation_steps: 1 },
      ...{ max_steps: 12, shuffle: false, lr_scheduler_type: "constant" },
    });
    const column = (key: string) => rows.map((row) => row[key]!);
    const margins = column("rewards/margins");
    assert(margins.at(-1)! > margins[0]! + 1e-3, margins.join(" "));
    assert(column("loss").every(Number.isFinite));
  });
}

await runTest(
  "runTraining() by kto starts at loss 1/2 and kl 0, takes rows with labels, evaluates and resumes",
  async (scene) => {
    const labelled = ["Yes.", "No.", "Tea.", "Never ask."].map((text, i) => ({
      prompt: [{ role: "user", content: `Question ${i}?` }],
      completion: [{ role: "assistant", content: text }],
      label: i % 2 === 0,
    }));
    writeRows(scene.path("labels.jsonl"), labelled);
    const recipe = {
      ...LORA,
      ...{ trainer: "kto", dataset: scene.path("labels.jsonl") },
      ...{ per_device_train_batch_size: 2, gradient_accumulation_steps: 1 },
      ...{ eval_dataset: scene.path("labels.jsonl"), eval_strategy: "epoch" },
      ...{ max_steps: 4, save_strategy: "steps", save_steps: 2 },
    };
    let start: number | undefined;
    const whole = await scene.train("whole", recipe, {
      onStart: ({ startingLoss }) => start = startingLoss,
    });
    assertAlmostEquals(start!, 0.5, 1e-4);
    assertAlmostEquals(whole.rows[0]!["loss"]!, 0.5, 1e-4);
    assertAlmostEquals(whole.rows[0]!["kl"]!, 0, 1e-3);
    assert(whole.rows.some((row) => row["eval_loss"]! < 0.5));
    const { rows } = await scene.train("whole", {
      ...recipe,
      resume_from_checkpoint: scene.path("whole", "checkpoint-2"),
    });
    assertEquals(rows.at(-1), whole.rows.at(-1));
  },
);

const first = variants.find(({ name }) => name === "default");

/** Loss and norm of the gradient of pairs in one batch, by ORPO. */
async function byOrpo(device: Device, pairs: readonly TokenPair[]) {
  const { policy } = await openModels(device);
  const objective = preferenceObjective({
    ...{ trainer: "orpo", beta: 0.3, loss_type: null, loss_weights: null },
  });
  const batch = objective.batch(pairs);
  const { statistics, backward } = await recordedLogps(policy, batch);
  const window = { microBatches: 1, targets: 0 };
  const scored = objective.score(
    batch,
    statistics,
    new Float64Array(),
    window,
  );
  backward(scored.slopes);
  const optimizer = new Optimizer(device, trainedWeights(policy), {
    ...{ optim: "sgd", weight_decay: 0 },
    ...{ adam_beta1: 0, adam_beta2: 0, adam_epsilon: 0 },
  });
  const whole = pairs.map(({ chosen }) => ({ ...chosen, completionStart: 0 }));
  const { sums, lengths } = sumBySequence(
    await logpsOf(policy, demonstrationBatch(whole)),
    pairs.length,
  );
  const sum = (column: Float64Array) => column.reduce((a, b) => a + b, 0);
  const norm = await optimizer.gradientNorm();
  return { ...scored, norm, nll: -sum(sums) / sum(lengths) };
}

if (first !== undefined) {
  await gpuTest(
    "preferenceObjective() by orpo learns prompts and chosen answers, wherever the prompt lies",
    async (device) => {
      const pairs = variantPairs(first);
      const once = await byOrpo(device, pairs);
      assertAlmostEquals(once.metrics["nll_loss"]!, once.nll, 1e-5);
      assertAlmostEquals(
        once.loss,
        once.nll - 0.3 * once.metrics["log_odds_ratio"]!,
        1e-5,
      );
      const twice = await byOrpo(
        device,
        pairs.map((pair) => ({ ...pair, sharedLength: 0 })),
      );
      assertAlmostEquals(once.loss, twice.loss, 1e-5);
      assertAlmostEquals(once.norm, twice.norm, 1e-4 * once.norm);
    },
    { read: sceneFolders },
  );

  await gpuTest(
    "feedbackObjective() estimates the KL by answers to other prompts, without a gradient",
    async (device) => {
      const { policy, reference } = await openModels(device);
      const rows = variantPairs(first).flatMap(({ chosen, rejected, line }) => [
        { sequence: chosen, label: true, line },
        { sequence: rejected, label: false, line },
      ]);
      const examples = mismatch(rows, { group: rows.length });
      const options = { beta: 0.1, loss_type: null, loss_weights: null };
      const objective = feedbackObjective(options);
      const batch = objective.batch(examples);
      const column = objective.column(batch, await logpsOf(reference, batch));
      const { metrics, slopes } = objective.score(
        batch,
        await logpsOf(policy, batch),
        column,
        { microBatches: 1, targets: 0 },
      );
      const alone = demonstrationBatch(
        examples.map(({ mismatched }) => mismatched),
      );
      const sums = async (model: typeof policy) =>
        sumBySequence(await logpsOf(model, alone), alone.sequences).sums;
      const [moved, still] = [await sums(policy), await sums(reference)];
      const kl = moved.reduce((sum, x, i) => sum + x - still[i]!, 0) /
        rows.length;
      assert(kl > 0.1, `${kl}`); // the policy likes these answers more than the reference does
      assertAlmostEquals(metrics["kl"]!, kl, 1e-3);
      for (const [t, sequence] of batch.targetSequence.entries()) {
        assertEquals(slopes[t] === 0, sequence % 2 === 1);
      }
    },
    { read: sceneFolders },
  );
}
