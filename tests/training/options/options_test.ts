import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { readArguments } from "../../../src/base/arguments.ts";
import { helpText, optionsTable } from "../../../src/base/options_help.ts";
import { readOptions } from "../../../src/base/read_options.ts";
import { optionsOf } from "../../../src/base/schema.ts";
import { foreignKeys } from "../../../src/training/options/foreign_keys.ts";
import {
  frozenDtype,
  resolveEvery,
} from "../../../src/training/options/options.ts";
import { trainSchema } from "../../../src/training/options/train_schema.ts";
import { parseRecipe } from "../../../src/training/options/recipe.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

const least = {
  model_name_or_path: "m",
  dataset: "d.jsonl",
  output_dir: "output/x",
};
const read = (more: Record<string, unknown>) =>
  readOptions(trainSchema, [least, more]);
const refuses = (more: Record<string, unknown>, says: string) =>
  assertThrows(() => read(more), TypeError, says);

test("trainSchema has TRL's defaults", pure, () => {
  const { options, warnings } = read({});
  assertEquals(warnings, []);
  assertEquals([options.trainer, options.beta, options.loss_type], [
    "dpo",
    0.1,
    null,
  ]);
  assertEquals([options.learning_rate, options.lr_scheduler_type], [
    1e-6,
    "linear",
  ]);
  assertEquals(
    [options.per_device_train_batch_size, options.num_train_epochs],
    [8, 3],
  );
  assertEquals([options.max_length, options.max_prompt_length, options.seed], [
    1024,
    null,
    42,
  ]);
  assertEquals([
    options.lora_r,
    options.lora_alpha,
    options.lora_target_modules,
  ], [16, 32, ["all-linear"]]);
});

/** The keys that alignment-handbook's recipes for DPO with LoRA use, with values of our own. */
const HANDBOOK = `
model_name_or_path: someone/some-model
torch_dtype: bfloat16
attn_implementation: flash_attention_2
use_peft: true
load_in_4bit: false
lora_r: 128
lora_alpha: 64
lora_dropout: 0.0
lora_target_modules:
- q_proj
- v_proj
dataset_mixer:
  someone/some-pairs: 0.5
dataset_splits:
- train_prefs
- test_prefs
preprocessing_num_workers: 4
bf16: true
beta: 0.02
do_eval: true
evaluation_strategy: steps
eval_steps: 50
gradient_accumulation_steps: 2
gradient_checkpointing: true
gradient_checkpointing_kwargs:
  use_reentrant: false
hub_model_id: someone/some-run
learning_rate: 4.0e-6
log_level: info
logging_steps: 5
lr_scheduler_type: cosine
max_length: 768
max_prompt_length: 256
num_train_epochs: 2
optim: paged_adamw_32bit
output_dir: data/some-run
per_device_train_batch_size: 2
per_device_eval_batch_size: 3
push_to_hub: true
report_to:
- tensorboard
save_strategy: "no"
save_steps: 100
save_total_limit: 1
seed: 7
warmup_ratio: 0.2
truncation_mode: keep_start
`;

test(
  "trainSchema loads a YAML with alignment-handbook's keys as it is and says what it ignores",
  pure,
  () => {
    const { options, warnings } = readOptions(trainSchema, [
      parseRecipe(HANDBOOK, "x.yaml"),
    ]);
    assertEquals([
      options.eval_strategy,
      options.eval_steps,
      options.save_strategy,
    ], ["steps", 50, "no"]);
    assertEquals([options.optim, options.length_policy], [
      "adamw_torch",
      "keep_start",
    ]);
    assertEquals(options.dataset_mixer, { "someone/some-pairs": 0.5 });
    const ignored = warnings.map((line) => line.split('"')[1]).sort();
    assertEquals(ignored, [
      ...[
        "attn_implementation",
        "do_eval",
        "gradient_checkpointing_kwargs",
        "hub_model_id",
      ],
      ...["log_level", "preprocessing_num_workers", "push_to_hub", "report_to"],
      "save_steps",
    ]);
  },
);

