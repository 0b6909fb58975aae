/**
 * What a decoded token launches at Qwen2-0.5B's shape: one query over cached keys, the low-rank
 * half of an adapter, the likeliest of the vocabulary; and its products with weights of a layer and
 * of the head, bound by the weights' bytes. Tokens a second of whole answers: decode_table.ts.
 */
import { cachedAttention } from "../../kernels/attention/cached_attention.ts";
import { flatTexture } from "../../kernels/launch/flat_texture.ts";
import { likeliestColumns } from "../../kernels/vocabulary/likeliest.ts";
import { linear } from "../../kernels/matmul/linear.ts";
import { lowRank } from "../../kernels/few_rows/low_rank.ts";
import type { RowStore } from "../../kernels/attention/row_store.ts";
import { seeded } from "../kernels/numbers.ts";
import { benchKernel, device } from "./bench_kernel.ts";
import { drawnMatrix } from "./drawn_matrix.ts";

const shape = { heads: 14, kvHeads: 2, headDim: 64, scale: 0.125 };
const WIDTH = shape.heads * shape.headDim;
const KEY_WIDTH = shape.kvHeads * shape.headDim;
const [RANK, VOCABULARY] = [16, 151_936] as const;

function cacheOf(keys: number, seed: number): RowStore {
  const rows = device.upload(seeded(keys * KEY_WIDTH, seed), [keys, KEY_WIDTH]);
  const store = device.kind === "cpu" ? flatTexture(device, rows) : rows;
  return { rows: keys, cols: KEY_WIDTH, store };
}

const row = (width: number) => device.upload(seeded(width, 1), [1, width]);

for (const keys of [64, 1024, 4096]) {
  benchKernel(
    `cachedAttention, 1 query on ${keys} keys`,
    { operations: 4 * keys * WIDTH, bytes: 2 * 4 * keys * KEY_WIDTH },
    () => ({
      q: row(WIDTH),
      cache: { k: cacheOf(keys, 2), v: cacheOf(keys, 3) },
      ranges: device.upload(Uint32Array.of(0, 0, 0, keys), [1, 4], "u32"),
    }),
    ({ q, cache, ranges }) =>
      cachedAttention(device, q, cache, { ranges, separate: true }, shape),
  );
}

for (
  const [cols, rows] of [[896, 4864], [4864, 896], [896, VOCABULARY]] as const
) {
  benchKernel(
    `linear bf16 1 x ${cols} x ${rows}`,
    { operations: 2 * cols * rows, bytes: 2 * cols * rows },
    () => ({ x: row(cols), w: drawnMatrix(device, rows, cols, "bf16") }),
    ({ x, w }) => linear(device, x, w),
  );
}

benchKernel(
  `lowRank 1 x 4864 x ${RANK}`,
  { operations: 2 * 4864 * RANK, bytes: 4 * 4864 * RANK },
  () => ({ x: row(4864), a: drawnMatrix(device, RANK, 4864, "f32") }),
  ({ x, a }) => lowRank(device, x, a, 0.5),
);

benchKernel(
  `likeliestColumns of ${VOCABULARY}`,
  { operations: VOCABULARY, bytes: 4 * VOCABULARY },
  () => row(VOCABULARY),
  (logits) => likeliestColumns(device, logits),
);
