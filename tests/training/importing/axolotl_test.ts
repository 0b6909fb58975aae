import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { load, reasons } from "./import_scene.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

const AXOLOTL = `
base_model: some/model
model_type: AutoModelForCausalLM
rl: dpo
rl_beta: 0.05
chat_template: chatml
datasets:
  - path: owner/orca
    split: train
    type: chatml.intel
  - path: data/pairs.jsonl
    ds_type: json
    split: train
    type: chatml.prompt_pairs
  - path: owner/talks
    type: chat_template.default
    field_messages: talk
    field_chosen: better
    field_rejected: worse
    message_property_mappings:
      role: from
      content: value
    roles:
      user: [human, asker]
      assistant: [gpt]
val_set_size: 0.05
sequence_len: 4096
sample_packing: false
adapter: lora
lora_r: 32
lora_alpha: 16
lora_target_linear: true
micro_batch_size: 2
gradient_accumulation_steps: 4
num_epochs: 2
optimizer: adamw_torch
lr_scheduler: cosine
cosine_min_lr_ratio: 0.1
learning_rate: 0.0002
bf16: auto
tf32: true
gradient_checkpointing: true
flash_attention: true
evals_per_epoch: 4
saves_per_epoch: 1
weight_decay: 0.0
wandb_project: mine
special_tokens:
  pad_token: <pad>
output_dir: output/ax
`;

test({
  ...pure,
  name:
    "importRecipe() takes an Axolotl recipe over, with the types of its data",
  async fn() {
    const imported = await load(AXOLOTL);
    const { tool, options, problem } = imported;
    assertEquals([tool, problem], ["Axolotl", undefined]);
    assertEquals(options.dataset_mixture, {
      datasets: [
        { id: "owner/orca", split: "train" },
        { id: "data/pairs.jsonl", columns: { instruction: "prompt" } },
        {
          id: "owner/talks",
          columns: { messages: "talk", chosen: "better", rejected: "worse" },
          turns: {
            role: "from",
            content: "value",
            roles: { human: "user", asker: "user", gpt: "assistant" },
          },
        },
      ],
      test_split_size: 0.05,
      seed: 42,
    });
    const { trainer, chat_template, beta, eval_steps, save_steps } = options;
    assertEquals({ trainer, chat_template, beta, eval_steps, save_steps }, {
      trainer: "dpo",
      chat_template: "chatml",
      beta: 0.05,
      eval_steps: 1 / 8,
      save_steps: 1 / 2,
    });
    assertEquals(options.lr_scheduler_type, "cosine_with_min_lr");
    assertEquals(options.lr_scheduler_kwargs, { min_lr_rate: 0.1 });
    assertEquals([options.bf16, options.lora_target_modules], [
      true,
      "all-linear",
    ]);
    const said = reasons(imported);
    for (const key of ["special_tokens", "flash_attention", "wandb_project"]) {
      assert(key in said, key);
    }
  },
});

test({
  ...pure,
  name:
    "importRecipe() takes Axolotl's other methods over, and names what is missing",
  async fn() {
    const kto = await load(`
base_model: m
rl: kto
kto_desirable_weight: 0.2
datasets:
  - path: data/a.jsonl
    type: llama3.ultra
  - path: data/b.jsonl
    type: { field_prompt: q, field_completion: a, prompt_format: "<|start_header_id|>user<|end_header_id|>\n\n{prompt}<|eot_id|>" }
`);
    assertEquals(kto.options.trainer, "kto");
    assertEquals(kto.options.chat_template, "llama3");
    assertEquals(kto.options.desirable_weight, 0.2);
    const said = reasons(kto);
    assertStringIncludes(said["datasets[1].type"]!, '"llama3"');
    // without an output_dir the run goes to the option's own default
    assertEquals(kto.problem, undefined);
    const sft = await load(`
base_model: m
datasets: [{ path: data/a.jsonl, type: alpaca }]
output_dir: output/x
`);
    assertEquals(sft.problem, undefined);
    assertEquals(sft.options.trainer, "sft");
    assertEquals(sft.options.assistant_only_loss, true);
    const grpo = await load("base_model: m\nrl: grpo\n");
    assertStringIncludes(reasons(grpo)["rl"]!, "only dpo, ipo, kto");
  },
});

test({
  ...pure,
  name: "importRecipe() takes Axolotl's optimizers and rates of groups over",
  async fn() {
    const { options, problem } = await load(`
base_model: m
rl: dpo
datasets: [{ path: data/a.jsonl, type: chatml.intel }]
output_dir: output/x
optimizer: adamw_bnb_8bit
learning_rate: 0.0002
embedding_lr_scale: 0.5
lr_groups:
  - { name: queries, modules: [self_attn.q_proj.weight], lr: 0.01 }
`);
    assertEquals(problem, undefined);
    assertEquals(options.optim, "adamw_bnb_8bit");
    assertEquals(options.lr_groups, [
      { name: "embeddings", modules: ["embed_tokens", "lm_head"], lr: 1e-4 },
      { name: "queries", modules: ["self_attn.q_proj.weight"], lr: 0.01 },
    ]);
  },
});

test({
  ...pure,
  name:
    "importRecipe() takes each file of an Axolotl dataset, a template in the recipe, and passes over empty keys",
  async fn() {
    const { options, notes } = await load(`
base_model: m
rl: dpo
datasets:
  - path: data/pairs
    data_files: [a.parquet, b.parquet]
    type: chat_template.argilla_chat
chat_template: jinja
chat_template_jinja: "{{ messages[0].content }}"
resume_from_checkpoint:
wandb_project:
early_stopping_patience:
`);
    assertEquals(
      (options.dataset_mixture as { datasets: unknown }).datasets,
      [{ id: "a.parquet" }, { id: "b.parquet" }],
    );
    assertEquals(options.chat_template, "{{ messages[0].content }}");
    assertEquals(notes, []);
  },
});

test({
  ...pure,
  name: "importRecipe() takes Axolotl's adapters and unfrozen parameters over",
  async fn() {
    const head = "base_model: m\nrl: dpo\noutput_dir: output/x\n" +
      "datasets: [{ path: data/a.jsonl }]\n";
    const lora = await load(`${head}
adapter: lora
peft_use_dora: true
peft_layers_to_transform: [0, 1]
lora_modules_to_save: [embed_tokens, lm_head]
loraplus_lr_ratio: 8
`);
    const { options } = lora;
    assertEquals(
      [
        options.use_dora,
        options.lora_layers_to_transform,
        options.lora_modules_to_save,
        options.loraplus_lr_ratio,
      ],
      [true, [0, 1], ["embed_tokens", "lm_head"], 8],
    );
    const frozen = await load(`${head}
unfrozen_parameters:
  - ^model.norm.weight$
`);
    assertEquals(frozen.options.unfrozen_parameters, ["^model.norm.weight$"]);
    const rows = await load(`${head}
unfrozen_parameters: ["^model.embed_tokens.weight$[:32000]"]
`);
    assert("unfrozen_parameters" in reasons(rows));
  },
});
