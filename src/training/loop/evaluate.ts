/**
 * Metrics over a whole dataset: the losses of its examples, without a step of the optimizer. Knows
 * no loss by name.
 */
import type { Model } from "../../model/decoder/model.ts";
import { inOrder } from "../../preference/tokens/epoch.ts";
import { logpsOf } from "./batch_logps.ts";
import { joinStatistics, type PieceStatistics } from "./device_batches.ts";
import {
  type EvaluatedBatch,
  evaluationMetrics,
  type Metrics,
} from "../method/metrics.ts";
import {
  balanceBatch,
  type BatchBalance,
  type RouterLoss,
} from "./router_loss.ts";
import type { TargetStatistics } from "../loss/token_sums.ts";
import type { Objective } from "../method/objective.ts";
import { type Dataset, layOutStep, referenceOf } from "./step_batches.ts";
import { withRouterLoss } from "./step_losses.ts";

/** What is evaluated, and how many examples at a time. */
export interface EvaluationParts<Example> {
  readonly model: Model;
  readonly objective: Objective<Example>;
  /** The reference model if it moves; undefined if the reference is a column. */
  readonly referenceModel?: Model | undefined;
  /** Keeps experts in equal use; undefined: not wanted. */
  readonly routerLoss?: RouterLoss | undefined;
  readonly evalBatchSize: number;
  /** Most tokens that run on the device together; null: a batch, whatever its tokens. */
  readonly maxTokensPerBatch: number | null;
}

/** Metrics over a dataset; their names begin with `eval_`. */
export async function evaluate<Example>(
  parts: EvaluationParts<Example>,
  data: Dataset<Example>,
): Promise<Metrics> {
  const { model, objective, evalBatchSize, referenceModel, routerLoss } = parts;
  const results: EvaluatedBatch[] = [];
  for (const indices of inOrder(data.examples.length, evalBatchSize)) {
    const batch = objective.batch(indices.map((i) => data.examples[i]!));
    const whole = { parts: 1, targets: batch.targetRows.length };
    const reference = referenceModel === undefined
      ? referenceOf(data, indices)
      : objective.column(
        batch,
        await statisticsOf({ ...parts, model: referenceModel }, data, indices),
      );
    using _scope = model.device.scope();
    const balance = routerLoss && balanceBatch(model.device, routerLoss, 1);
    const statistics = await statisticsOf(parts, data, indices, balance);
    const { loss, metrics } = objective.score(
      batch,
      statistics,
      reference,
      whole,
    );
    const { attendedTokens } = batch;
    const router = balance
      ? [balance.valueOf(await model.device.read(balance.sums))]
      : [];
    const [result] = withRouterLoss(
      [{ loss, metrics, attendedTokens }],
      routerLoss,
      router,
    );
    results.push({ size: indices.length, ...result! });
  }
  return evaluationMetrics(results);
}

/** The log-probabilities of a batch, which runs in parts if it has too many tokens. */
async function statisticsOf<Example>(
  { model, objective, maxTokensPerBatch }: EvaluationParts<Example>,
  data: Dataset<Example>,
  indices: readonly number[],
  balance?: BatchBalance,
): Promise<TargetStatistics> {
  const { deviceBatches } = layOutStep(
    { objective: { ...objective, couples: false }, maxTokensPerBatch },
    data,
    [indices],
  );
  const pieces: PieceStatistics[] = [];
  for (const { batch } of deviceBatches) {
    const { sequences, promptTargets = 0 } = batch;
    const options = { balance: balance?.passOf(batch) };
    const statistics = await logpsOf(model, batch, options);
    pieces.push({ statistics, sequences, promptTargets });
  }
  return pieces.length === 1 ? pieces[0]!.statistics : joinStatistics(pieces);
}
