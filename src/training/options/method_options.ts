/**
 * The options under "Method": the method by the name that TRL's trainer has, and what it minimises.
 *
 * @module
 */
import { optional } from "../../base/composite_option.ts";
import { choice, flag } from "../../base/option.ts";
import { methodNames, methods } from "../method/methods.ts";
import { objectiveOptions } from "../method/objective_options.ts";

const explained = methodNames.map((name) => `${name} (${methods[name].help})`);

/** Options of the method. */
export const methodOptions = {
  trainer: choice(explained.join(", "), "dpo", methodNames),
  ...objectiveOptions,
  completion_only_loss: optional(
    flag(
      "SFT: train on the answer alone; null does so where rows have a prompt",
    ),
  ),
  precompute_ref_log_probs: flag(
    "Always so here: the reference runs once over all rows before training, and is kept; false changes nothing",
  ),
};
