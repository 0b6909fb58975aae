/**
 * One step of greedy generation: it runs one more token of several sequences and finds the
 * likeliest next token of each on the device. So a step can begin before the tokens of the last
 * step are on the CPU. Knows no sampler and no text.
 */
import {
  likeliestColumns,
  NO_COLUMN,
} from "../../../kernels/vocabulary/likeliest.ts";
import type { Tensor } from "../../../kernels/device/tensor.ts";
import { contained } from "../../autograd/tape.ts";
import { extend, type Extension } from "./extend.ts";
import type { KvCache } from "./kv_cache.ts";
import type { Model } from "./model.ts";
import { modelLogits, servedBy } from "./logits.ts";

/** A step that runs on the device. */
export interface GreedyStep {
  readonly extensions: readonly Omit<Extension, "count">[];
  /**
   * The likeliest next token of each sequence, u32 `[extensions]`.
   *
   * @internal
   */
  readonly tokens: Tensor;
}

/**
 * Begins a step, which the caller must release.
 *
 * @param tokens one per sequence, or the last step of the same sequences
 * @throws {RangeError} if a sequence would exceed the capacity of the cache
 */
export function beginGreedyStep(
  model: Model,
  cache: KvCache,
  extensions: readonly Omit<Extension, "count">[],
  tokens: readonly number[] | GreedyStep,
): GreedyStep {
  const { device } = model;
  const one = extensions.map((extension) => ({ ...extension, count: 1 }));
  const likeliest = contained(device, () => {
    const given = "tokens" in tokens ? tokens.tokens : Uint32Array.from(tokens);
    const hidden = extend(model, cache, one, given);
    return likeliestColumns(device, modelLogits(servedBy(model, one), hidden));
  });
  return { extensions, tokens: likeliest };
}

/**
 * Reads the tokens of a step, `[extensions]`. The call returns when the step is done; the promise
 * takes 10 ms more, in which the device can run the next step.
 *
 * @throws {RangeError} if a logit is NaN or the largest one is infinite
 */
export async function readGreedyStep(
  { device }: Model,
  { tokens }: GreedyStep,
): Promise<Uint32Array> {
  const ids = new Uint32Array(await device.readBytes(tokens));
  if (!ids.includes(NO_COLUMN)) return ids;
  throw new RangeError(
    "Cannot choose a token: a logit is NaN, or the largest one is infinite",
  );
}

/** Releases the memory of a step. */
export function releaseGreedyStep(
  { device }: Model,
  { tokens }: GreedyStep,
): void {
  device.release(tokens);
}
