/**
 * What a method of single answers with a label minimises: the mean of the answers' losses. Knows no
 * loss by name.
 */
import {
  feedbackBatch,
  type MismatchedFeedback,
} from "../../preference/tokens/mismatched_feedback.ts";
import { lossRows } from "../loss/losses.ts";
import { answerLoss } from "../loss/preference_loss.ts";
import { answerTokenSlopes } from "../loss/token_slopes.ts";
import { half, sumBySequence } from "../loss/token_sums.ts";
import type { GivenOptions, MethodFacts, MethodOf } from "./method.ts";
import { answerMetrics, answerTokenMetrics, batchLoss } from "./metrics.ts";
import type { Objective } from "./objective.ts";
import { objectiveDefaults } from "./objective_options.ts";

/** A row of the table for a method of single answers. */
export function ofAnswers(facts: MethodFacts): MethodOf<"answers"> {
  return {
    ...facts,
    data: "answers",
    objective: (options) => answerObjective(facts, options),
  };
}

function answerObjective(
  facts: MethodFacts,
  given: GivenOptions,
): Objective<MismatchedFeedback> {
  const options = { ...objectiveDefaults, ...given };
  const terms = { ...options, loss_type: options.loss_type ?? facts.loss_type };
  return {
    batch: feedbackBatch,
    sequences: ({ sequence, mismatched }) => [sequence, mismatched],
    needsReference: facts.hasReference,
    signed: terms.loss_type.some((name) => lossRows[name].signed),
    couples: terms.loss_type.some((name) => lossRows[name].couples),
    columnKey: "",
    column: (batch, statistics) =>
      sumBySequence(statistics, batch.sequences).sums,
    score(batch, statistics, reference, share) {
      const { sums } = sumBySequence(statistics, batch.sequences);
      const desirable = batch.desirable ?? new Uint8Array();
      const logps = {
        answer: half(sums, 0),
        mismatched: half(sums, 1),
        referenceAnswer: half(reference, 0),
        referenceMismatched: half(reference, 1),
        desirable,
      };
      const loss = answerLoss(logps, terms);
      return {
        loss: batchLoss(loss) / share.parts,
        slopes: answerTokenSlopes(batch.targetSequence, loss, share),
        metrics: {
          ...answerMetrics(logps, terms),
          ...answerTokenMetrics(statistics, desirable),
        },
      };
    },
  };
}
