/**
 * Reward models: where rewards are read, their gradient, a whole run, and what it leaves for
 * others.
 */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import type { Device } from "../../../kernels/device/device.ts";
import { refreshWeight } from "../../../src/autograd/parameter.ts";
import { openModelFolder } from "../../../src/files/folders/model_folder.ts";
import { openSafetensors } from "../../../src/files/safetensors/safetensors.ts";
import { addAdapter } from "../../../src/model/adapter/adapter.ts";
import {
  PLAIN_ADAPTER,
  withAdapterHead,
} from "../../../src/model/adapter/adapter_config.ts";
import { readModelConfig } from "../../../src/model/config/config.ts";
import { hiddenStates } from "../../../src/model/decoder/decoder.ts";
import { loadModel } from "../../../src/model/weights/load.ts";
import {
  type Model,
  trainedWeights,
} from "../../../src/model/decoder/model.ts";
import { withRewardHead } from "../../../src/model/weights/reward_head.ts";
import { demonstrationBatch } from "../../../src/preference/tokens/batch.ts";
import { tokenPair } from "../../../src/preference/tokens/token_examples.ts";
import {
  logpsOf,
  recordedLogps,
} from "../../../src/training/loop/batch_logps.ts";
import { methods } from "../../../src/training/method/methods.ts";
import { scoreFile } from "../../../src/scoring/score_file.ts";
import { scoreSchema } from "../../../src/scoring/score_options.ts";
import { readOptions } from "../../../src/base/read_options.ts";
import {
  MODEL,
  PAIRS,
  readNumbers,
  type Recipe,
  runTest,
} from "./run_scene.ts";

/** Three pairs, of which one answer is another's beginning and one prompt is empty. */
const EXAMPLES = [
  [[5, 9, 12, 40, 41, 42], [5, 9, 12, 50], 3, 2],
  [[7, 8, 60], [7, 8, 60, 61], 2, 0],
  [[100, 101, 102, 103, 104], [110], 0, 0.5],
].map(([chosen, rejected, completionStart, margin], i) =>
  tokenPair(
    { ids: chosen as number[], completionStart: completionStart as number },
    { ids: rejected as number[], completionStart: completionStart as number },
    i + 1,
    { margin: margin as number },
  )
);

const OBJECTIVE = methods.reward.objective({
  beta: 0.1,
  loss_type: null,
  loss_weights: null,
  center_rewards_coefficient: 0.05,
});

async function rewardModel(device: Device, lora: boolean): Promise<Model> {
  const { config, weights } = await openModelFolder(MODEL);
  const base = await loadModel(
    device,
    withRewardHead(readModelConfig(config)),
    weights,
    { trained: !lora, headSeed: 3 },
  );
  const model = lora
    ? addAdapter(
      base,
      withAdapterHead({
        r: 4,
        lora_alpha: 8,
        lora_dropout: 0,
        ...PLAIN_ADAPTER,
        target_modules: "all-linear",
      }),
      1,
    )
    : base;
  // a head of this size has rewards far enough from 0
  const { value } = model.score!.parameter!;
  const numbers = await device.read(value);
  device.write(value, numbers.map((x) => 5 * x));
  refreshWeight(device, model.score!);
  return model;
}

/** Rewards of the examples, chosen first of each. */
async function rewardsOf(model: Model): Promise<number[]> {
  const batch = OBJECTIVE.batch(EXAMPLES);
  return Array.from((await logpsOf(model, batch)).logps);
}

await runTest(
  "a reward is the product of score and the hidden state at a sequence's last token, wherever the prompt lies",
  async ({ device }) => {
    const model = await rewardModel(device, false);
    const rewards = await rewardsOf(model);
    const score = await device.read(model.score!.parameter!.value);
    const all = EXAMPLES.flatMap(({ chosen, rejected }) => [chosen, rejected]);
    for (const [i, { ids }] of all.entries()) {
      using _scope = device.scope();
      const { tokens, positions, ranges } = demonstrationBatch([
        { ids, completionStart: 0 },
      ]);
      const rows = Uint32Array.of(ids.length - 1);
      const hidden = await device.read(
        hiddenStates(model, { tokens, positions, ranges, rows }),
      );
      const want = hidden.reduce((sum, x, k) => sum + x * score[k]!, 0);
      assertAlmostEquals(rewards[i]!, want, 1e-5 * (1 + Math.abs(want)));
    }
  },
  { kinds: ["cpu", "gpu"] },
);

