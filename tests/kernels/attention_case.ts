/**
 * Attention layouts for tests and benches: which keys each query sees in one sequence, packed
 * sequences, pairs with a shared prompt and sliding windows; and which queries see each key.
 */
import type { AttentionShape } from "../../kernels/attention/attention.ts";
import { seeded } from "./numbers.ts";

/** Ranges `[queries, 4]` over a number of keys. */
export interface Layout {
  readonly keys: number;
  readonly ranges: Uint32Array;
}

/**
 * Sequences one after the other, each causal; `window` keys at most are seen, the query's own
 * included.
 */
export function packed(
  lengths: readonly number[],
  window = Infinity,
): Layout {
  const rows: number[] = [];
  let start = 0;
  for (const length of lengths) {
    for (let i = start; i < start + length; i++) {
      rows.push(start, start, Math.max(start, i + 1 - window), i + 1);
    }
    start += length;
  }
  return { keys: start, ranges: Uint32Array.from(rows) };
}

/** Pairs as `prompt | chosen | rejected`: both completions see the prompt and their own past. */
export function pairs(
  sizes:
    readonly (readonly [prompt: number, chosen: number, rejected: number])[],
  window = Infinity,
): Layout {
  const rows: number[] = [];
  let start = 0;
  for (const [prompt, ...completions] of sizes) {
    const middle = start + prompt;
    for (let i = start; i < middle; i++) {
      rows.push(start, start, Math.max(start, i + 1 - window), i + 1);
    }
    let own = middle;
    for (const length of completions) {
      for (let i = 0; i < length; i++) {
        const from = Math.max(start, middle + i + 1 - window);
        const past = Math.max(0, from - middle);
        rows.push(Math.min(from, middle), middle, own + past, own + i + 1);
      }
      own += length;
    }
    start = own;
  }
  return { keys: start, ranges: Uint32Array.from(rows) };
}

/** For each key the first query that sees it and the end of those that do, `[keys, 2]`. */
export function queryRangesOf(
  { keys, ranges }: Layout,
): Uint32Array<ArrayBuffer> {
  const seen = new Uint32Array(keys * 2);
  for (let i = 0; i < ranges.length / 4; i++) {
    for (const part of [i * 4, i * 4 + 2]) {
      for (let j = ranges[part]!; j < ranges[part + 1]!; j++) {
        if (seen[j * 2 + 1] === 0) seen[j * 2] = i;
        seen[j * 2 + 1] = i + 1;
      }
    }
  }
  return seen;
}

/** Random q, k, v and dO for a layout. */
export function randomInputs(
  { keys, ranges }: Layout,
  { heads, kvHeads, headDim }: AttentionShape,
) {
  const queries = ranges.length / 4;
  return {
    q: seeded(queries * heads * headDim, 1),
    k: seeded(keys * kvHeads * headDim, 2),
    v: seeded(keys * kvHeads * headDim, 3),
    dO: seeded(queries * heads * headDim, 4),
    ranges,
  };
}
