/**
 * The forward and backward passes of one optimizer step: device batches made beforehand, their losses scored by
 * micro-batch, their gradients added up. Knows no schedule and no optimizer.
 */
import type { Tensor } from "../../../kernels/device/tensor.ts";
import type { DropoutSeed } from "../../autograd/lora.ts";
import type { Model } from "../../model/decoder/model.ts";
import type { Batch } from "../../preference/tokens/batch.ts";
import { logpsOf, recordedLogps } from "./batch_logps.ts";
import {
  joinStatistics,
  packDeviceBatches,
  pickStatistics,
  type Piece,
  type PieceStatistics,
  targetsOf,
} from "./device_batches.ts";
import type { Metrics } from "../method/metrics.ts";
import type { TargetStatistics } from "../loss/token_sums.ts";
import type { Objective, Scored } from "../method/objective.ts";

/**
 * Examples, and the reference's column of log-probabilities `[sequences of all examples]`; empty if none is needed, or
 * if the reference moves.
 */
export interface Dataset<Example> {
  readonly examples: readonly Example[];
  readonly reference: Float64Array;
}

/** Parts of a run that a window's passes need. */
export interface PassParts<Example> {
  readonly model: Model;
  readonly objective: Objective<Example>;
  /** The reference where it moves: it runs on each batch, in place of the column. */
  readonly referenceModel?: Model | undefined;
  readonly gradientCheckpointing: boolean;
  /** Most tokens that run on the device together; null: a micro-batch, whatever its tokens. */
  readonly maxTokensPerBatch: number | null;
}

/** A micro-batch, whole or in part, as it runs on the device. */
interface PreparedPiece extends Piece {
  readonly batch: Batch;
  readonly reference: Float64Array;
  /** The part of its micro-batch that it is. */
  readonly share: number;
}

/** The batches of one step. */
export interface PreparedWindow {
  readonly microBatches: readonly (readonly number[])[];
  readonly deviceBatches: readonly {
    readonly batch: Batch;
    readonly pieces: readonly PreparedPiece[];
  }[];
  /** Trained tokens of all. */
  readonly targets: number;
  /** Tokens that the device computes. */
  readonly tokens: number;
}

/** What a micro-batch came to. */
export interface MicroBatchResult {
  /** Its share of the step's loss, in nats. */
  readonly loss: number;
  readonly metrics: Metrics;
  readonly attendedTokens: number;
}

/** Lays out the batches of a window; the device may work meanwhile. */
export function prepareWindow<Example>(
  { objective, maxTokensPerBatch }: Pick<
    PassParts<Example>,
    "objective" | "maxTokensPerBatch"
  >,
  data: Dataset<Example>,
  microBatches: readonly (readonly number[])[],
): PreparedWindow {
  const batchOf = (indices: readonly number[]) =>
    objective.batch(indices.map((index) => data.examples[index]!));
  const packed = packDeviceBatches(microBatches, {
    maxTokens: maxTokensPerBatch,
    tokensOf: (indices) => batchOf(indices).tokens.length,
    couples: objective.couples,
  });
  const deviceBatches = packed.map((pieces) => {
    const prepared = pieces.map((piece): PreparedPiece => ({
      ...piece,
      batch: batchOf(piece.examples),
      reference: referenceOf(data, piece.examples),
      share: piece.examples.length / microBatches[piece.microBatch]!.length,
    }));
    const batch = prepared.length === 1
      ? prepared[0]!.batch
      : batchOf(pieces.flatMap(({ examples }) => examples));
    return { batch, pieces: prepared };
  });
  const count = (of: (batch: Batch) => number) =>
    deviceBatches.reduce((sum, { batch }) => sum + of(batch), 0);
  return {
    microBatches,
    deviceBatches,
    targets: count(({ targetRows }) => targetRows.length),
    tokens: count(({ tokens }) => tokens.length),
  };
}

/** The reference's sums of a batch, `[sequences of its examples]`. */
export function referenceOf<Example>(
  { examples, reference }: Dataset<Example>,
  indices: readonly number[],
): Float64Array {
  const width = reference.length / examples.length;
  return Float64Array.from(
    indices.flatMap((i) => [...reference.subarray(width * i, width * (i + 1))]),
  );
}

