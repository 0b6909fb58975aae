/**
 * What of an Axolotl recipe changes what is trained and is not served stops it by name, and its own
 * defaults are written down.
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { load, reasons } from "./import_scene.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

const HEAD = "base_model: m\noutput_dir: output/x\n";
const PLAIN =
  `${HEAD}datasets: [{ path: data/a.jsonl, type: chat_template }]\n`;

/** A recipe of one dataset with further keys. */
const withData = (keys: string, more = "") =>
  `${HEAD}${more}datasets: [{ path: data/a.jsonl, ${keys} }]\n`;

test({
  ...pure,
  name:
    "importRecipe() refuses what changes Axolotl's loss, model or optimizer",
  async fn() {
    const lines = [
      "dpo_norm_loss: true",
      "liger_use_token_scaling: true",
      "use_eaft: true",
      "trainer_cls: mine.Trainer",
      "use_pose: true",
      "rope_scaling: { type: linear, factor: 2 }",
      "scaling_softmax: true",
      "fix_untrained_tokens: 128002",
      "added_tokens_overrides: { 128041: '<|a|>' }",
      "use_onebitllms: true",
      "fp8: true",
      "peft_layer_replication: [[0, 4], [2, 6]]",
      "model_kwargs: { rope_theta: 1 }",
      "dataset_shard_num: 10",
      "plugins: [axolotl.integrations.spectrum.SpectrumPlugin]",
      "grokfast_alpha: 0.9",
      "tokens: ['<|a|>']",
    ];
    for (const line of lines) {
      const [key = ""] = line.split(":");
      const { refusals } = await load(`${PLAIN}${line}\n`);
      assertEquals(refusals.map((one) => one.key), [key], line);
    }
    const off = lines.map((line) => `${line.split(":")[0]}:`);
    const { problem } = await load(`${PLAIN}${off.join("\n")}\n`);
    assertEquals(problem, undefined);
  },
});

test({
  ...pure,
  name:
    "importRecipe() refuses what changes which tokens of a dataset are trained",
  async fn() {
    const keys = [
      "roles_to_train: [assistant, user]",
      "train_on_eos: all",
      "train_on_eot: last",
      "message_field_training: teach",
      "message_field_training_detail: detail",
      "split_thinking: true",
      "drop_system_message: true",
      "input_transform: mine.fn",
      "logprobs_field: logprobs",
      "shards_idx: 1",
    ];
    for (const line of keys) {
      const [key] = line.split(":");
      const { refusals } = await load(
        withData(`type: chat_template, ${line}`),
      );
      assertEquals(
        refusals.map((one) => one.key),
        [`datasets[0].${key}`],
        line,
      );
    }
    const same = await load(withData(
      "type: chat_template, roles_to_train: [assistant], train_on_eos: turn, shards_idx: 0, message_field_training: train",
    ));
    assertEquals(same.problem, undefined);
    assertEquals(Object.keys(reasons(same)), [
      "datasets[0].message_field_training",
    ]);
    const unknown = await load(withData("type: chat_template, odd: 1"));
    assertStringIncludes(reasons(unknown)["datasets[0].odd"]!, "not an option");
  },
});

test({
  ...pure,
  name:
    "importRecipe() takes the template that an Axolotl type writes, and one alone",
  async fn() {
    const typed = await load(
      withData("type: chatml.intel", "rl: dpo\nchat_template: llama3\n"),
    );
    assertEquals(typed.options.chat_template, "chatml");
    assertStringIncludes(
      reasons(typed)["chat_template"]!,
      '"datasets[0].type"',
    );
    const own = await load(
      withData(
        "type: chat_template, chat_template: gemma",
        "chat_template: llama3\n",
      ),
    );
    assertEquals(own.options.chat_template, "gemma");
    const two = await load(`${HEAD}rl: dpo
datasets: [{ path: a.jsonl, type: chatml.intel }, { path: b.jsonl, type: llama3.ultra }]
`);
    assertEquals(two.refusals, [{
      key: "datasets[1].type",
      reason: 'a run has one chat template, found "chatml" and "llama3"',
    }]);
    const mixed = await load(`${HEAD}rl: dpo
datasets: [{ path: a.jsonl, type: chatml.intel }, { path: b.jsonl, type: chat_template.default }]
`);
    assertEquals(mixed.refusals.length, 1);
    const words = await load(withData(
      'type: { field_prompt: q, prompt_format: "Q: {prompt} A:" }',
      "rl: dpo\n",
    ));
    assertEquals(words.refusals.map(({ key }) => key), [
      "datasets[0].type.prompt_format",
    ]);
  },
});

