/**
 * The options that say what a run minimises, whatever its method, each declared once. Knows no
 * method.
 *
 * @module
 */
import {
  defaultsOf,
  list,
  optional,
  type Values,
} from "../../base/composite_option.ts";
import { choice, flag, number } from "../../base/option.ts";
import { lossOptions, scoreOptions } from "../loss/loss_options.ts";
import { lossNames, lossRows } from "../loss/losses.ts";

const explained = lossNames.map((name) => `${name} (${lossRows[name].help})`);

/** Losses by name, and all that they and the methods depend on. */
export const objectiveOptions = {
  loss_type: optional(
    list(
      `Loss, or several; null is the trainer's own: ${explained.join(", ")}`,
      undefined,
      choice("Loss", undefined, lossNames),
    ),
  ),
  loss_weights: optional(
    list("One weight per loss; null is 1 each", undefined, number("Weight")),
  ),
  ...lossOptions,
  ld_alpha: optional(
    number(
      "LD-DPO: weight of an answer's tokens beyond the length of the shorter one; null is 1",
      undefined,
      { min: 0, max: 1 },
    ),
  ),
  use_weighting: flag("WPO: weigh each pair as it is likely under the policy"),
  ...scoreOptions,
  cpo_alpha: number(
    "CPO: weight of the chosen answers' negative log-likelihood; 0 for SimPO",
    1,
    { min: 0 },
  ),
  alpha: number("CPO: exponent of AlphaPO's reward; 0 is none", 0),
};

/** Checked options of what a run minimises. */
export type ObjectiveOptions = Values<typeof objectiveOptions>;

/** The defaults of these options. */
export const objectiveDefaults: ObjectiveOptions = defaultsOf(objectiveOptions);
