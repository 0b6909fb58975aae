/**
 * One optimizer step from its batches to new weights: log-probabilities on the device, losses and
 * their slopes on the CPU in float64, gradients and update on the device. This is the whole story
 * of a step; what it calls is one file away. Knows no preference loss by name, no schedule and no
 * file.
 */
import type { DecoderOptions } from "../../model/decoder/decoder.ts";
import type { Model } from "../../model/decoder/model.ts";
import type { Optimizer } from "../optimizer/optimizer.ts";
import { logpsOf, recordedLogps } from "./batch_logps.ts";
import type { MovingReference } from "./moving_reference.ts";
import { balanceBatch, type RouterLoss } from "./router_loss.ts";
import type { Dataset, LayoutParts, StepBatches } from "./step_batches.ts";
import {
  deviceBatchLosses,
  type MicroBatchResult,
  microBatchResults,
  type ScoredPiece,
  withRouterLoss,
} from "./step_losses.ts";

/** What the steps of a run work on. */
export interface StepParts<Example> extends LayoutParts<Example> {
  readonly model: Model;
  readonly optimizer: Optimizer;
  readonly train: Dataset<Example>;
  /**
   * The reference model, if it changes during training. Undefined: its log-probabilities were
   * computed before.
   */
  readonly movingReference: MovingReference | undefined;
  /**
   * Keeps experts in equal use. Undefined: the model has none, or it is not wanted. With it each
   * micro-batch is a device batch of its own, since this loss is not a sum over examples.
   */
  readonly routerLoss: RouterLoss | undefined;
  /** Whether activations are computed again in the backward pass, so that they need not be kept. */
  readonly gradientCheckpointing: boolean;
  /** Gradients are scaled down to this L2 norm; 0 is no bound. */
  readonly maxGradNorm: number;
  /** Seed of dropout and of the noise on embeddings. */
  readonly seed: number;
  /** Whether there is dropout. */
  readonly drops: boolean;
  /** NEFTune's alpha, usually 5 to 15; 0: no noise on embeddings. */
  readonly embeddingNoise: number;
}

/** Given with each step. */
export interface StepInput {
  /** Number of the step in its run, from 1. */
  readonly number: number;
  readonly learningRate: number;
  /**
   * Called with the value of `Optimizer.clip` after the step before: it is read in the same wait as
   * the log-probabilities of the first batch.
   */
  readonly onClip: (clip: Float32Array) => void;
}

/** The result of a step. Only after the next wait is it known whether its gradients were finite. */
export interface StepResult {
  /** In nats, the mean over its micro-batches. */
  readonly loss: number;
  readonly microBatches: readonly MicroBatchResult[];
}

/** Takes a step. The device is still at work on the update when this returns. */
export async function takeStep<Example>(
  parts: StepParts<Example>,
  step: StepBatches,
  { number, learningRate, onClip }: StepInput,
): Promise<StepResult> {
  const { model, objective, optimizer, movingReference } = parts;
  const { gradientCheckpointing, maxGradNorm, routerLoss } = parts;
  const pieces: ScoredPiece[] = [];
  const routerLosses: number[] = [];
  optimizer.zeroGradients();
  for (const [i, deviceBatch] of step.deviceBatches.entries()) {
    using _scope = model.device.scope();
    const { batch } = deviceBatch;
    const reference = movingReference &&
      await logpsOf(movingReference.model, batch);
    const balance = routerLoss &&
      balanceBatch(model.device, routerLoss, 1 / step.microBatches.length);
    const logps = await recordedLogps(model, batch, {
      gradientCheckpointing,
      ...drawsOf(parts, number, i),
      balance: balance?.passOf(batch),
      alongside: [
        ...(i === 0 ? [optimizer.clip] : []),
        ...(balance ? [balance.sums] : []),
      ],
    });
    if (i === 0) onClip(logps.alongside[0]!);
    if (balance) routerLosses.push(balance.valueOf(logps.alongside.at(-1)!));
    const read = { policy: logps.statistics, movingReference: reference };
    const losses = deviceBatchLosses(objective, deviceBatch, read, step);
    logps.backward(losses.slopes);
    pieces.push(...losses.pieces);
  }
  const microBatches = withRouterLoss(
    microBatchResults(objective, parts.train, step, pieces),
    routerLoss,
    routerLosses,
  );
  const loss = microBatches.reduce((sum, { loss }) => sum + loss, 0);
  optimizer.step({ learningRate, maxGradNorm, refuse: !isFinite(loss) });
  movingReference?.afterStep(number);
  model.device.submit();
  return { loss, microBatches };
}

/** Behind the streams of all blocks, which dropout draws from. */
const NOISE_STREAM = 65_535;

/**
 * Each step draws its own masks and noise; recomputation draws the same again. The run's seed and
 * the step make one integer that a double holds exactly: 29 bits of seed above 24 bits of step.
 */
function drawsOf(
  { seed: runSeed, drops, embeddingNoise: alpha }: Pick<
    StepParts<unknown>,
    "seed" | "drops" | "embeddingNoise"
  >,
  step: number,
  stream: number,
): Pick<DecoderOptions, "dropout" | "embeddingNoise"> {
  const seed = runSeed % 2 ** 29 * 2 ** 24 + step;
  const draws = { seed, stream: stream * 65_536 + NOISE_STREAM };
  return {
    dropout: drops ? { seed, stream } : undefined,
    embeddingNoise: alpha > 0 ? { alpha, draws } : undefined,
  };
}
