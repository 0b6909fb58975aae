/**
 * A run as it would be: steps, tokens, bytes, and how long it takes by an estimate. Trains nothing.
 */
import type { Device } from "../../../kernels/device/device.ts";
import {
  type ModelConfig,
  readModelConfig,
} from "../../model/config/config.ts";
import { openRunEncoder, runVocabSize } from "../setup/run_encoder.ts";
import { type BytePlan, checkBudget } from "../plan/byte_plan.ts";
import type { Objective } from "../method/objective.ts";
import type { TrainOptions } from "../options/options.ts";
import { probeRate } from "../plan/probe.ts";
import { checkRowTokens } from "../setup/row_tokens.ts";
import { runLength } from "../setup/run_length.ts";
import { withRunData } from "../setup/run_objective.ts";
import { keptMatrices, plannedAdapter, planRun } from "../plan/run_plan.ts";
import { stepOperations } from "../setup/step_operations.ts";

/** What a run would be. */
export interface DryRun {
  /** Examples that are trained on. */
  readonly examples: number;
  /** Examples that are evaluated on. */
  readonly evaluationExamples: number;
  /** Optimizer steps of the run. */
  readonly totalSteps: number;
  /** Optimizer steps of a pass over the data. */
  readonly stepsPerEpoch: number;
  /** Tokens that a step computes, on average: a shared prompt once. */
  readonly tokensPerStep: number;
  /** An estimate of the reference's pass over all rows. */
  readonly referenceSeconds: number;
  /** An estimate of all steps, without evaluations and checkpoints. */
  readonly trainingSeconds: number;
  /** What it holds on the device. */
  readonly bytes: BytePlan;
  /** Bytes that it may hold there; Infinity where nothing limits it. */
  readonly budgetBytes: number;
}

/** Examples whose batches are counted for the averages. */
const COUNTED = 64;

/**
 * Plans a run.
 *
 * @throws {BudgetError} if it does not fit, with what each group of bytes takes
 */
export async function dryRun(
  device: Device,
  options: TrainOptions,
): Promise<DryRun> {
  const { files, encoder } = await openRunEncoder(options);
  return await withRunData(options, encoder, async (data, objective) => {
    const train = data.train.examples;
    const evaluation = data.evaluation?.examples ?? [];
    const config = readModelConfig(files.config);
    checkRowTokens(data, objective, encoder, {
      path: files.path,
      vocab_size: await runVocabSize(options, config),
    });
    const bytes = await planRun(device, options, files, {
      train,
      evaluation,
      objective,
    });
    checkBudget(bytes, device.budgetBytes);
    const { order, totalSteps, stepsPerEpoch } = runLength(options, train);
    const perStep = Math.min(
      order.batchSize * (order.accumulation ?? 1),
      train.length,
    );
    const adapter = await plannedAdapter(options);
    const { gradientCheckpointing } = bytes;
    const example = meanWork(train, objective, {
      config,
      rank: adapter?.r ?? 0,
      full: adapter === undefined,
      gradientCheckpointing,
    });
    const rate = await probeRate(device, {
      json: files.config,
      adapter,
      gradientCheckpointing,
      ...await keptMatrices(options, files),
    });
    const referred = !objective.needsReference
      ? 0
      : options.sync_ref_model
      ? totalSteps * perStep // it runs on each batch
      : train.length + evaluation.length;
    return {
      examples: train.length,
      evaluationExamples: evaluation.length,
      totalSteps,
      stepsPerEpoch,
      bytes,
      budgetBytes: device.budgetBytes,
      tokensPerStep: example.tokens * perStep,
      referenceSeconds: referred * example.forward / rate,
      trainingSeconds: totalSteps * perStep * example.training / rate,
    };
  });
}

/**
 * What an example takes, on average: tokens, operations of a pass without slopes, and of one that
 * trains.
 */
function meanWork<Example>(
  examples: readonly Example[],
  objective: Objective<Example>,
  { config, ...how }: Omit<Parameters<typeof stepOperations>[2], "backward"> & {
    readonly config: ModelConfig;
  },
): { tokens: number; forward: number; training: number } {
  const stride = Math.ceil(examples.length / COUNTED);
  const batches = examples.filter((_, i) => i % stride === 0)
    .map((example) => objective.batch([example]));
  const mean = (of: (batch: typeof batches[number]) => number) =>
    batches.reduce((sum, batch) => sum + of(batch), 0) / batches.length;
  const operations = (backward: boolean) =>
    mean((batch) => stepOperations(config, batch, { ...how, backward }).total);
  return {
    tokens: mean(({ tokens }) => tokens.length),
    forward: operations(false),
    training: operations(true),
  };
}
