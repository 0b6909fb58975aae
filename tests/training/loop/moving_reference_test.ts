/**
 * A reference that follows the policy: how it moves, what it takes, and that it says the same
 * however batches run.
 */
import { CHECKPOINT_FILE } from "../../../src/files/file_names.ts";
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { openModelFolder } from "../../../src/files/folders/model_folder.ts";
import { addAdapter } from "../../../src/model/adapter/adapter.ts";
import { PLAIN_ADAPTER } from "../../../src/model/adapter/adapter_config.ts";
import { readModelConfig } from "../../../src/model/config/config.ts";
import { loadModel } from "../../../src/model/weights/load.ts";
import { parameters } from "../../../src/model/decoder/model.ts";
import { movingReference } from "../../../src/training/loop/moving_reference.ts";
import type { Sink } from "../../../src/training/run/sink.ts";
import {
  LORA,
  MODEL,
  readNumbers,
  type Recipe,
  runTest,
} from "../run/run_scene.ts";

const EVERY_TWO = { ref_model_mixup_alpha: 0.25, ref_model_sync_steps: 2 };

await runTest(
  "movingReference() takes a quarter of the policy at every second step, of the adapter alone",
  async ({ device }) => {
    const { config, weights } = await openModelFolder(MODEL);
    const model = await loadModel(device, readModelConfig(config), weights);
    addAdapter(model, {
      r: 2,
      lora_alpha: 4,
      lora_dropout: 0,
      ...PLAIN_ADAPTER,
      target_modules: ["q_proj"],
    }, 1);
    const reference = movingReference(model, EVERY_TWO);
    const trained = parameters(model);
    assertEquals(
      reference.state.map(({ name }) => name),
      trained.map(({ name }) => `reference.${name}`),
    );
    assertEquals(reference.model.embed_tokens, model.embed_tokens);
    const [{ value, name }] = trained as [typeof trained[number]];
    const [{ tensor }] = reference.state as [typeof reference.state[number]];
    const before = await device.read(value);
    device.write(value, before.map((x) => x + 1));
    reference.afterStep(1);
    assertEquals(await device.read(tensor), before, name);
    reference.afterStep(2);
    const after = await device.read(tensor);
    // 0.75 * x + 0.25 * (x + 1)
    for (const [i, x] of before.entries()) {
      assertAlmostEquals(after[i]!, x + 0.25, 1e-6);
    }
  },
);

const MOVING: Recipe = {
  ...LORA,
  ...EVERY_TWO,
  sync_ref_model: true,
  shuffle: false,
  per_device_train_batch_size: 3,
  gradient_accumulation_steps: 1,
  max_steps: 4,
  eval_strategy: "steps",
  eval_steps: 2,
};

await runTest(
  "runTraining() with sync_ref_model starts at ln 2 and gives the same numbers whatever the device batches",
  async (scene) => {
    const eval_dataset = scene.path("pairs.jsonl");
    const starts: (number | undefined)[] = [];
    const sink: Sink = {
      open: ({ startingLoss }) => void starts.push(startingLoss),
    };
    const moving = { ...MOVING, eval_dataset };
    const whole = await scene.train("whole", moving, { sinks: [sink] });
    assertAlmostEquals(starts[0]!, Math.LN2, 1e-9);
    const parts = await scene.train("parts", {
      ...moving,
      max_tokens_per_batch: 40,
    });
    const still = await scene.train("still", {
      ...moving,
      sync_ref_model: false,
    });
    assertEquals(whole.rows.length, 6); // 4 steps, 2 evaluations
    for (const [i, row] of whole.rows.entries()) {
      for (const [name, value] of Object.entries(row)) {
        assertAlmostEquals(parts.rows[i]![name]!, value, 1e-3, name);
      }
    }
    const rewards = (rows: typeof whole.rows, step: number) =>
      rows.find((row) => row["step"] === step && "loss" in row)!;
    const margin = "rewards/margins";
    assertAlmostEquals(
      rewards(still.rows, 2)[margin]!,
      rewards(whole.rows, 2)[margin]!,
      1e-5,
    );
    assert(
      rewards(still.rows, 3)[margin]! - rewards(whole.rows, 3)[margin]! > 1e-3,
      "nearer to the policy, the reference leaves less of a margin",
    );
  },
);

await runTest(
  "runTraining() keeps the moving reference in its checkpoints",
  async (scene) => {
    await scene.train("run", {
      ...MOVING,
      eval_strategy: "no",
      save_strategy: "steps",
      save_steps: 2,
      max_steps: 2,
    });
    const path = scene.path("run", "checkpoint-2", CHECKPOINT_FILE.optimizer);
    const numbers = await readNumbers(path);
    const names = Object.keys(numbers);
    const [one] = names.filter((name) =>
      name.startsWith("reference.") && name.endsWith("lora_B.weight")
    );
    const policy = numbers[one!.replace("reference.", "value.")]!;
    // B began at 0: a quarter of the policy's
    for (const [i, x] of numbers[one!]!.entries()) {
      assertAlmostEquals(x, policy[i]! / 4, 1e-7);
    }
    assert(policy.some((x) => x !== 0));
  },
);

for (
  const [what, recipe] of Object.entries<Recipe>({
    "magnitudes of rows": { use_dora: true },
    "modules in full": { lora_modules_to_save: ["norm", "embed_tokens"] },
    "a start by PiSSA": { init_lora_weights: "pissa" },
    "a part of the weights": { use_peft: false, freeze_trainable_layers: 1 },
  })
) {
  await runTest(
    `runTraining() with sync_ref_model moves all that is trained: ${what}`,
    async (scene) => {
      const moving: Recipe = { ...MOVING, ...recipe, eval_strategy: "no" };
      const { rows } = await scene.train("run", {
        ...moving,
        ref_model_mixup_alpha: 1,
        ref_model_sync_steps: 1,
        save_strategy: "steps",
        save_steps: 2,
      });
      // the reference is the policy again before each step
      for (const row of rows) {
        assertAlmostEquals(row["loss"]!, Math.LN2, 1e-5);
        assertAlmostEquals(row["rewards/chosen"]!, 0, 1e-4);
      }
      const still = { ...moving, ref_model_sync_steps: 9, max_steps: 2 };
      const { rows: [, second] } = await scene.train("still", still);
      assert(Math.abs(second!["loss"]! - Math.LN2) > 1e-2);
      const adapter = `${
        moving["use_peft"] ? "adapter_" : ""
      }model.safetensors`;
      const numbers = await readNumbers(scene.path("run", adapter));
      Deno.removeSync(scene.path("run", adapter));
      await scene.train("run", {
        ...moving,
        ref_model_mixup_alpha: 1,
        ref_model_sync_steps: 1,
        resume_from_checkpoint: scene.path("run", "checkpoint-2"),
      });
      assertEquals(await readNumbers(scene.path("run", adapter)), numbers);
    },
  );
}

await runTest(
  "runTraining() by KTO takes a moving reference too",
  async (scene) => {
    const { rows } = await scene.train("run", {
      ...MOVING,
      eval_strategy: "no",
      trainer: "kto",
      max_steps: 3,
      ref_model_mixup_alpha: 1,
      ref_model_sync_steps: 1,
    });
    // the reference is the policy again before each step: rewards are 0, the loss is 1 - sigmoid(0)
    for (const row of rows) {
      assertAlmostEquals(row["loss"]!, 0.5, 1e-6);
      assertAlmostEquals(row["rewards/chosen"]!, 0, 1e-5);
    }
  },
);
