import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { load, reasons } from "./import_scene.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

const LLAMA_FACTORY = `
### model
model_name_or_path: some/model
trust_remote_code: true
### method
stage: dpo
do_train: true
finetuning_type: lora
lora_rank: 8
lora_target: all
pref_beta: 0.1
pref_loss: sigmoid
pref_ftx: 0.5
### dataset
dataset: pairs_en,talks
dataset_dir: data/lf
template: llama3
cutoff_len: 2048
max_samples: 1000
overwrite_cache: true
preprocessing_num_workers: 16
### output
output_dir: output/lf
logging_steps: 10
save_steps: 500
plot_loss: true
### train
per_device_train_batch_size: 1
gradient_accumulation_steps: 8
learning_rate: 5.0e-6
num_train_epochs: 3.0
lr_scheduler_type: cosine
warmup_ratio: 0.1
bf16: true
ddp_timeout: 180000000
### eval
val_size: 0.1
eval_strategy: steps
eval_steps: 500
`;

const DATASET_INFO = {
  pairs_en: {
    file_name: "pairs_en.json",
    ranking: true,
    columns: {
      prompt: "question",
      query: "input",
      chosen: "good",
      rejected: "bad",
    },
  },
  talks: {
    hf_hub_url: "owner/talks",
    formatting: "sharegpt",
    ranking: true,
    columns: { messages: "talk", chosen: "chosen", rejected: "rejected" },
    tags: {
      role_tag: "speaker",
      content_tag: "text",
      user_tag: "customer",
      assistant_tag: "agent",
    },
  },
};

test({
  ...pure,
  name:
    "importRecipe() takes a LLaMA-Factory recipe over, with its dataset_info.json",
  async fn() {
    const imported = await load(LLAMA_FACTORY, {
      "data/lf/dataset_info.json": DATASET_INFO,
    });
    const { tool, options, problem } = imported;
    assertEquals([tool, problem], ["LLaMA-Factory", undefined]);
    assertEquals(options.dataset_mixture, {
      datasets: [
        {
          id: "data/lf/pairs_en.json",
          split: "train[:1000]",
          columns: { instruction: "question", chosen: "good", rejected: "bad" },
        },
        {
          id: "owner/talks",
          split: "train[:1000]",
          columns: { conversations: "talk" },
          turns: {
            role: "speaker",
            content: "text",
            roles: { customer: "user", agent: "assistant" },
          },
        },
      ],
      test_split_size: 0.1,
    });
    const { trainer, use_peft, lora_r, lora_alpha, beta, max_length } = options;
    assertEquals(
      { trainer, use_peft, lora_r, lora_alpha, beta, max_length },
      {
        trainer: "dpo",
        use_peft: true,
        lora_r: 8,
        lora_alpha: 16,
        beta: 0.1,
        max_length: 2048,
      },
    );
    assertEquals(options.lora_target_modules, "all-linear");
    assertEquals(options.loss_type, ["sigmoid", "sft"]);
    assertEquals(options.loss_weights, [1, 0.5]);
    const said = reasons(imported);
    for (const key of ["template", "cutoff_len", "plot_loss", "ddp_timeout"]) {
      assert(key in said, key);
    }
  },
});

test({
  ...pure,
  name: "importRecipe() mixes LLaMA-Factory's datasets by its probabilities",
  async fn() {
    const imported = await load(
      `
model_name_or_path: m
stage: kto
finetuning_type: full
dataset: a, b
mix_strategy: interleave_over
interleave_probs: 0.75,0.25
quantization_bit: 2
pref_loss: sigmoid
output_dir: output/x
`,
      {
        "data/dataset_info.json": {
          a: {
            file_name: "a.json",
            formatting: "sharegpt",
            columns: { messages: "messages", kto_tag: "wanted" },
            tags: { role_tag: "role", content_tag: "content" },
          },
        },
      },
    );
    const { options } = imported;
    assertEquals(options.dataset_mixture, {
      datasets: [
        {
          id: "data/a.json",
          columns: { label: "wanted" },
          turns: { role: "role", content: "content" },
          probability: 0.75,
        },
        { id: "data/b", probability: 0.25 },
      ],
      stopping_strategy: "all_exhausted",
    });
    assertEquals([options.trainer, options.use_peft], ["kto", false]);
    const said = reasons(imported);
    assertStringIncludes(said["dataset b"]!, "does not describe it");
    assertStringIncludes(said["pref_loss"]!, "stage dpo only");
    assert("quantization_bit" in said);
  },
});

test({
  ...pure,
  name: "importRecipe() takes LLaMA-Factory's adapters and its freezing over",
  async fn() {
    const head =
      "model_name_or_path: m\nstage: dpo\ndataset: a\noutput_dir: output/x\n";
    const lora = await load(`${head}
finetuning_type: lora
lora_target: q_proj,v_proj
additional_target: embed_tokens,lm_head
use_rslora: true
use_dora: false
pissa_init: true
pissa_iter: 16
loraplus_lr_ratio: 16
adapter_name_or_path: saves/a,saves/b
`);
    assertStringIncludes(lora.problem!, "merge all adapters but the last");
    assertEquals(
      [
        lora.options.lora_modules_to_save,
        lora.options.use_rslora,
        lora.options.init_lora_weights,
        lora.options.loraplus_lr_ratio,
      ],
      ["embed_tokens,lm_head", true, "pissa", 16],
    );
    assertEquals(Object.keys(reasons(lora)).sort(), [
      "adapter_name_or_path",
      "dataset a",
      "pissa_iter",
    ]);
    const frozen = await load(`${head}
finetuning_type: freeze
freeze_trainable_layers: 3
freeze_extra_modules: embed_tokens,norm
`);
    assertEquals(frozen.problem, undefined);
    const { use_peft, freeze_trainable_layers, unfrozen_parameters } =
      frozen.options;
    assertEquals([use_peft, freeze_trainable_layers, unfrozen_parameters], [
      false,
      3,
      ["(model\\.)?embed_tokens\\.", "(model\\.)?norm\\."],
    ]);
    const plain = await load(`${head}finetuning_type: freeze\n`);
    assertEquals(plain.options.freeze_trainable_layers, 2);
  },
});
