import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { load, reasons } from "./import_scene.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

const HANDBOOK = `
model_name_or_path: some/model
torch_dtype: bfloat16
attn_implementation: flash_attention_2
dataset_mixture:
  datasets:
    - id: owner/feedback
      config: default
      split: train_prefs
      columns: [chosen, rejected]
      weight: 0.5
    - id: data/other.jsonl
      columns:
        chosen: better
  test_split_size: 1000
  seed: 7
beta: 0.01
loss_type: sigmoid
learning_rate: 5.0e-7
per_device_train_batch_size: 8
gradient_accumulation_steps: 2
warmup_ratio: 0.1
lr_scheduler_type: cosine
max_length: 1024
use_liger_kernel: true
hub_model_id: mine
eval_strategy: steps
load_best_model_at_end: true
novel_key: 3
output_dir: output/zephyr
`;

test({
  ...pure,
  name: "importRecipe() takes a handbook recipe with its mixture over",
  async fn() {
    const imported = await load(HANDBOOK);
    const { tool, options, problem } = imported;
    assertEquals([tool, problem], ["TRL", undefined]);
    assertEquals(options.trainer, "dpo");
    assertEquals(options.dataset_mixture, {
      datasets: [
        {
          id: "owner/feedback",
          config: "default",
          split: "train_prefs",
          columns: ["chosen", "rejected"],
          weight: 0.5,
        },
        { id: "data/other.jsonl", columns: { chosen: "better" } },
      ],
      test_split_size: 1000,
      seed: 7,
    });
    assertEquals([options.beta, options.learning_rate], [0.01, 5e-7]);
    const said = reasons(imported);
    assertStringIncludes(said["attn_implementation"]!, "one kernel");
    assertStringIncludes(said["novel_key"]!, "not an option here");
    assert("hub_model_id" in said && "use_liger_kernel" in said);
    assert(!("novel_key" in options));
  },
});

test({
  ...pure,
  name: "importRecipe() knows TRL's reward trainer by its own key",
  async fn() {
    const { options, problem } = await load(
      "model_name_or_path: some/model\ndataset_name: data/pairs.jsonl\ncenter_rewards_coefficient: 0.01\nload_best_model_at_end: true\neval_strategy: steps\noutput_dir: o\n",
    );
    assertEquals(problem, undefined);
    assertEquals(
      [options.trainer, options.center_rewards_coefficient],
      ["reward", 0.01],
    );
  },
});

test({
  ...pure,
  name: "importRecipe() takes TRL's splits and datasets over",
  async fn() {
    const { options, problem } = await load(`
model_name_or_path: some/model
dataset_name: owner/pairs
dataset_train_split: train_prefs
dataset_test_split: test_prefs
beta: 0.2
output_dir: output/x
`);
    assertEquals(problem, undefined);
    assertEquals(options, {
      trainer: "dpo",
      length_policy: "keep_start",
      model_name_or_path: "some/model",
      dataset: "owner/pairs",
      dataset_splits: ["train_prefs", "test_prefs"],
      beta: 0.2,
      output_dir: "output/x",
    });
    const mixed = await load(`
model_name_or_path: some/model
datasets:
  - path: owner/pairs
    name: english
    split: train
test_split_size: 0.1
max_seq_length: 512
packing: false
output_dir: output/x
`);
    assertEquals(mixed.problem, undefined);
    assertEquals(mixed.options.trainer, "sft");
    assertEquals(mixed.options.max_length, 512);
    assertEquals(mixed.options.dataset_mixture, {
      datasets: [{ id: "owner/pairs", config: "english", split: "train" }],
      test_split_size: 0.1,
    });
  },
});
