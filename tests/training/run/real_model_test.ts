/**
 * A real trained model learns real preferences: stories260k (a story teller of 260,032 parameters)
 * on 64 pairs of dpo-en-demo, all its weights or an adapter. Its folder has no chat template, so
 * one is named, as a user would; the turn marks are no tokens of its vocabulary and become pieces
 * of text, which serves as well.
 */
import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { readOptions } from "../../../src/base/read_options.ts";
import { trainSchema } from "../../../src/training/options/train_schema.ts";
import { runTraining } from "../../../src/training/run/run.ts";
import type { Device } from "../../../kernels/device/device.ts";
import { compared, realDataPath } from "../../reference_dir.ts";
import { referenceGpuTest } from "../../reference_gpu_test_case.ts";
import { onRealData } from "../../reference_test_case.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";

/** Where `chat_template: "chatml"` is read from. */
const TEMPLATES = fromFileUrl(new URL("../../../templates", import.meta.url));

const DATA = {
  chat_template: "chatml",
  max_length: 256,
  length_policy: "completion_end",
  max_train_samples: 64,
};

/** Evaluates on the very pairs that are trained, at the end. */
const EVALUATION = {
  max_eval_samples: 64,
  per_device_eval_batch_size: 16,
  eval_strategy: "steps",
  eval_steps: 1000,
};

const RUN = {
  per_device_train_batch_size: 4,
  num_train_epochs: 2,
  lr_scheduler_type: "constant",
  logging_steps: 16,
  save_strategy: "no",
};

const METHODS = {
  "all weights": { learning_rate: 5e-4 },
  "an adapter": { use_peft: true, lora_r: 16, learning_rate: 1e-3 },
};

async function check(
  device: Device,
  model_name_or_path: string,
  method: Readonly<Record<string, unknown>>,
): Promise<void> {
  const pairs = realDataPath("dpo-en-demo/dpo_en_demo.json");
  await using folder = await temporaryFolder();
  const { options } = readOptions(trainSchema, [{
    ...DATA,
    ...EVALUATION,
    ...RUN,
    ...method,
    model_name_or_path,
    dataset: pairs,
    eval_dataset: pairs,
    output_dir: folder.file("run"),
  }]);
  const { rows } = await runTraining(device, options, {
    // the evaluation pairs have the reference of the training pairs
    cacheFolder: folder.file("cache"),
  });
  const accuracies = rows.flatMap((row) =>
    row["eval_rewards/accuracies"] ?? []
  );
  // once, after the last step
  assertEquals(accuracies.length, 1);
  assert(accuracies[0]! >= 0.95, `accuracy is ${accuracies[0]}`);
  compared("real runs");
}

for (const [name, method] of Object.entries(METHODS)) {
  await referenceGpuTest(
    `a real model prefers the chosen answers of 64 real pairs after 2 epochs on ${name}`,
    (device, context) =>
      onRealData(
        context,
        "stories260k-hf",
        (model) => check(device, model, method),
      ),
    {
      kinds: ["cpu"],
      long: true,
      read: [TEMPLATES, TEMPORARY],
      write: [TEMPORARY],
    },
  );
}
