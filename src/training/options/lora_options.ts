/**
 * The options of adapters, by the names of TRL and PEFT; without `lora_` in front where PEFT's are
 * meant.
 *
 * @module
 */
import { list, optional, record } from "../../base/composite_option.ts";
import {
  choice,
  flag,
  integer,
  number,
  type Option,
  text,
} from "../../base/option.ts";
import { isExpression } from "../../model/adapter/target_modules.ts";

/** Names of modules, or one regular expression, which may hold commas. */
function modules(
  help: string,
  fallback: readonly string[] | undefined,
): Option<readonly string[]> {
  const names = list(help, fallback, text("Layer"));
  return {
    ...names,
    type: `${names.type}, or one regular expression over whole paths`,
    read(value) {
      const isOne = typeof value === "string" && !value.startsWith("[") &&
        isExpression(value);
      return isOne ? [value] : names.read(value);
    },
  };
}

/** Which layers are adapted, and what else is trained. */
const layers = {
  lora_target_modules: modules(
    "Names of linear layers, or all-linear for every one but lm_head",
    ["all-linear"],
  ),
  lora_exclude_modules: optional(
    modules("Linear layers that are not adapted after all", undefined),
  ),
  lora_layers_to_transform: optional(
    list(
      "Numbers of the blocks that are adapted, from 0; null is all",
      undefined,
      integer("Block", undefined, { min: 0 }),
    ),
  ),
  lora_rank_pattern: record(
    "Ranks of single layers by the end of their path, a regular expression: q_proj=8",
    {},
    integer("Rank", undefined, { min: 1 }),
  ),
  lora_alpha_pattern: record(
    "The same for lora_alpha",
    {},
    number("Scale", undefined, { above: 0 }),
  ),
  lora_modules_to_save: optional(
    list(
      "Modules trained in full beside the adapter, by the ends of their paths: norm, embed_tokens, lm_head",
      undefined,
      text("Module"),
    ),
  ),
};

/** The options under "LoRA". */
export const loraOptions = {
  use_peft: flag("Train a LoRA adapter; else all weights"),
  lora_r: integer("Rank, 8 to 64 is usual", 16, { min: 1 }),
  lora_alpha: number("Scale, one to two times the rank is usual", 32, {
    above: 0,
  }),
  lora_dropout: number(
    "Share of the adapter's inputs that are dropped, 0 to 0.1 is usual",
    0,
    { min: 0, max: 0.99 },
  ),
  ...layers,
  use_rslora: flag("Scale by lora_alpha / sqrt(lora_r), for large ranks"),
  use_dora: flag(
    "DoRA: train the length of each weight's rows beside their direction",
  ),
  init_lora_weights: choice(
    "Start of an adapter: as PEFT does, A normal, or PiSSA's singular vectors of the weights",
    "default",
    ["default", "gaussian", "pissa"],
    {
      true: "default",
      pissa_niter_4: "pissa",
      pissa_niter_8: "pissa",
      pissa_niter_16: "pissa",
    },
  ),
  loraplus_lr_ratio: optional(
    number(
      "LoRA+: half B learns so many times faster than half A, 2 to 16 is usual; null is 1",
      undefined,
      { above: 0 },
    ),
  ),
  create_new_adapter: flag(
    "Leave the adapter of adapter_name_or_path as it is and train a new one on top; both are saved as one",
  ),
};

/** PEFT's own names of these options. */
export const loraAliases = {
  target_modules: "lora_target_modules",
  exclude_modules: "lora_exclude_modules",
  layers_to_transform: "lora_layers_to_transform",
  rank_pattern: "lora_rank_pattern",
  alpha_pattern: "lora_alpha_pattern",
  modules_to_save: "lora_modules_to_save",
} as const;
