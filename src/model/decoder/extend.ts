/**
 * Runs the next tokens of sequences whose earlier tokens are in a KV cache, and appends them to it.
 * Knows no sampler.
 */
import type { Tensor } from "../../../kernels/device/tensor.ts";
import { hiddenStates } from "./decoder.ts";
import type { KvCache } from "./kv_cache.ts";
import type { Model } from "./model.ts";

/** How many tokens are appended to a sequence. */
export interface Extension {
  readonly sequence: number;
  /** Number of new tokens, at least 1. */
  readonly count: number;
  /** Whether the adapter serves them; default true. */
  readonly adapters?: boolean | undefined;
}

/**
 * Runs the next tokens of several sequences in one pass and appends them to the cache.
 *
 * @param tokens ids of all extensions, one after the other; a tensor of them is u32
 * @returns the hidden state of each extension's last token, `[extensions, hidden_size]`
 * @throws {RangeError} if a sequence would exceed the capacity of the cache
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