test({
  ...pure,
  name:
    "importRecipe() compares Axolotl's special tokens with the tokenizer's own",
  async fn() {
    const recipe = `base_model: owner/mine
special_tokens: { pad_token: <pad>, bos_token: <s>, eos_token: "<|end|>" }
tokens: ["<|tool|>"]
`;
    const config = (eos: string) => ({
      "model_hub/owner--mine/tokenizer_config.json": {
        bos_token: { content: "<s>" },
        eos_token: eos,
        added_tokens_decoder: { "7": { content: "<|tool|>" } },
      },
    });
    const same = await load(recipe, config("<|end|>"));
    assertEquals(same.refusals, []);
    assertEquals(reasons(same), {
      special_tokens: "pad_token: batches never hold padding",
    });
    const other = await load(recipe, config("</s>"));
    assertEquals(other.refusals.map(({ key }) => key), ["special_tokens"]);
    assertStringIncludes(other.refusals[0]!.reason, '"</s>"');
    const unseen = await load(recipe);
    assertEquals(unseen.refusals.map(({ key }) => key), ["tokens"]);
    assertStringIncludes(reasons(unseen)["special_tokens"]!, "compared");
  },
});

test({
  ...pure,
  name:
    "importRecipe() takes all rows that Axolotl evaluates on, and evaluates only when told",
  async fn() {
    const both = await load(`${PLAIN}eval_steps: 10
test_datasets:
  - { path: data/b.jsonl, type: chat_template, split: "train[:20]" }
  - { path: owner/c-v0.1, type: chat_template, split: test, field_messages: talk }
`);
    const { dataset_mixture, eval_strategy, eval_on_start } = both.options;
    assertEquals(
      (dataset_mixture as { eval_datasets: unknown }).eval_datasets,
      [
        { id: "data/b.jsonl", split: "train[:20]" },
        { id: "owner/c-v0.1", split: "test", columns: { messages: "talk" } },
      ],
    );
    assertEquals([eval_strategy, eval_on_start], ["steps", true]);
    const kept = await load(`${PLAIN}val_set_size: 0.1\n`);
    assertEquals(kept.options.eval_strategy, "epoch");
    assertStringIncludes(reasons(kept)["val_set_size"]!, "kept from training");
    const quiet = await load(
      `${PLAIN}test_datasets: [{ path: b.jsonl, type: chat_template }]\n`,
    );
    assertEquals(quiet.options.eval_strategy, "no");
    const once = await load(`${PLAIN}val_set_size: 0.1\nevals_per_epoch: 1\n`);
    assertEquals(once.options.eval_strategy, "epoch");
    const refused = await load(
      `${PLAIN}test_datasets: [{ path: b.jsonl, type: jeopardy }]\n`,
    );
    assertEquals(refused.refusals.map(({ key }) => key), [
      "test_datasets[0].type",
    ]);
  },
});

test({
  ...pure,
  name: "importRecipe() takes Axolotl's precedence and defaults of single keys",
  async fn() {
    const options = async (lines: string) =>
      (await load(PLAIN + lines)).options;
    const beta = await load(
      `${PLAIN}rl: dpo\ntrl: { beta: 0.3 }\nrl_beta: 0.5\n`,
    );
    assertEquals(beta.options.beta, 0.3);
    assertStringIncludes(reasons(beta)["rl_beta"]!, "trl.beta wins");
    const cases: [lines: string, name: string, value: unknown][] = [
      ["", "bf16", true],
      ["fp16: true\n", "fp16", true],
      ["bf16: full\n", "bf16", true],
      ["bf16: false\n", "bf16", false],
      ["", "router_aux_loss_coef", 0],
      // the default of TRL's trainers of these, 0.001
      ["rl: dpo\n", "router_aux_loss_coef", undefined],
      ["rl: ipo\n", "router_aux_loss_coef", undefined],
      ["rl: kto\n", "router_aux_loss_coef", undefined],
      ["rl: orpo\n", "router_aux_loss_coef", 0],
      ["rl: simpo\n", "router_aux_loss_coef", 0],
      ["", "logging_steps", 0.005],
      ["max_steps: 150\n", "logging_steps", 1],
      ["max_steps: 1000\n", "logging_steps", 5],
      ["max_steps: 9000\n", "logging_steps", 10],
      ["max_steps: 9000\nlogging_steps: 3\n", "logging_steps", 3],
      [
        "model_config: { output_router_logits: true }\n",
        "router_aux_loss_coef",
        undefined,
      ],
      ["", "warmup_ratio", 0.03],
      ["max_steps: 5000\n", "warmup_steps", 100],
      ["save_total_limit:\n", "save_total_limit", 4],
      ["rl: simpo\n", "cpo_alpha", undefined], // 1 there and here
      ["eta_min: 1e-7\n", "lr_scheduler_type", "cosine"],
      ["optimizer: adamw_torch_4bit\n", "optim", "adamw_8bit"],
    ];
    for (const [lines, name, value] of cases) {
      assertEquals((await options(lines))[name], value, `${lines}${name}`);
    }
    const texts = await load(
      withData("type: completion", "sample_packing: true\n"),
    );
    assertEquals(texts.options.packing_strategy, "bfd_split");
    const loose = await load(withData("type: completion"));
    assertStringIncludes(reasons(loose)["datasets[0].type"]!, "cuts texts");
  },
});
