/**
 * Attention against its definition: `softmax(score(Q Kᵀ) + mask) V`, head by head, on the same
 * device by the kernels of products and of the softmax, which share no text with the kernels of
 * attention.
 */
import {
  attention,
  type AttentionShape,
} from "../../../kernels/attention/attention.ts";
import type { Device } from "../../../kernels/device/device.ts";
import type { Tensor } from "../../../kernels/device/tensor.ts";
import { linear } from "../../../kernels/matmul/linear.ts";
import { add } from "../../../kernels/rows/elementwise.ts";
import { softmax } from "../../../kernels/vocabulary/softmax.ts";
import { fullLogits } from "../../../kernels/vocabulary/full_logits.ts";
import { type Layout, packed, pairs, randomInputs } from "../attention_case.ts";
import { gpuTest } from "../gpu_test_case.ts";
import { assertClose } from "../numbers.ts";
import { uploadMatrix } from "../upload_matrix.ts";

/** Sums of at most 64 products and 44 weights in float32, and the driver's own exp. */
const TOLERANCE = 2e-5;

const CASES: readonly [string, Layout, AttentionShape][] = [
  [
    "a causal sequence of 33, 4 heads on 2 of 64",
    packed([33]),
    { heads: 4, kvHeads: 2, headDim: 64, scale: 0.25 },
  ],
  [
    "two pairs with shared prompts, 3 heads on 1 of 24",
    pairs([[9, 12, 5], [1, 3, 14]]),
    { heads: 3, kvHeads: 1, headDim: 24, scale: 0.4 },
  ],
  [
    "a sliding window of 5 and scores capped at 1.5, heads of 6",
    packed([19, 7], 5),
    { heads: 2, kvHeads: 2, headDim: 6, scale: 0.8, softcap: 1.5 },
  ],
];

for (const [name, layout, shape] of CASES) {
  await gpuTest(
    `attention() gives softmax(Q Kᵀ) V for ${name}`,
    async (device) => {
      const inputs = randomInputs(layout, shape);
      const { heads, kvHeads, headDim } = shape;
      const queries = layout.ranges.length / 4;
      const { o } = attention(
        device,
        device.upload(inputs.q, [queries, heads * headDim]),
        device.upload(inputs.k, [layout.keys, kvHeads * headDim]),
        device.upload(inputs.v, [layout.keys, kvHeads * headDim]),
        device.upload(layout.ranges, [queries, 4], "u32"),
        shape,
      );
      const got = await device.read(o);
      for (let head = 0; head < heads; head++) {
        const want = await device.read(
          headByDefinition(device, inputs, layout, { ...shape, head }),
        );
        const part = columns(got, heads, headDim, head);
        assertClose(part, want, TOLERANCE, `o of head ${head}`);
      }
    },
  );
}

type Inputs = ReturnType<typeof randomInputs>;

/** `softmax(score(q kᵀ) + mask) v` of one query head, `[queries, headDim]`. */
function headByDefinition(
  device: Device,
  inputs: Inputs,
  layout: Layout,
  { head, ...shape }: AttentionShape & { readonly head: number },
): Tensor {
  const { heads, kvHeads, headDim, scale, softcap } = shape;
  const { keys } = layout;
  const queries = layout.ranges.length / 4;
  const kvHead = Math.floor(head / (heads / kvHeads));
  const q = columns(inputs.q, heads, headDim, head);
  const k = columns(inputs.k, kvHeads, headDim, kvHead);
  const v = columns(inputs.v, kvHeads, headDim, kvHead);
  const scores = fullLogits(
    device,
    device.upload(q, [queries, headDim]),
    uploadMatrix(device, k, [keys, headDim]),
    { logitScale: scale, softcap },
  );
  const mask = device.upload(maskOf(layout), [queries, keys]);
  const p = softmax(device, add(device, scores, mask));
  const columnsOfV = transposed(v, keys, headDim);
  return linear(device, p, uploadMatrix(device, columnsOfV, [headDim, keys]));
}

/** The columns of one head of rows with `heads` heads. */
function columns(
  x: Float32Array,
  heads: number,
  headDim: number,
  head: number,
): Float32Array<ArrayBuffer> {
  const rows = x.length / (heads * headDim);
  return Float32Array.from({ length: rows * headDim }, (_, i) => {
    const row = Math.floor(i / headDim);
    return x[(row * heads + head) * headDim + i % headDim]!;
  });
}

function transposed(
  x: Float32Array,
  rows: number,
  cols: number,
): Float32Array<ArrayBuffer> {
  return Float32Array.from(
    { length: x.length },
    (_, i) => x[i % rows * cols + Math.floor(i / rows)]!,
  );
}

/** `[queries, keys]`: 0 where a query sees a key, and so low elsewhere that its weight is 0. */
function maskOf({ keys, ranges }: Layout): Float32Array<ArrayBuffer> {
  const queries = ranges.length / 4;
  return Float32Array.from({ length: queries * keys }, (_, i) => {
    const key = i % keys;
    const [a, b, c, d] = ranges.subarray(4 * Math.floor(i / keys));
    const sees = key >= a! && key < b! || key >= c! && key < d!;
    return sees ? 0 : -1e30;
  });
}
