/**
 * The batches of one optimizer step, laid out before it begins, while the device is still at work
 * on the step before: which examples run together, and which part of the step each of them is.
 */
import type { Batch } from "../../preference/tokens/batch.ts";
import type { Objective } from "../method/objective.ts";
import { packDeviceBatches, type Piece } from "./device_batches.ts";

/**
 * Examples, and the reference's column of log-probabilities, `[sequences of all examples]`; the
 * column is empty if no reference is needed, or if the reference moves.
 */
export interface Dataset<Example> {
  readonly examples: readonly Example[];
  readonly reference: Float64Array;
}

/** How batches are laid out. */
export interface LayoutParts<Example> {
  readonly objective: Objective<Example>;
  /** Most tokens that run on the device together; null: a micro-batch, whatever its tokens. */
  readonly maxTokensPerBatch: number | null;
}

/** A micro-batch, whole or in part, as it runs on the device. */
export interface PreparedPiece extends Piece {
  readonly batch: Batch;
  /** The reference's column of its sequences. */
  readonly reference: Float64Array;
  /** Its share of the examples of its micro-batch, above 0, at most 1. */
  readonly share: number;
}

/** What runs on the device at once: pieces of one micro-batch or of several. */
export interface DeviceBatch {
  readonly batch: Batch;
  /** Their sequences are those of `batch`, in this order. */
  readonly pieces: readonly PreparedPiece[];
}

/** The batches of one step. */
export interface StepBatches {
  /** The examples of each micro-batch, by number. */
  readonly microBatches: readonly (readonly number[])[];
  readonly deviceBatches: readonly DeviceBatch[];
  /** Trained tokens of the step. */
  readonly targets: number;
  /** Tokens that the device computes in the step. */
  readonly tokens: number;
}

/** Lays out the batches of a step. */
export function layOutStep<Example>(
  { objective, maxTokensPerBatch }: LayoutParts<Example>,
  data: Dataset<Example>,
  microBatches: readonly (readonly number[])[],
): StepBatches {
  const batchOf = (indices: readonly number[]) =>
    objective.batch(indices.map((index) => data.examples[index]!));
  const packed = packDeviceBatches(microBatches, {
    maxTokens: maxTokensPerBatch,
    tokensOf: (indices) => batchOf(indices).tokens.length,
    couples: objective.couples,
  });
  const deviceBatches = packed.map((parts): DeviceBatch => {
    const pieces = parts.map((piece): PreparedPiece => ({
      ...piece,
      batch: batchOf(piece.examples),
      reference: referenceOf(data, piece.examples),
      share: piece.examples.length / microBatches[piece.microBatch]!.length,
    }));
    const [only] = pieces;
    const batch = pieces.length === 1
      ? only!.batch
      : batchOf(parts.flatMap(({ examples }) => examples));
    return { batch, pieces };
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

/** The reference's column of some examples, `[sequences of these examples]`. */
export function referenceOf<Example>(
  { examples, reference }: Dataset<Example>,
  indices: readonly number[],
): Float64Array {
  const width = reference.length / examples.length;
  return Float64Array.from(
    indices.flatMap((i) => [...reference.subarray(width * i, width * (i + 1))]),
  );
}