/** Given to `runWindow()`. */
export interface WindowHooks {
  /** The dropout of a device batch, by its number. */
  readonly dropout: (batch: number) => DropoutSeed | undefined;
  /** Read in the same wait as the first batch's log-probabilities, and handed to `onAlongside`. */
  readonly alongside: readonly Tensor[];
  readonly onAlongside: (values: readonly Float32Array[]) => void;
}

/** Adds the gradients of a window to those of the parameters; returns what each micro-batch came to. */
export async function runWindow<Example>(
  parts: PassParts<Example>,
  data: Dataset<Example>,
  prepared: PreparedWindow,
  hooks: WindowHooks,
): Promise<MicroBatchResult[]> {
  const found = prepared.microBatches.map((): ScoredPiece[] => []);
  for (const [i, { batch, pieces }] of prepared.deviceBatches.entries()) {
    using _batch = parts.model.device.scope();
    const dropout = hooks.dropout(i);
    const reference = parts.referenceModel &&
      await logpsOf(parts.referenceModel, batch);
    const logps = await recordedLogps(parts.model, batch, {
      gradientCheckpointing: parts.gradientCheckpointing,
      ...(dropout && { dropout }),
      alongside: i === 0 ? hooks.alongside : [],
    });
    if (i === 0) hooks.onAlongside(logps.alongside);
    const slopes = new Float32Array(batch.targetRows.length);
    let first = 0;
    for (const piece of pieces) {
      const { sequences } = piece.batch;
      const targets = targetsOf(batch, first, sequences);
      const own = (all: TargetStatistics) =>
        pieces.length === 1 ? all : pickStatistics(all, targets, first);
      const statistics = own(logps.statistics);
      const referred = reference === undefined ? piece : {
        ...piece,
        reference: parts.objective.column(piece.batch, own(reference)),
      };
      const scored = score(parts, referred, statistics, prepared);
      for (const [k, t] of targets.entries()) slopes[t] = scored.slopes[k]!;
      found[piece.microBatch]!.push({ piece: referred, statistics, scored });
      first += sequences;
    }
    logps.backward(slopes);
  }
  return found.map((pieces) => resultOf(parts, data, pieces, prepared));
}

interface ScoredPiece {
  readonly piece: PreparedPiece;
  readonly statistics: TargetStatistics;
  readonly scored: Scored;
}

/** A part of a micro-batch weighs as its share of it. */
function score<Example>(
  { objective }: PassParts<Example>,
  { batch, reference, share }: PreparedPiece,
  statistics: TargetStatistics,
  { microBatches, targets }: PreparedWindow,
): Scored {
  return objective.score(batch, statistics, reference, {
    parts: microBatches.length / share,
    targets,
  });
}

/** The metrics of a micro-batch that ran in several parts are those of the whole. */
function resultOf<Example>(
  { objective }: PassParts<Example>,
  data: Dataset<Example>,
  pieces: readonly ScoredPiece[],
  prepared: PreparedWindow,
): MicroBatchResult {
  const attendedTokens = pieces.reduce(
    (sum, { piece }) => sum + piece.batch.attendedTokens,
    0,
  );
  const [only] = pieces;
  if (pieces.length === 1) return { ...only!.scored, attendedTokens };
  const indices = pieces.flatMap(({ piece }) => piece.examples);
  const batch = objective.batch(indices.map((i) => data.examples[i]!));
  const joined = joinStatistics(pieces.map(pieceStatistics));
  const window = {
    parts: prepared.microBatches.length,
    targets: prepared.targets,
  };
  const reference = Float64Array.from(
    pieces.flatMap(({ piece }) => [...piece.reference]),
  );
  const { loss, metrics } = objective.score(batch, joined, reference, window);
  return { loss, metrics, attendedTokens };
}

function pieceStatistics(
  { piece: { batch }, statistics }: ScoredPiece,
): PieceStatistics {
  const { sequences, promptTargets = 0 } = batch;
  return { statistics, sequences, promptTargets };
}
