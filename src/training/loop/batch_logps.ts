/**
 * The log-probabilities of a batch: the forward pass on the device, one wait for it, the numbers on
 * the CPU, and the backward pass from their slopes. Knows no loss.
 */
import { tokenStatistics } from "../../../kernels/vocabulary/token_statistics.ts";
import type { Tensor } from "../../../kernels/device/tensor.ts";
import * as ops from "../../autograd/ops.ts";
import { Tape } from "../../autograd/tape.ts";
import { logitOptions } from "../../model/config/config.ts";
import {
  type DecoderOptions,
  hiddenStates,
} from "../../model/decoder/decoder.ts";
import { type Model, servingModel } from "../../model/decoder/model.ts";
import type { Batch } from "../../preference/tokens/batch.ts";
import type { TargetStatistics } from "../loss/token_sums.ts";
import { sumBySequence } from "../loss/token_sums.ts";

/** A batch's log-probabilities, still differentiable. */
export interface BatchLogps {
  readonly statistics: TargetStatistics;
  /** The values of the tensors that were given as `alongside`. */
  readonly alongside: readonly Float32Array[];
  /** Accumulates gradients, given the loss's slope with respect to each `logps`, `[targets]`. */
  backward(slopes: Float32Array<ArrayBuffer>): void;
}

/**
 * Runs a batch forward and keeps what the backward pass needs, in the device's scope that is open.
 *
 * @param options.alongside f32 tensors to read in the same wait
 */
export async function recordedLogps(
  model: Model,
  batch: Batch,
  { alongside = [], ...options }: DecoderOptions & {
    readonly alongside?: readonly Tensor[];
  } = {},
): Promise<BatchLogps> {
  const { value, tape } = Tape.record(
    model.device,
    () => forward(model, batch, options),
  );
  const [statistics, ...others] = await read(model, batch, value, alongside);
  return {
    statistics,
    alongside: others,
    backward(slopes) {
      const { device } = model;
      tape.backward(value.logps, device.upload(slopes, value.logps.shape));
    },
  };
}

/** The log-probabilities of a batch, without a backward pass. */
export async function logpsOf(
  model: Model,
  batch: Batch,
  options: DecoderOptions = {},
): Promise<TargetStatistics> {
  using _scope = model.device.scope();
  const value = Tape.pause(() => forward(model, batch, options));
  const [statistics] = await read(model, batch, value);
  return statistics;
}

/**
 * A number per sequence of all batches, `[sequences of all batches]`, in nats: the column that
 * stands for a reference model.
 *
 * @param options `column`: the number of each sequence of a batch, `[sequences]`; default: the sum
 *   over its tokens
 */
export async function sequenceLogps(
  model: Model,
  batches: Iterable<Batch>,
  options: DecoderOptions & {
    column?: (batch: Batch, statistics: TargetStatistics) => Float64Array;
    onBatch?: (batch: Batch) => void;
    signal?: AbortSignal | undefined;
  } = {},
): Promise<Float64Array> {
  const {
    column = (batch, statistics) =>
      sumBySequence(statistics, batch.sequences).sums,
  } = options;
  const values: number[] = [];
  for (const batch of batches) {
    options.signal?.throwIfAborted();
    const statistics = await logpsOf(model, batch, options);
    values.push(...column(batch, statistics));
    options.onBatch?.(batch);
  }
  return Float64Array.from(values);
}

interface Forward {
  /** `[targets]`; of a reward model the reward at each target's row, `[targets, 1]`. */
  readonly logps: Tensor;
  /** Undefined for rewards. */
  readonly statistics: Tensor | undefined;
}

function forward(model: Model, batch: Batch, options: DecoderOptions): Forward {
  const { device } = model;
  const { tokens, positions, ranges, targetRows, targetTokens } = batch;
  const hidden = hiddenStates(model, {
    tokens,
    positions,
    ranges,
    rows: targetRows,
  }, options);
  const { score, lm_head } = servingModel(model, options.adapters);
  if (score) {
    const logps = ops.linear(device, hidden, score);
    return { logps, statistics: undefined };
  }
  const targets = device.upload(targetTokens, [targetTokens.length], "u32");
  return ops.tokenLogps(
    device,
    hidden,
    lm_head,
    targets,
    logitOptions(model.config),
  );
}

async function read(
  { device }: Model,
  { targetSequence }: Batch,
  { logps, statistics }: Forward,
  alongside: readonly Tensor[] = [],
): Promise<[TargetStatistics, ...Float32Array[]]> {
  const own = statistics ? [logps, statistics] : [logps];
  const read = await device.readAll([...own, ...alongside]);
  const [logpValues, values] = read;
  const others = read.slice(own.length);
  const columns = statistics
    ? tokenStatistics(values!)
    : noStatistics(logpValues!.length);
  return [{
    logps: logpValues!,
    meanLogits: columns.meanLogits,
    entropies: columns.entropies,
    correct: columns.correct,
    sumSquares: columns.sumSquares,
    targetSequence,
  }, ...others];
}

/** A reward model predicts no token, so it has no statistics of tokens. */
function noStatistics(targets: number): ReturnType<typeof tokenStatistics> {
  const none = new Float32Array(targets);
  return {
    lse: none,
    meanLogits: none,
    entropies: none,
    correct: none,
    sumSquares: none,
  };
}
