/**
 * NEFTune's noise on what enters the first layer. A longer sequence gets less: alpha /
 * sqrt(L * hidden_size), where L is the tokens of the sequence, and for a shared prompt those of
 * the longest sequence that begins with it.
 * Source: https://arxiv.org/abs/2310.05914, Algorithm 1.
 */
import type { Device } from "../../../kernels/device/device.ts";
import type { Tensor } from "../../../kernels/device/tensor.ts";
import { addEmbeddingNoise } from "../../../kernels/rows/embedding_noise.ts";
import type { RandomStream } from "../../../kernels/rows/random_stream.ts";

/** Noise of a pass. */
export interface EmbeddingNoise {
  /** Its size, usually 5 to 15. */
  readonly alpha: number;
  /** What is drawn; the same again draws the same noise. */
  readonly draws: RandomStream;
}

/** Where sequences lie; see `DecoderInput`. */
interface SequenceLayout {
  /** `[tokens]` */
  readonly positions: Uint32Array;
  /** `[tokens, 4]` */
  readonly ranges: Uint32Array;
}

/** Adds noise to embeddings `[tokens, hidden_size]`, in place. Slopes pass through unchanged. */
export function addNoise(
  device: Device,
  x: Tensor,
  layout: SequenceLayout,
  { alpha, draws }: EmbeddingNoise,
): void {
  const width = x.shape.at(-1)!;
  const magnitudes = sequenceLengths(layout)
    .map((length) => alpha / Math.sqrt(length * width));
  addEmbeddingNoise(
    device,
    x,
    device.upload(magnitudes, [magnitudes.length]),
    draws,
  );
}

/** `[tokens]` how many tokens the longest sequence has that a token is of. */
function sequenceLengths(
  { positions, ranges }: SequenceLayout,
): Float32Array<ArrayBuffer> {
  // by the first row of each part: a part is a shared prompt, a rest, or a whole sequence
  const lengths = new Map<number, number>();
  const count = (part: number, length: number) =>
    lengths.set(part, Math.max(length, lengths.get(part) ?? 0));
  const partOf = (row: number) => ranges[4 * row + 2]!;
  for (const [row, position] of positions.entries()) {
    count(partOf(row), position + 1);
    const [prompt, promptEnd] = ranges.subarray(4 * row, 4 * row + 2);
    if (prompt! < promptEnd!) count(partOf(prompt!), position + 1);
  }
  return Float32Array.from(positions, (_, row) => lengths.get(partOf(row))!);
}
