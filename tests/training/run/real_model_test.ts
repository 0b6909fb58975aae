/**
 * A real trained model learns real preferences: stories260k (a story teller of 260,032 parameters) on 64 pairs of
 * dpo-en-demo, all its weights or an adapter. Its folder has no chat template, so one is named, as a user would; the
 * turn marks are no tokens of its vocabulary and become pieces of text, which serves as well.
 */
import { assert, assertEquals } from "@std/assert";
import { readOptions } from "../../../src/base/read_options.ts";
import { trainSchema } from "../../../src/training/options/train_schema.ts";
import { runTraining } from "../../../src/training/run/run.ts";
import { gpuTest } from "../../kernels/gpu_test_case.ts";
import { referencePath } from "../../reference_dir.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";

const model = referencePath("../realdata/stories260k-hf");
const pairs = referencePath("../realdata/dpo-en-demo/dpo_en_demo.json");
const missing = model === undefined || pairs === undefined;

const DATA = {
  model_name_or_path: model,
  dataset: pairs,
  chat_template: "chatml",
  max_length: 256,
  length_policy: "completion_end",
  max_train_samples: 64,
};

/** Evaluates on the very pairs that are trained, at the end. */
const EVALUATION = {
  eval_dataset: pairs,
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

for (const [name, method] of Object.entries(METHODS)) {
  const title =
    `stories260k prefers the chosen answers of 64 real pairs after 2 epochs on ${name}`;
  if (missing) {
    Deno.test({
      name: `${title} (skipped: no realdata beside the reference)`,
      ignore: true,
      fn() {},
    });
    continue;
  }
  await gpuTest(title, async (device) => {
    await using folder = await temporaryFolder();
    const output_dir = folder.file("run");
    const given = { ...DATA, ...EVALUATION, ...RUN, ...method, output_dir };
    const { options } = readOptions(trainSchema, [given]);
    const { rows } = await runTraining(device, options, {
      cacheFolder: folder.file("cache"), // the evaluation pairs have the reference of the training pairs
    });
    const accuracies = rows.flatMap((row) =>
      row["eval_rewards/accuracies"] ?? []
    );
    // once, after the last step
    assertEquals(accuracies.length, 1);
    assert(accuracies[0]! >= 0.95, `accuracy is ${accuracies[0]}`);
  }, {
    variants: ["panel"],
    read: [model, pairs, "templates", TEMPORARY],
    write: [TEMPORARY],
  });
}
