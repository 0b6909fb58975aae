/**
 * Whole runs by every trainer, and the layouts of ORPO and KTO against sequences that share
 * nothing.
 */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import type { Device } from "../../../kernels/device/device.ts";
import { refreshWeight } from "../../../src/autograd/parameter.ts";
import { trainedWeights } from "../../../src/model/decoder/model.ts";
import {
  demonstrationBatch,
  sequenceBatch,
} from "../../../src/preference/tokens/batch.ts";
import { mismatchFeedback } from "../../../src/preference/tokens/mismatched_feedback.ts";
import type { TokenPair } from "../../../src/preference/tokens/token_examples.ts";
import {
  logpsOf,
  recordedLogps,
} from "../../../src/training/loop/batch_logps.ts";
import type { GivenOptions } from "../../../src/training/method/method.ts";
import { methods } from "../../../src/training/method/methods.ts";
import type { Objective } from "../../../src/training/method/objective.ts";
import { sumBySequence } from "../../../src/training/loss/token_sums.ts";
import { gpuTest } from "../../kernels/gpu_test_case.ts";
import { type BatchScene, openBatch } from "../loop/dpo_batch_scene.ts";
import { FIXTURES } from "../../fixture_path.ts";
import { LORA, type Recipe, runTest, writeRows } from "../run/run_scene.ts";

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
      per_device_train_batch_size: 3,
      gradient_accumulation_steps: 1,
      max_steps: 12,
      shuffle: false,
      lr_scheduler_type: "constant",
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
      trainer: "kto",
      dataset: scene.path("labels.jsonl"),
      per_device_train_batch_size: 2,
      gradient_accumulation_steps: 1,
      eval_dataset: scene.path("labels.jsonl"),
      eval_strategy: "epoch",
      max_steps: 4,
      save_strategy: "steps",
      save_steps: 2,
    };
    let start: number | undefined;
    const whole = await scene.train("whole", recipe, {
      sinks: [{
        open({ startingLoss }) {
          start = startingLoss;
        },
      }],
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

type SteepOptions = GivenOptions & {
  readonly trainer?: "cpo" | "orpo";
};

/** Methods beside those whose gradients TRL's numbers hold. */
const STEEP: Readonly<Record<string, SteepOptions>> = {
  cpo: { trainer: "cpo" },
  simpo: { trainer: "cpo", loss_type: ["simpo"], beta: 2 },
  alphapo: { trainer: "cpo", loss_type: ["simpo"], beta: 2, alpha: 0.25 },
  orpo: { trainer: "orpo" },
  dpop: { loss_type: ["dpop"], dpop_lambda: 5 },
  "a mixture with ld_alpha": {
    loss_type: ["apo_zero", "sigmoid_norm", "sft"],
    ld_alpha: 0.5,
    f_divergence_type: "reverse_kl",
    loss_weights: [1, 0.5, 0.1],
  },
};

const total = (column: Float64Array) => column.reduce((a, b) => a + b, 0);

/** The models of the batch, and its pairs, from files that every clone has. */
function scene() {
  const batch = openBatch(FIXTURES);
  const variant = batch.variants.find(({ name }) => name === "default");
  return { pairs: batch.pairs(variant!), openModels: batch.openModels };
}

/** The objective's loss of pairs in one batch. */
async function lossOf(
  { policy, reference }: Awaited<ReturnType<BatchScene["openModels"]>>,
  objective: Objective<TokenPair>,
  pairs: readonly TokenPair[],
) {
  const batch = objective.batch(pairs);
  const column = objective.needsReference
    ? objective.column(batch, await logpsOf(reference, batch))
    : new Float64Array();
  const forward = await recordedLogps(policy, batch);
  const whole = { parts: 1, targets: 0 };
  const scored = objective.score(batch, forward.statistics, column, whole);
  return { ...scored, backward: () => forward.backward(scored.slopes) };
}

/** Loss, gradient norm, and the loss after a small step down the gradient. */
async function descend(
  device: Device,
  objective: Objective<TokenPair>,
  pairs: readonly TokenPair[],
) {
  const models = await scene().openModels(device);
  const { loss, metrics, backward } = await lossOf(models, objective, pairs);
  backward();
  let squares = 0;
  const moves: (() => void)[] = [];
  for (const weight of trainedWeights(models.policy)) {
    const { value, gradient } = weight.parameter!;
    const [x, dx] = [await device.read(value), await device.read(gradient)];
    squares += dx.reduce((sum, d) => sum + d * d, 0);
    moves.push(() => {
      const rate = FALL * Math.abs(loss) / squares;
      device.write(value, Float32Array.from(x, (v, i) => v - rate * dx[i]!));
      if ("matrix" in weight) refreshWeight(device, weight);
    });
  }
  for (const move of moves) move();
  const after = await lossOf(models, objective, pairs);
  return { loss, metrics, norm: Math.sqrt(squares), after: after.loss };
}

/** Share of its loss that a step should take off. */
const FALL = 0.002;

const orpo = methods.orpo.objective({
  beta: 0.3,
  loss_type: null,
  loss_weights: null,
});

await gpuTest(
  "methods.orpo learns prompts and chosen answers, wherever the prompt lies",
  async (device) => {
    const pairs = scene().pairs;
    const once = await descend(device, orpo, pairs);
    const { policy } = await scene().openModels(device);
    const whole = pairs.map(({ chosen: { ids } }) => ids);
    const { sums, lengths } = sumBySequence(
      await logpsOf(policy, sequenceBatch(whole)),
      pairs.length,
    );
    const nll = -total(sums) / total(lengths);
    assertAlmostEquals(once.metrics["nll_loss"]!, nll, 1e-5);
    assertAlmostEquals(
      once.loss,
      nll - 0.3 * once.metrics["log_odds_ratio"]!,
      1e-5,
    );
    const twice = await descend(
      device,
      orpo,
      pairs.map((pair) => ({ ...pair, sharedLength: 0 })),
    );
    assertAlmostEquals(once.loss, twice.loss, 1e-5);
    assertAlmostEquals(once.norm, twice.norm, 1e-4 * once.norm);
  },
  { read: [FIXTURES] },
);

for (const [name, { trainer = "dpo", ...options }] of Object.entries(STEEP)) {
  await gpuTest(
    `objective() by ${name} has the gradient along which its loss falls`,
    async (device) => {
      const objective = methods[trainer].objective({
        loss_type: null,
        loss_weights: null,
        beta: 0.3,
        ...options,
      });
      const { loss, after } = await descend(
        device,
        objective,
        scene().pairs,
      );
      assertAlmostEquals((loss - after) / Math.abs(loss), FALL, 0.1 * FALL);
    },
    { read: [FIXTURES], kinds: ["cpu"] },
  );
}

await gpuTest(
  "methods.kto estimates the KL by answers to other prompts, without a gradient",
  async (device) => {
    const { policy, reference } = await scene().openModels(device);
    const rows = scene().pairs.flatMap(({ chosen, rejected, line }) => [
      { sequence: chosen, label: true, line },
      { sequence: rejected, label: false, line },
    ]);
    const examples = mismatchFeedback(rows, { group: rows.length });
    const options = { beta: 0.1, loss_type: null, loss_weights: null };
    const objective = methods.kto.objective(options);
    const batch = objective.batch(examples);
    const column = objective.column(batch, await logpsOf(reference, batch));
    const { metrics, slopes } = objective.score(
      batch,
      await logpsOf(policy, batch),
      column,
      { parts: 1, targets: 0 },
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
  { read: [FIXTURES] },
);
