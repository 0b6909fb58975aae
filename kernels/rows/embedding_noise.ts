/**
 * Uniform noise on embeddings, in place: NEFTune. Its draws are a hash of seed, stream and place:
 * nothing is stored, and a resumed run draws the same. The slopes pass through it unchanged.
 * Source: https://arxiv.org/abs/2310.05914, Algorithm 1.
 */
import type { Device } from "../device/device.ts";
import { foldedGrid } from "../device/grid.ts";
import { singleKernel } from "../device/shader.ts";
import { expectShape, matrixShape, type Tensor } from "../device/tensor.ts";
import { GROUP_SIZE } from "../launch/element_launch.ts";
import text from "./embedding_noise.wgsl" with { type: "text" };
import {
  RANDOM_PIECES,
  type RandomStream,
  streamParams,
} from "./random_stream.ts";

/** The kernel. */
export const embeddingNoiseShader = singleKernel({
  name: "embedding_noise.wgsl",
  text,
  pieces: RANDOM_PIECES,
});

/**
 * Adds to each element of row t a number drawn from `-magnitudes[t]` to `magnitudes[t]`.
 *
 * @param x `[rows, cols]`, f32, and no view of a larger tensor
 * @param magnitudes f32 `[rows]`
 * @throws {TypeError} if `magnitudes` is not `[rows]`
 * @throws {RangeError} if seed or stream are out of their range
 */
export function addEmbeddingNoise(
  device: Device,
  x: Tensor,
  magnitudes: Tensor,
  stream: RandomStream,
): void {
  const [rows, cols] = matrixShape(x);
  expectShape("magnitudes", magnitudes, [rows]);
  const draws = streamParams("add noise to embeddings", stream);
  const count = Math.ceil(rows * cols / 4);
  if (count === 0) return;
  // buffers are multiples of 256 bytes, so that the last four numbers are there
  const whole = { ...x, shape: [count * 4] };
  device.launch(
    embeddingNoiseShader.kernel({}),
    { x: whole, magnitudes },
    { ...draws, count, rows, cols },
    foldedGrid(Math.ceil(count / GROUP_SIZE)),
    { constants: { WORKGROUP_SIZE: GROUP_SIZE } },
  );
}
