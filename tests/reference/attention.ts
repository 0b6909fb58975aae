/**
 * Float64 twin of attention in plain loops over the ranges, and of its gradients.
 */
import type { AttentionShape } from "../../kernels/attention/attention.ts";

/** Inputs of attention as rows of numbers, with the shapes of the kernel's tensors. */
export interface AttentionInputs {
  readonly q: ArrayLike<number>;
  readonly k: ArrayLike<number>;
  readonly v: ArrayLike<number>;
  readonly ranges: ArrayLike<number>;
}

/** What the kernels return, in float64. */
export interface AttentionResult {
  readonly o: Float64Array;
  readonly lse: Float64Array;
}

function keysOf(ranges: ArrayLike<number>, query: number): number[] {
  const keys: number[] = [];
  for (const part of [query * 4, query * 4 + 2]) {
    for (let j = ranges[part]!; j < ranges[part + 1]!; j++) keys.push(j);
  }
  return keys;
}

function dot(
  a: ArrayLike<number>,
  aRow: number,
  b: ArrayLike<number>,
  bRow: number,
  size: number,
): number {
  let sum = 0;
  for (let d = 0; d < size; d++) {
    sum += a[aRow * size + d]! * b[bRow * size + d]!;
  }
  return sum;
}

function capped(score: number, softcap: number): number {
  return softcap > 0 ? softcap * Math.tanh(score / softcap) : score;
}

/** `o` and `lse` of all queries; a query without keys has zeros and -1e30. */
export function attention(
  { q, k, v, ranges }: AttentionInputs,
  { heads, kvHeads, headDim, scale, softcap = 0 }: AttentionShape,
): AttentionResult {
  const queries = ranges.length / 4;
  const o = new Float64Array(queries * heads * headDim);
  const lse = new Float64Array(queries * heads).fill(-1e30);
  for (let row = 0; row < queries * heads; row++) {
    const kvHead = Math.floor(row % heads / (heads / kvHeads));
    const keys = keysOf(ranges, Math.floor(row / heads));
    if (keys.length === 0) continue;
    const scores = keys.map((j) =>
      capped(scale * dot(q, row, k, j * kvHeads + kvHead, headDim), softcap)
    );
    const most = scores.reduce((a, b) => Math.max(a, b));
    const sum = scores.reduce((sum, s) => sum + Math.exp(s - most), 0);
    lse[row] = most + Math.log(sum);
    for (const [n, j] of keys.entries()) {
      const p = Math.exp(scores[n]! - lse[row]!);
      for (let d = 0; d < headDim; d++) {
        o[row * headDim + d]! += p * v[(j * kvHeads + kvHead) * headDim + d]!;
      }
    }
  }
  return { o, lse };
}

/** Gradients of q, k and v from `dO`, the gradient of `o`. */
export function attentionBackward(
  inputs: AttentionInputs,
  dO: ArrayLike<number>,
  shape: AttentionShape,
): { dq: Float64Array; dk: Float64Array; dv: Float64Array } {
  const { q, k, v, ranges } = inputs;
  const { heads, kvHeads, headDim, scale, softcap = 0 } = shape;
  const { o, lse } = attention(inputs, shape);
  const dq = new Float64Array(q.length);
  const dk = new Float64Array(k.length);
  const dv = new Float64Array(v.length);
  for (let row = 0; row < lse.length; row++) {
    const kvHead = Math.floor(row % heads / (heads / kvHeads));
    const delta = dot(o, row, dO, row, headDim);
    for (const j of keysOf(ranges, Math.floor(row / heads))) {
      const key = j * kvHeads + kvHead;
      const score = capped(scale * dot(q, row, k, key, headDim), softcap);
      const slope = softcap > 0 ? scale * (1 - (score / softcap) ** 2) : scale;
      const p = Math.exp(score - lse[row]!);
      const ds = p * (dot(dO, row, v, key, headDim) - delta) * slope;
      for (let d = 0; d < headDim; d++) {
        dq[row * headDim + d]! += ds * k[key * headDim + d]!;
        dk[key * headDim + d]! += ds * q[row * headDim + d]!;
        dv[key * headDim + d]! += p * dO[row * headDim + d]!;
      }
    }
  }
  return { dq, dk, dv };
}
