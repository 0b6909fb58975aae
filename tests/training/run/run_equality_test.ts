/** Ways to compute the same step that must give the same step. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { openModelFolder } from "../../../src/files/folders/model_folder.ts";
import { PLAIN_ADAPTER } from "../../../src/model/adapter/adapter_config.ts";
import { addAdapter } from "../../../src/model/adapter/adapter.ts";
import { readModelConfig } from "../../../src/model/config/config.ts";
import { loadModel } from "../../../src/model/weights/load.ts";
import { sequenceBatch } from "../../../src/preference/tokens/batch.ts";
import { logpsOf } from "../../../src/training/loop/batch_logps.ts";
import { LORA, MODEL, readNumbers, type Recipe, runTest } from "./run_scene.ts";

type Numbers = Awaited<ReturnType<typeof readNumbers>>;

/** L2 norm of the difference of two files' numbers. */
function distance(a: Numbers, b: Numbers): number {
  assertEquals(Object.keys(a), Object.keys(b));
  let squares = 0;
  for (const [name, values] of Object.entries(a)) {
    for (const [i, value] of values.entries()) {
      squares += (value - b[name]![i]!) ** 2;
    }
  }
  return Math.sqrt(squares);
}

for (
  const [kind, file, recipe] of [
    ["all weights", "model.safetensors", {}],
    ["all weights, with noise on embeddings", "model.safetensors", {
      neftune_noise_alpha: 5,
    }],
    ["LoRA with dropout", "adapter_model.safetensors", {
      ...LORA,
      lora_dropout: 0.4,
    }],
  ] as readonly [string, string, Recipe][]
) {
  await runTest(
    `runTraining() with gradient_checkpointing takes the same steps: ${kind}`,
    async (scene) => {
      // SGD, so that a gradient's rounding is not blown up to a whole step of Adam
      const common = {
        ...recipe,
        max_steps: 3,
        optim: "sgd",
        learning_rate: 0.1,
      };
      const kept = await scene.train("kept", common);
      const again = await scene.train("again", {
        ...common,
        gradient_checkpointing: true,
      });
      for (const [i, row] of kept.rows.entries()) {
        for (const [name, value] of Object.entries(row)) {
          const bound = 1e-5 * (1 + Math.abs(value));
          assertAlmostEquals(again.rows[i]![name]!, value, bound, name);
        }
      }
      const [a, b] = await Promise.all(
        ["kept", "again"].map((run) => readNumbers(scene.path(run, file))),
      );
      assert(distance(a!, b!) < 1e-5, `${distance(a!, b!)}`);
    },
  );
}

await runTest(
  "runTraining() takes the same step in 1 x 4, 2 x 2 and 4 x 1 micro-batches",
  async (scene) => {
    const step = {
      max_steps: 1,
      max_train_samples: 4,
      shuffle: false,
      optim: "sgd",
      learning_rate: 1,
      max_grad_norm: 0,
    };
    const ends: Numbers[] = [];
    for (const size of [1, 2, 4]) {
      const run = `by-${size}`;
      await scene.train(run, {
        ...step,
        per_device_train_batch_size: size,
        gradient_accumulation_steps: 4 / size,
      });
      ends.push(await readNumbers(scene.path(run, "model.safetensors")));
    }
    const moved = distance(
      ends[0]!,
      await readNumbers(`${MODEL}/model.safetensors`),
    );
    assert(moved > 0.01, `${moved}`);
    for (const end of ends.slice(1)) {
      const apart = distance(ends[0]!, end);
      assert(apart < 1e-5 * moved, `${apart} apart after moving ${moved}`);
    }
  },
  { kinds: ["cpu", "gpu"] },
);

await runTest(
  "runTraining() adds neftune_noise_alpha's noise to its steps alone",
  async (scene) => {
    const common = {
      ...LORA,
      max_steps: 2,
      gradient_accumulation_steps: 1,
      eval_strategy: "steps",
      eval_on_start: true,
      dataset_splits: ["train", "train"],
    };
    const plain = await scene.train("plain", common);
    const noise = { ...common, neftune_noise_alpha: 50 };
    const noisy = await scene.train("noisy", noise);
    const none = await scene.train("none", {
      ...common,
      neftune_noise_alpha: 0,
    });
    assertEquals(none.rows, plain.rows);
    const [start, first] = noisy.rows;
    assertEquals(start, plain.rows[0], "an evaluation has no noise");
    assert(Math.abs(first!["loss"]! - plain.rows[1]!["loss"]!) > 1e-3);
  },
);

await runTest(
  "addAdapter() leaves the model its base bit for bit until B moves",
  async ({ device }) => {
    const { config, weights } = await openModelFolder(MODEL);
    const model = await loadModel(device, readModelConfig(config), weights);
    const batch = sequenceBatch([[3, 14, 15, 92, 65, 35], [89, 79, 32]]);
    const base = await logpsOf(model, batch);
    addAdapter(model, {
      r: 4,
      lora_alpha: 8,
      lora_dropout: 0,
      ...PLAIN_ADAPTER,
      target_modules: "all-linear",
    }, 1);
    for (const adapters of [true, false]) {
      const { logps } = await logpsOf(model, batch, { adapters });
      assertEquals([...Array.from(logps)], [...Array.from(base.logps)]);
    }
  },
  { kinds: ["cpu", "gpu"] },
);

for (
  const [kind, file, recipe] of [
    ["all weights", "model.safetensors", {}],
    ["LoRA", "adapter_model.safetensors", LORA],
    ["orpo", "model.safetensors", { trainer: "orpo", loss_type: null }],
  ] as readonly [string, string, Recipe][]
) {
  await runTest(
    `runTraining() with max_tokens_per_batch takes the same steps and logs the same: ${kind}`,
    async (scene) => {
      const common = {
        ...recipe,
        max_steps: 2,
        optim: "sgd",
        learning_rate: 0.1,
        shuffle: false,
        per_device_train_batch_size: 2,
        gradient_accumulation_steps: 2,
        eval_strategy: "steps",
        eval_steps: 1,
        max_eval_samples: 2,
      };
      const plain = await scene.train("plain", common);
      // about 40 tokens a pair: micro-batches are split, then put together
      for (const max_tokens_per_batch of [50, 130, 10_000]) {
        const run = `packed-${max_tokens_per_batch}`;
        const packed = await scene.train(run, {
          ...common,
          max_tokens_per_batch,
        });
        for (const [i, row] of plain.rows.entries()) {
          for (const [name, value] of Object.entries(row)) {
            const bound = 2e-5 * (1 + Math.abs(value));
            assertAlmostEquals(packed.rows[i]![name]!, value, bound, name);
          }
        }
        const [a, b] = await Promise.all(
          ["plain", run].map((run) => readNumbers(scene.path(run, file))),
        );
        assert(distance(a!, b!) < 1e-5, `${distance(a!, b!)}`);
      }
    },
  );
}
