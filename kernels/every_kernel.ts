/**
 * The list of all kernels, so that people can read and tests can compile what runs. A .wgsl file
 * with an entry point and without `//#` is a kernel as it is; one with both has its kernels listed
 * here in every size; one without an entry point is a piece of others.
 */
import {
  dkvGpuShader,
  dqGpuShader,
  forwardGpuShader,
} from "./attention/attention.ts";
import {
  dkvCpuShader,
  dqCpuShader,
  forwardCpuShader,
} from "./attention/attention_cpu.ts";
import {
  cacheRowsCpuShader,
  cacheRowsGpuShader,
} from "./attention/cache_rows.ts";
import { cachedCpuShader } from "./attention/cached_attention.ts";
import { defineKernel, type Kernel } from "./device/kernel.ts";
import type { Shader } from "./device/shader.ts";
import { rowSquaresShader, updateScaleShader } from "./optimizers/adafactor.ts";
import { adamwShader } from "./optimizers/adamw.ts";
import { adamw8bitShader } from "./optimizers/adamw_8bit.ts";
import { gradientClipShader } from "./optimizers/gradient_clip.ts";
import { rmspropShader } from "./optimizers/rmsprop.ts";
import { sgdShader } from "./optimizers/sgd.ts";
import { sumOfSquaresShader } from "./optimizers/sum_of_squares.ts";
import { dropoutShader } from "./rows/dropout.ts";
import { embeddingNoiseShader } from "./rows/embedding_noise.ts";
import { gatedUnitBackwardShader, gatedUnitShader } from "./rows/gated_unit.ts";
import {
  activateBackwardShader,
  activateShader,
} from "./activations/activate.ts";
import {
  layerNormBackwardShader,
  layerNormShader,
} from "./norms/layer_norm.ts";
import { rmsNormBackwardShader, rmsNormShader } from "./rows/rms_norm.ts";
import { xieluBackwardShader, xieluShader } from "./activations/xielu.ts";
import {
  likeliestBlocksShader,
  likeliestShader,
} from "./vocabulary/likeliest.ts";
import { softmaxBlocksShader, softmaxShader } from "./vocabulary/softmax.ts";
import {
  chunkCpuShader,
  chunkGpuShader,
} from "./vocabulary/vocabulary_chunks.ts";
import { lowRankCpuShader } from "./few_rows/low_rank.ts";
import {
  gatedCpuShader,
  gatedGpuShader,
  togetherCpuShader,
  togetherGpuShader,
} from "./few_rows/together.ts";
import { flatTextureShader } from "./launch/flat_texture.ts";
import { matmulCpuShader } from "./matmul/cpu/matmul_cpu.ts";
import { fewRowsGpuShader, matmulGpuShader } from "./matmul/gpu/matmul_gpu.ts";

type Listed = Pick<Shader<never>, "file" | "everyKernel">;

/** The shader files whose text depends on values or has pieces. */
export const SHADERS: readonly Listed[] = [
  forwardGpuShader,
  dqGpuShader,
  dkvGpuShader,
  forwardCpuShader,
  dqCpuShader,
  dkvCpuShader,
  cachedCpuShader,
  cacheRowsGpuShader,
  cacheRowsCpuShader,
  chunkGpuShader,
  chunkCpuShader,
  likeliestBlocksShader,
  likeliestShader,
  softmaxBlocksShader,
  softmaxShader,
  dropoutShader,
  embeddingNoiseShader,
  gatedUnitShader,
  gatedUnitBackwardShader,
  activateShader,
  activateBackwardShader,
  layerNormShader,
  layerNormBackwardShader,
  xieluShader,
  xieluBackwardShader,
  rmsNormShader,
  rmsNormBackwardShader,
  rowSquaresShader,
  updateScaleShader,
  adamwShader,
  adamw8bitShader,
  gradientClipShader,
  rmspropShader,
  sgdShader,
  sumOfSquaresShader,
  matmulCpuShader,
  matmulGpuShader,
  fewRowsGpuShader,
  togetherCpuShader,
  togetherGpuShader,
  gatedCpuShader,
  gatedGpuShader,
  lowRankCpuShader,
  flatTextureShader,
];

/**
 * Whether a .wgsl file is no kernel by itself: a piece of others, or a text that `expand()`
 * completes.
 */
export function isExpanded(text: string): boolean {
  return !text.includes("@compute") || /^\s*\/\/#/m.test(text);
}

/**
 * Every kernel in every size.
 *
 * @param files texts of all .wgsl files by their names without the ending
 */
export function* everyKernel(
  files: Readonly<Record<string, string>>,
): Generator<Kernel> {
  for (const [name, text] of Object.entries(files)) {
    if (!isExpanded(text)) yield defineKernel(name, text);
  }
  for (const shader of SHADERS) yield* shader.everyKernel();
}
