/** Keys and values of the tokens so far, kept on the device while an answer grows. Knows no sampler. */
import type { Device } from "../../kernels/device.ts";
import type { Tensor } from "../../kernels/tensor.ts";
import { type DecoderOptions, hiddenStates } from "./decoder.ts";
import type { Model } from "./model.ts";

/** Keys after rotation, and values, of one layer: `[capacity, num_key_value_heads * head_dim]`. */
export interface CachedLayer {
  readonly k: Tensor;
  readonly v: Tensor;
}

/** The cache of one sequence. */
export interface KvCache {
  readonly layers: readonly CachedLayer[];
  readonly capacity: number;
  /** Tokens in it. */
  length: number;
}

/** An empty cache with room for `capacity` tokens. */
export function createKvCache(
  { device, config }: Model,
  capacity: number,
): KvCache {
  const shape = [capacity, config.num_key_value_heads * config.head_dim];
  const layers = config.windows.map(() => ({
    k: device.allocate(shape),
    v: device.allocate(shape),
  }));
  return { layers, capacity, length: 0 };
}

/** Gives the cache's memory back. */
export function releaseKvCache(device: Device, cache: KvCache): void {
  for (const { k, v } of cache.layers) {
    device.release(k);
    device.release(v);
  }
}

/**
 * Runs the next tokens of a sequence and appends them to its cache.
 *
 * @returns the hidden state of the last one, `[1, hidden_size]`
 * @throws {RangeError} if the cache is full
 */
export function extend(
  model: Model,
  cache: KvCache,
  tokens: readonly number[],
  options: Pick<DecoderOptions, "adapters"> = {},
): Tensor {
  const start = cache.length;
  if (start + tokens.length > cache.capacity) {
    throw new RangeError(
      `Cannot extend the sequence: ${
        start + tokens.length
      } tokens, the cache holds ${cache.capacity}`,
    );
  }
  const positions = Uint32Array.from(tokens, (_, i) => start + i);
  const ranges = Uint32Array.from(
    tokens.flatMap((_, i) => [0, 0, 0, start + i + 1]),
  );
  const hidden = hiddenStates(
    model,
    {
      tokens: Uint32Array.from(tokens),
      positions,
      ranges,
      rows: Uint32Array.of(tokens.length - 1),
    },
    { ...options, cache },
  );
  cache.length += tokens.length;
  return hidden;
}
