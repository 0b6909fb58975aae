/**
 * What supervised fine-tuning minimises: the mean negative log-likelihood of all trained tokens of
 * a step, whether its texts are examples by themselves or packed into bins.
 */
import { demonstrationBatch } from "../../preference/tokens/batch.ts";
import type { TokenSequence } from "../../preference/tokens/token_examples.ts";
import { textTokenSlopes } from "../loss/token_slopes.ts";
import { sumBySequence } from "../loss/token_sums.ts";
import type { ExampleOf, MethodFacts, MethodOf } from "./method.ts";
import { supervisedMetrics } from "./metrics.ts";
import type { Objective } from "./objective.ts";

/** A row of the table for a method of texts. */
export function ofTexts(facts: MethodFacts): MethodOf<"demonstrations"> {
  return { ...facts, data: "demonstrations", objective: textObjective };
}

type Text = ExampleOf["demonstrations"];

/** The texts of an example: each text of a bin is a sequence of the batch. */
function sequencesOf(example: Text): readonly TokenSequence[] {
  return "sequences" in example ? example.sequences : [example];
}

function textObjective(): Objective<Text> {
  return {
    batch: (examples) => demonstrationBatch(examples.flatMap(sequencesOf)),
    sequences: sequencesOf,
    needsReference: false,
    couples: false,
    signed: false,
    columnKey: "",
    column: (batch, statistics) =>
      sumBySequence(statistics, batch.sequences).sums,
    score(batch, statistics, _reference, share) {
      const { sums } = sumBySequence(statistics, batch.sequences);
      return {
        loss: -sums.reduce((total, sum) => total + sum, 0) / share.targets,
        slopes: textTokenSlopes(batch.targetRows.length, share),
        metrics: supervisedMetrics(statistics),
      };
    },
  };
}