await runTest(
  "the reward loss and its metrics are TRL's, margins of the data taken off",
  async ({ device }) => {
    const model = await rewardModel(device, false);
    const batch = OBJECTIVE.batch(EXAMPLES);
    const statistics = await logpsOf(model, batch);
    const { logps: r } = statistics;
    const whole = { parts: 1, targets: 6 };
    const none = new Float64Array();
    const { loss, metrics } = OBJECTIVE.score(batch, statistics, none, whole);
    const pairs = [[0, 1, 2], [2, 3, 0], [4, 5, 0.5]] as const;
    const mean = (of: (c: number, r: number, m: number) => number) =>
      pairs.reduce((sum, [a, b, m]) => sum + of(r[a]!, r[b]!, m), 0) / 3;
    const want = mean((c, r, m) =>
      Math.log1p(Math.exp(-(c - r - m))) + 0.05 * (c + r) ** 2
    );
    assertAlmostEquals(loss, want, 1e-9);
    assertEquals(Object.keys(metrics).sort(), [
      "accuracy",
      "margin",
      "max_reward",
      "mean_reward",
      "min_reward",
    ]);
    assertAlmostEquals(metrics["margin"]!, mean((c, r) => c - r), 1e-9);
    assertAlmostEquals(metrics["accuracy"]!, mean((c, r) => c > r ? 1 : 0));
    assertEquals(metrics["max_reward"], Math.max(...Array.from(r)));
    assertAlmostEquals(metrics["mean_reward"]!, mean((c, r) => (c + r) / 2));
  },
);

/** The loss of all examples, and its gradients where asked. */
async function lossOf(model: Model, backward: boolean): Promise<number> {
  const { device } = model;
  using _scope = device.scope();
  const batch = OBJECTIVE.batch(EXAMPLES);
  const logps = await recordedLogps(model, batch);
  const { loss, slopes } = OBJECTIVE.score(
    batch,
    logps.statistics,
    new Float64Array(),
    { parts: 1, targets: 6 },
  );
  if (backward) logps.backward(slopes);
  return loss;
}

for (const kind of ["all weights", "LoRA"] as const) {
  await runTest(
    `the reward loss has the gradient of central differences: ${kind}`,
    async ({ device }) => {
      const model = await rewardModel(device, kind === "LoRA");
      await lossOf(model, true);
      const trained = trainedWeights(model);
      const names = trained.map(({ name }) => name);
      const isScore = (name: string) => name.endsWith("score.weight");
      assert(names.some(isScore));
      assertEquals(names.includes("lm_head.weight"), false);
      // each tensor by itself: along its gradient g the loss changes by |g|^2 a unit
      for (
        const weight of trained.filter(({ name }, i) =>
          i % 5 === 0 || isScore(name)
        )
      ) {
        const { value, gradient } = weight.parameter!;
        const [x, g] = [await device.read(value), await device.read(gradient)];
        const square = g.reduce((sum, d) => sum + d * d, 0);
        if (square === 0) continue; // half A of a fresh adapter
        const step = 2e-3 / Math.sqrt(square);
        const at = async (by: number) => {
          device.write(value, x.map((v, i) => v + by * g[i]!));
          if ("matrix" in weight) refreshWeight(device, weight);
          return await lossOf(model, false);
        };
        const slope = (await at(step) - await at(-step)) / (2 * step);
        await at(0);
        assertAlmostEquals(slope / square, 1, 0.02, weight.name);
      }
    },
    { kinds: ["cpu", "gpu"] },
  );
}

const REWARD: Recipe = {
  trainer: "reward",
  max_steps: 4,
  save_strategy: "steps",
  save_steps: 2,
  center_rewards_coefficient: 0.01,
  learning_rate: 5e-3,
};

await runTest(
  "runTraining() by reward leaves what transformers loads, scores with it, and resumes to the same bits",
  async (scene) => {
    const { path } = scene;
    const { rows } = await scene.train("run", { ...REWARD, max_steps: 8 });
    assert(rows.at(-1)!["loss"]! < 0.6, `${rows.at(-1)!["loss"]}`);
    assert("min_reward" in rows[0]! && !("rewards/chosen" in rows[0]!));
    const config = JSON.parse(Deno.readTextFileSync(path("run/config.json")));
    assertEquals(config.architectures, ["Qwen2ForSequenceClassification"]);
    assertEquals(Object.keys(config.id2label), ["0"]);
    assertEquals(config.pad_token_id, 597);
    const file = await openSafetensors(path("run/model.safetensors"));
    assertEquals(file.tensors.get("score.weight")?.shape, [1, 64]);
    assertEquals(file.tensors.has("lm_head.weight"), false);
    const { options } = readOptions(scoreSchema, [{
      model_name_or_path: path("run"),
      input: path("pairs.jsonl"),
      output: path("scores.jsonl"),
    }]);
    assertEquals(await scoreFile(scene.device, options), PAIRS.length);
    const scores = Deno.readTextFileSync(path("scores.jsonl")).trimEnd()
      .split("\n").map((line) => JSON.parse(line));
    const won = scores.filter((row) => row.chosen_reward > row.rejected_reward);
    assert(won.length >= 5, `${won.length} of 6`);
    const stop = new AbortController();
    await scene.train("cut", { ...REWARD, max_steps: 8 }, {
      signal: stop.signal,
      onProgress: (stage, step) =>
        stage === "train" && step === 3 && stop.abort(),
    });
    const resumed = { ...REWARD, max_steps: 8, resume_from_checkpoint: true };
    await scene.train("cut", resumed);
    assertEquals(
      await readNumbers(path("cut/model.safetensors")),
      await readNumbers(path("run/model.safetensors")),
    );
  },
);
