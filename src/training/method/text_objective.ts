/**
 * What supervised fine-tuning minimises: the mean loss of all trained tokens of a step, whether its
 * texts are examples by themselves or packed into bins. Knows no loss by name.
 */
import { demonstrationBatch } from "../../preference/tokens/batch.ts";
import type { TokenSequence } from "../../preference/tokens/token_examples.ts";
import { tokenLoss } from "../loss/preference_loss.ts";
import { textTokenSlopes } from "../loss/token_slopes.ts";
import { sumBySequence } from "../loss/token_sums.ts";
import type {
  ExampleOf,
  GivenOptions,
  MethodFacts,
  MethodOf,
} from "./method.ts";
import { supervisedMetrics } from "./metrics.ts";
import type { Objective } from "./objective.ts";
import { objectiveDefaults } from "./objective_options.ts";

/** A row of the table for a method of texts. */
export function ofTexts(facts: MethodFacts): MethodOf<"demonstrations"> {
  return {
    ...facts,
    data: "demonstrations",
    objective: (options) => textObjective(facts, options),
  };
}

type Text = ExampleOf["demonstrations"];

/** The texts of an example: each text of a bin is a sequence of the batch. */
function sequencesOf(example: Text): readonly TokenSequence[] {
  return "sequences" in example ? example.sequences : [example];
}

function textObjective(
  facts: MethodFacts,
  given: GivenOptions,
): Objective<Text> {
  const options = { ...objectiveDefaults, ...given };
  const terms = { ...options, loss_type: options.loss_type ?? facts.loss_type };
  return {
    batch: (examples) => demonstrationBatch(examples.flatMap(sequencesOf)),
    sequences: sequencesOf,
    needsReference: false,
    signed: false,
    couples: false,
    columnKey: "",
    column: (batch, statistics) =>
      sumBySequence(statistics, batch.sequences).sums,
    score(_batch, statistics, _reference, share) {
      const { losses, slopes } = tokenLoss(statistics.logps, terms);
      return {
        loss: losses.reduce((total, loss) => total + loss, 0) / share.targets,
        slopes: textTokenSlopes(slopes, share),
        metrics: supervisedMetrics(statistics),
      };
    },
  };
}
