/**
 * The options that say what goes into a run: the model to start from and the rows to train on.
 *
 * @module
 */
import { list, optional, record } from "../../base/composite_option.ts";
import { choice, flag, integer, number, text } from "../../base/option.ts";
import { ON_BAD_ROW } from "../../preference/loading/bad_rows.ts";
import { PACKING_STRATEGIES } from "../../preference/tokens/bins.ts";
import { chatOptions } from "../../preference/tokens/run_chat.ts";
import { quantizationOptions } from "../../model/weights/quantization_options.ts";
import { downloadOption, hubNames } from "./download_option.ts";
import { mixtureOption, rankingOption } from "./mixture_option.ts";

/** Options of the model to start from. */
export const modelOptions = {
  model_name_or_path: text(
    "Folder of the model to train, or its name on the hub, looked for in model_hub/",
  ),
  model_source: choice(
    "Hub that the model's name belongs to",
    "huggingface",
    hubNames,
  ),
  model_revision: optional(
    text("Branch, tag or commit to download; null is the main one"),
  ),
  adapter_name_or_path: optional(
    text(
      "Folder of an adapter to continue, its start being the reference; null starts a new one",
    ),
  ),
  tokenizer_name_or_path: optional(
    text("Folder of the tokenizer; null is the model's own"),
  ),
  chat_template: optional(
    text(
      "Name in templates/, path of a Jinja file, or its text; null is the model's own",
    ),
  ),
  eos_token: optional(
    text(
      "End of an answer, checked: the tokenizer's end token, or what the chat template closes answers with, with which plain texts then end too",
    ),
  ),
  ...chatOptions,
  init_from_config: flag(
    "Start from random weights: the model's folder needs only config.json and tokenizer",
  ),
  torch_dtype: choice(
    "How frozen weights are kept; auto is as stored; trained weights and sums are float32",
    "auto",
    ["auto", "float32", "bfloat16", "float16"],
  ),
  bf16: flag("With torch_dtype auto: keep frozen weights in bfloat16"),
  fp16: flag("With torch_dtype auto: keep frozen weights in float16"),
  unfrozen_parameters: optional(
    list(
      "Without use_peft: train only these, regular expressions from the start of their names: model.norm, model.layers.2[0-9]",
      undefined,
      text("Parameter"),
    ),
  ),
  freeze_trainable_layers: optional(
    integer(
      "Without use_peft: train only so many of the last blocks, of the first if negative, and unfrozen_parameters",
    ),
  ),
  ...quantizationOptions,
};

/** Options of the rows to train on. */
export const dataOptions = {
  dataset_mixer: optional(
    record(
      "Files, patterns, or folders with train.* and test.*, to the fraction of their rows, 0 to 1",
      undefined,
      number("Fraction", 1, { min: 0, max: 1 }),
    ),
  ),
  dataset_mixture: mixtureOption,
  dataset: optional(
    text("One file or folder, all of it, in place of dataset_mixer"),
  ),
  eval_dataset: optional(
    text("File of evaluation pairs; null is the test split of the others"),
  ),
  dataset_splits: list(
    "Names of the training and the evaluation split in folders",
    ["train", "test"],
    text("Split"),
  ),
  columns: record(
    "Our column to yours where they differ: prompt=question,chosen=good",
    {},
    text("Column"),
  ),
  dataset_format: optional(
    text(
      "Name of the rows' shape, see docs/reference/formats.md; null: their keys tell it",
    ),
  ),
  ignore_unserved: flag(
    "Read rows with pictures, sounds or unread parts of the prompt as if they had none; else they are refused",
  ),
  allow_empty_prompt: flag(
    "Train on pairs without a prompt: it is empty, or the answers have no start in common",
  ),
  on_bad_row: choice(
    "A row that cannot be read or has an empty answer: stop, or drop it and count it",
    "stop",
    ON_BAD_ROW,
  ),
  max_bad_rows: number(
    "The largest share of the rows that on_bad_row drops",
    0.1,
    { min: 0, max: 1 },
  ),
  ranking: rankingOption,
  min_score_margin: optional(
    number("Leave out pairs whose scores in the data differ by less"),
  ),
  dataset_exact_deduplication: flag(
    "Leave out examples whose tokens are all those of an earlier one",
  ),
  sample_seed: optional(
    integer(
      "Seed of a shuffle of all rows before the first max_..._samples are taken; null keeps the file's order",
      undefined,
      { min: 0 },
    ),
  ),
  max_train_samples: optional(
    integer(
      "Train on the first N pairs that are kept; null is all",
      undefined,
      { min: 1 },
    ),
  ),
  max_eval_samples: optional(
    integer(
      "Evaluate on the first N pairs that are kept; null is all",
      undefined,
      { min: 1 },
    ),
  ),
  max_length: optional(
    integer(
      "Tokens of prompt and answer together, 512 to 4096 is usual; null is no limit",
      undefined,
      { min: 2 },
    ),
    1024,
  ),
  max_prompt_length: optional(
    integer("Tokens of the prompt; null is no limit", undefined, { min: 1 }),
  ),
  length_policy: choice(
    "A pair over max_length: drop it, cut the prompt's start, cut the answers' ends, or cut each sequence's end as TRL does",
    "drop",
    ["drop", "prompt_start", "completion_end", "keep_start"],
  ),
  assistant_only_loss: flag(
    "SFT: train on every answer of a conversation, not on the last alone",
  ),
  ignore_empty_think: flag(
    "Leave empty <think></think> blocks that a template writes before an answer out of the loss, as ms-swift's loss_scale of this name; TRL trains them",
  ),
  packing: flag(
    "SFT: put rows together into bins of up to max_length tokens, which batches then count; rows do not see one another",
  ),
  packing_strategy: choice(
    "bfd: whole rows, each where it leaves the least room; bfd_split: longer rows in pieces; wrapped: end to end, cut where a bin is full, and then rows do see those before them",
    "bfd",
    PACKING_STRATEGIES,
  ),
  eval_packing: optional(
    flag("SFT: the same for evaluation; null is as packing says"),
  ),
  shuffle: flag("Draw a new order of the rows each epoch", true),
  group_by_length: flag(
    "Put rows of like length into a step, the longest of all first",
  ),
  download: downloadOption,
};
