/** Metrics over a whole dataset: the losses of its examples without a step. Knows no loss by name. */
import type { Model } from "../model/model.ts";
import { inOrder } from "../preference/epoch.ts";
import { logpsOf } from "./batch_logps.ts";
import {
  type EvaluatedBatch,
  evaluationMetrics,
  type Metrics,
} from "./metrics.ts";
import type { Objective } from "./objective.ts";
import { type Dataset, referenceOf } from "./window_pass.ts";

/** What is evaluated, and how many examples at a time. */
export interface EvaluationParts<Example> {
  readonly model: Model;
  readonly objective: Objective<Example>;
  readonly evalBatchSize: number;
}

/** Metrics over a dataset, names with `eval_`. */
export async function evaluate<Example>(
  { model, objective, evalBatchSize }: EvaluationParts<Example>,
  data: Dataset<Example>,
): Promise<Metrics> {
  const results: EvaluatedBatch[] = [];
  for (const indices of inOrder(data.examples.length, evalBatchSize)) {
    const batch = objective.batch(indices.map((i) => data.examples[i]!));
    const window = { microBatches: 1, targets: batch.targetRows.length };
    const { loss, metrics } = objective.score(
      batch,
      await logpsOf(model, batch),
      referenceOf(data, indices),
      window,
    );
    results.push({
      size: indices.length,
      loss,
      metrics,
      attendedTokens: batch.attendedTokens,
    });
  }
  return evaluationMetrics(results);
}