test(
  "trainSchema names unknown keys with the nearest, refused ones with the reason, ill-formed ones, in one line",
  pure,
  () => {
    const error = refuses(
      {
        learningrate: 1,
        generate_during_eval: true,
        beta: "x",
        truncation_mode: "keep_end",
      },
      '"learningrate" is not an option, did you mean "learning_rate"',
    );
    assertStringIncludes(
      error.message,
      '"generate_during_eval" cannot be true: not served here',
    );
    assertStringIncludes(
      error.message,
      '"beta" must be a number above 0, found "x"',
    );
    assertStringIncludes(
      error.message,
      '"truncation_mode" must be one of keep_start, found "keep_end"; see "length_policy"',
    );
    assert(!error.message.includes("\n"));
  },
);

test("trainSchema reads the command line over the recipe", pure, () => {
  const { values, positionals } = readArguments(trainSchema, [
    ...[
      "recipes/x.jsonc",
      "--beta=0.3",
      "--max-steps",
      "5",
      "--use_peft",
      "--dataset_mixer=a.jsonl=0.5",
    ],
    ...["--resume_from_checkpoint", "--no-shuffle", "--dataset=none"],
  ]);
  const { options } = readOptions(trainSchema, [
    { ...least, beta: 0.2 },
    values,
  ]);
  assertEquals(positionals, ["recipes/x.jsonc"]);
  assertEquals([options.beta, options.max_steps, options.use_peft], [
    0.3,
    5,
    true,
  ]);
  assertEquals([options.resume_from_checkpoint, options.shuffle], [
    true,
    false,
  ]);
  assertEquals(options.dataset_mixer, { "a.jsonl": 0.5 });
});

test(
  "trainSchema reads the repositories to download with their defaults",
  pure,
  () => {
    const { options } = read({
      download: {
        model: { repo: "a/b" },
        datasets: [{ repo: "c/d", source: "modelscope", files: ["*.jsonl"] }],
      },
    });
    const rest = { revision: null, folder: null };
    assertEquals(options.download, {
      model: { source: "huggingface", repo: "a/b", files: null, ...rest },
      datasets: [{
        source: "modelscope",
        repo: "c/d",
        files: ["*.jsonl"],
        ...rest,
      }],
    });
    refuses(
      { download: { model: { source: "moon" } } },
      '"download.model.repo" must be text, found nothing',
    );
  },
);

test(
  "foreignKeys hides no option and every key has its reason",
  pure,
  () => {
    const options = [...optionsOf(trainSchema).keys()];
    for (const [key, { reason }] of Object.entries(foreignKeys)) {
      assert(reason.length > 5, key);
      const hidden = options.filter((name) =>
        key.endsWith("*") ? name.startsWith(key.slice(0, -1)) : name === key
      );
      assertEquals(hidden, [], key);
    }
  },
);

test("frozenDtype() lets torch_dtype win over bf16 and fp16", pure, () => {
  const of = (torch_dtype: "auto" | "float32", bf16: boolean, fp16: boolean) =>
    frozenDtype({ torch_dtype, bf16, fp16 });
  assertEquals([
    of("auto", false, false),
    of("auto", true, false),
    of("auto", false, true),
    of("float32", true, false),
  ], ["auto", "bfloat16", "float16", "float32"]);
});

test("resolveEvery() takes a share of all steps below 1", pure, () => {
  assertEquals([
    resolveEvery(10, 50),
    resolveEvery(0.25, 50),
    resolveEvery(0.001, 50),
  ], [10, 13, 1]);
});

test(
  "helpText() and optionsTable() show every option of trainSchema with a line of help",
  pure,
  () => {
    const help = helpText(trainSchema, {
      command: "deno task train",
      summary: "Trains.",
    });
    const table = optionsTable(trainSchema);
    for (const [name, option] of optionsOf(trainSchema)) {
      assert(option.help.length > 8, name);
      assertStringIncludes(help, `  --${name}`);
      assertStringIncludes(table, `| \`${name}\` |`);
    }
    assert(help.split("\n").every((line) => line.length <= 100));
  },
);
