/** A run as it would be: steps, tokens, bytes, and how long it takes by an estimate. Trains nothing. */
import type { Device } from "../../../kernels/device/device.ts";
import { formatBytes, formatDuration } from "../../base/units.ts";
import { readModelConfig } from "../../model/config/config.ts";
import { quantizationOf } from "../../model/weights/quantization_options.ts";
import { openEncoder } from "../../preference/tokens/open_encoder.ts";
import { type BytePlan, checkBudget } from "../plan/byte_plan.ts";
import type { TrainOptions } from "../options/options.ts";
import { probeRate } from "../plan/probe.ts";
import { runLength } from "../setup/run_length.ts";
import { withRunData } from "../setup/run_objective.ts";
import { matrixDtypes, plannedAdapter, planRun } from "../plan/run_plan.ts";
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
  const { files, encoder } = await openEncoder(options);
  return await withRunData(options, encoder, async (data, objective) => {
    const train = data.train.examples;
    const evaluation = data.evaluation?.examples ?? [];
    const { order, totalSteps, stepsPerEpoch } = runLength(options, train);
    const bytes = await planRun(device, options, files, {
      ...{ train, evaluation, objective },
    });
    checkBudget(bytes, device.budgetBytes);
    const adapter = await plannedAdapter(options);
    const { gradientCheckpointing } = bytes;
    const rate = await probeRate(device, {
      ...{ json: files.config, adapter, gradientCheckpointing },
      dtypeOf: await matrixDtypes(options, files),
      nested: quantizationOf(options)?.nested,
    });
    const config = readModelConfig(files.config);
    const stride = Math.ceil(train.length / COUNTED);
    const batches = train.filter((_, i) => i % stride === 0)
      .map((example) => objective.batch([example]));
    const mean = (of: (batch: typeof batches[number]) => number) =>
      batches.reduce((sum, batch) => sum + of(batch), 0) / batches.length;
    const operations = (backward: boolean) =>
      mean((batch) =>
        stepOperations(config, batch, {
          ...{ backward, full: !adapter, gradientCheckpointing },
          rank: adapter?.r ?? 0,
        }).total
      );
    const perStep = Math.min(
      order.batchSize * (order.accumulation ?? 1),
      train.length,
    );
    const referred = !objective.needsReference
      ? 0
      : options.sync_ref_model
      ? totalSteps * perStep // it runs on each batch
      : train.length + evaluation.length;
    return {
      ...{ examples: train.length, evaluationExamples: evaluation.length },
      ...{ totalSteps, stepsPerEpoch, bytes },
      tokensPerStep: mean(({ tokens }) => tokens.length) * perStep,
      referenceSeconds: referred * operations(false) / rate,
      trainingSeconds: totalSteps * perStep * operations(true) / rate,
    };
  });
}

/** A dry run as lines of text. */
export function dryRunLines(run: DryRun, budgetBytes: number): string[] {
  const { groups, total, gradientCheckpointing } = run.bytes;
  const whole = (value: number) => Math.round(value).toLocaleString("en");
  const evaluation = run.evaluationExamples > 0
    ? `, ${whole(run.evaluationExamples)} for evaluation`
    : "";
  const row = (name: string, bytes: number) =>
    `  ${name.padEnd(46)}${formatBytes(bytes).padStart(8)}`;
  const budget = Number.isFinite(budgetBytes)
    ? ` of ${formatBytes(budgetBytes)} that it may take`
    : "";
  return [
    `${whole(run.examples)} examples${evaluation}; ${
      whole(run.totalSteps)
    } steps, ${whole(run.stepsPerEpoch)} an epoch, of ${
      whole(run.tokensPerStep)
    } tokens`,
    `about ${
      formatDuration(run.trainingSeconds + run.referenceSeconds)
    }, of which the reference takes ${
      formatDuration(run.referenceSeconds)
    }: an estimate from one short pass, without evaluations`,
    `device memory, ${formatBytes(total)}${budget}; activations are ${
      gradientCheckpointing ? "computed again" : "kept"
    }:`,
    ...groups.filter(({ bytes }) => bytes > 0)
      .map(({ name, bytes }) => row(name, bytes)),
  ];
}
