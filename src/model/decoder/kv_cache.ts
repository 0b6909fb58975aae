/**
 * Keys and values of the tokens so far, kept on the device while answers grow: one sequence or
 * several side by side. Knows no sampler.
 */
import type { CacheStores } from "../../../kernels/attention/cache_rows.ts";
import type { Device } from "../../../kernels/device/device.ts";
import { createRowStore } from "../../../kernels/attention/row_store.ts";
import type { Model } from "./model.ts";

/**
 * The cache of some sequences. Sequence s has rows `[s * capacity, (s + 1) * capacity)`, one per
 * position.
 */
export interface KvCache {
  /** `[sequences * capacity, num_key_value_heads * head_dim]` per layer. */
  readonly layers: readonly CacheStores[];
  readonly sequences: number;
  /** Most tokens of a sequence. */
  readonly capacity: number;
  /** Number of tokens of each sequence so far, `[sequences]`. */
  readonly lengths: number[];
}

/** An empty cache with room for `capacity` tokens in each sequence. */
export function createKvCache(
  { device, config }: Model,
  capacity: number,
  sequences = 1,
): KvCache {
  const heads = {
    heads: config.num_key_value_heads,
    headDim: config.head_dim,
  };
  // attention may read rows that no query attends to, so they must not be NaN
  const layers = config.windows.map(() => ({
    k: createRowStore(device, sequences * capacity, heads),
    v: createRowStore(device, sequences * capacity, heads),
  }));
  return {
    layers,
    sequences,
    capacity,
    lengths: new Array<number>(sequences).fill(0),
  };
}

/** Releases the memory of a cache. */
export function releaseKvCache(device: Device, cache: KvCache): void {
  for (const { k, v } of cache.layers) {
    device.release(k.store);
    device.release(v.store);
  }
}
