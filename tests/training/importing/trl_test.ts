import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { importRecipe } from "../../../src/training/importing/import_recipe.ts";
import { UNKNOWN } from "../../../src/training/importing/translation.ts";
import { load, reasons } from "./import_scene.ts";
import { test } from "../../test_case.ts";

const FIELDS = new URL("../../fixtures/trl_fields.json", import.meta.url);

/** Fields of trainers that are not served, and that change nothing by themselves. */
const LOGS = [
  "ds3_gather_for_generation",
  "log_completions",
  "log_completions_hub_repo",
  "log_completions_steps",
  "log_multimodal",
  "log_unique_prompts",
  "wandb_log_unique_prompts",
];

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

test({
  permissions: { read: [FIELDS] },
  name:
    "importRecipe() knows each field of TRL's configs, and refuses those of other trainers",
  async fn() {
    const { served, others } = JSON.parse(Deno.readTextFileSync(FIELDS));
    assert(served.length > 150 && others.length > 100);
    const head = { model_name_or_path: "m", dataset_name: "d", trainer: "dpo" };
    const said = async (key: string) => {
      const { notes, refusals } = await importRecipe(
        { ...head, [key]: "value" },
        () => Promise.resolve(undefined),
      );
      const isUnknown = notes.some((note) => note.reason === UNKNOWN);
      return isUnknown
        ? "unknown"
        : refusals.some((one) => one.key === key)
        ? "refused"
        : "known";
    };
    for (const key of served) assert(await said(key) !== "unknown", key);
    const open: string[] = [];
    for (const key of others) if (await said(key) !== "refused") open.push(key);
    assertEquals(open.filter((key) => !key.startsWith("vllm_")), LOGS);
  },
});

test({
  ...pure,
  name:
    "importRecipe() refuses a recipe of TRL whose names say a trainer that is not served",
  async fn() {
    const head = "model_name_or_path: m\ndataset_name: d\n";
    for (const name of ["qwen-online-dpo", "xpo", "a_grpo_b", "nash-md"]) {
      const { refusals } = await load(`${head}output_dir: output/${name}\n`);
      assertEquals(refusals.map(({ key }) => key), ["trainer"], name);
    }
    const said = await load(`${head}trainer: dpo\noutput_dir: output/xpo\n`);
    assertEquals([said.problem, said.options.trainer], [undefined, "dpo"]);
    const typed = await load(`${head}trainer_type: online_dpo\n`);
    assertEquals(typed.refusals.map(({ key }) => key), ["trainer_type"]);
  },
});

test({
  ...pure,
  name: "importRecipe() writes down the defaults of TRL's trainers",
  async fn() {
    const defaults = async (lines: string) => {
      const imported = await load(
        `model_name_or_path: m\ndataset_name: d\n${lines}`,
      );
      const { learning_rate, shuffle, lora_target_modules } = imported.options;
      return [learning_rate, shuffle, lora_target_modules];
    };
    // SFT learns at 2e-5, rewards at 1e-4; KTO samples in the order of the rows
    assertEquals(await defaults("trainer: sft\n"), [
      2e-5,
      undefined,
      undefined,
    ]);
    assertEquals(await defaults("trainer: reward\n"), [
      1e-4,
      undefined,
      undefined,
    ]);
    assertEquals(await defaults("trainer: kto\n"), [
      undefined,
      false,
      undefined,
    ]);
    assertEquals(
      await defaults("trainer: kto\ntrain_sampling_strategy: random\n"),
      [undefined, true, undefined],
    );
    assertEquals(
      await defaults("trainer: dpo\ntrain_sampling_strategy: sequential\n"),
      [undefined, false, undefined],
    );
    const adapted = "model_name_or_path: m\ndataset_name: d\nuse_peft: true\n";
    const untold = await load(adapted);
    assertEquals(untold.options.lora_target_modules, ["q_proj", "v_proj"]);
    assertStringIncludes(reasons(untold).lora_target_modules!, "qwen2");
    const named = await load(`${adapted}lora_target_modules: [o_proj]\n`);
    assertEquals(reasons(named).lora_target_modules, undefined);
  },
});

test({
  ...pure,
  name:
    "importRecipe() takes every file of a TRL mixture, and no fraction of it",
  async fn() {
    const head = "model_name_or_path: m\ntrainer: dpo\n";
    const { options } = await load(`${head}
datasets:
  - { path: json, data_files: [a.jsonl, b.jsonl], columns: null, split: train }
`);
    assertEquals(options.dataset_mixture, {
      datasets: [{ id: "a.jsonl", split: "train" }, {
        id: "b.jsonl",
        split: "train",
      }],
    });
    const shares = await load(`${head}
datasets: [{ path: a, fraction: 0.3 }, { path: b, fraction: 0.7 }]
`);
    assertStringIncludes(reasons(shares).datasets!, "share of the mixture");
  },
});
