/**
 * Keys and values of the tokens so far, kept on the device while answers grow: one sequence or
 * several side by side. Knows no sampler.
 */
import type { CacheStores } from "../../../kernels/attention/cache_rows.ts";
import type { Device } from "../../../kernels/device/device.ts";
import { createRowStore } from "../../../kernels/attention/row_store.ts";
import type { Tensor } from "../../../kernels/device/tensor.ts";
import { hiddenStates } from "./decoder.ts";
import type { Model } from "./model.ts";

/**
 * The cache of some sequences. Sequence s has rows `[s * capacity, (s + 1) * capacity)`, one per
 * position.
 */
export interface KvCache {
  /** `[sequences * capacity, num_key_value_heads * head_dim]` per layer. */
  readonly layers: readonly CacheStores[];
  readonly sequences: number;
  /** Tokens that one sequence may have. */
  readonly capacity: number;
  /** Tokens that each sequence has, `[sequences]`. */
  readonly lengths: number[];
}

/** How many new tokens a sequence gets. */
export interface Extension {
  readonly sequence: number;
  /** At least one. */
  readonly count: number;
  /** Whether adapters take part; default true. */
  readonly adapters?: boolean | undefined;
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
  // attention may walk over rows that no query sees: they must be numbers
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

/** Gives the cache's memory back. */
export function releaseKvCache(device: Device, cache: KvCache): void {
  for (const { k, v } of cache.layers) {
    device.release(k.store);
    device.release(v.store);
  }
}

/**
 * Runs the next tokens of some sequences together, each after what its cache holds, and appends
 * them.
 *
 * @param tokens of all extensions, in a row; u32 if they are on the device
 * @returns the hidden state of each extension's last token, `[extensions, hidden_size]`
 * @throws {RangeError} if a sequence is full
 */
export function extend(
  model: Model,
  cache: KvCache,
  extensions: readonly Extension[],
  tokens: Uint32Array | Tensor,
): Tensor {
  const adapters: boolean[] = [];
  const positions: number[] = [];
  const ranges: number[] = [];
  const rows: number[] = [];
  const cacheRows: number[] = [];
  for (const { sequence, count, adapters: served = true } of extensions) {
    const start = cache.lengths[sequence]!;
    checkRoom(cache, start + count);
    const first = sequence * cache.capacity;
    for (let i = 0; i < count; i++) {
      positions.push(start + i);
      cacheRows.push(first + start + i);
      ranges.push(0, 0, first, first + start + i + 1);
      adapters.push(served);
    }
    rows.push(positions.length - 1);
  }
  const hidden = hiddenStates(model, {
    tokens,
    positions: Uint32Array.from(positions),
    ranges: Uint32Array.from(ranges),
    rows: Uint32Array.from(rows),
  }, { adapters, cache: { kv: cache, rows: cacheRows } });
  for (const { sequence, count } of extensions) {
    cache.lengths[sequence] = cache.lengths[sequence]! + count;
  }
  return hidden;
}

function checkRoom({ capacity }: KvCache, length: number): void {
  if (length <= capacity) return;
  throw new RangeError(
    `Cannot extend the sequence: ${length} tokens, the cache holds ${capacity}`,
  );
}
