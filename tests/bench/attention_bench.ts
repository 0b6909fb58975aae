/**
 * Attention forward and backward, 14 heads on 2 of 64: causal at 128 to 2,048 tokens, a pair with
 * its prompt shared, and packed sequences. Operations are those of the products of what each query
 * sees.
 */
import {
  attention,
  attentionBackward,
} from "../../kernels/attention/attention.ts";
import {
  type Layout,
  packed,
  pairs,
  queryRangesOf,
  randomInputs,
} from "../kernels/attention_case.ts";
import { benchKernel, device } from "./bench_kernel.ts";

const shape = { heads: 14, kvHeads: 2, headDim: 64, scale: 0.125 };
const WIDTH = shape.heads * shape.headDim;
const KEY_WIDTH = shape.kvHeads * shape.headDim;

function operandsOf(layout: Layout) {
  const make = () => {
    const inputs = randomInputs(layout, shape);
    const queries = layout.ranges.length / 4;
    const q = device.upload(inputs.q, [queries, WIDTH]);
    const k = device.upload(inputs.k, [layout.keys, KEY_WIDTH]);
    const v = device.upload(inputs.v, [layout.keys, KEY_WIDTH]);
    const dO = device.upload(inputs.dO, [queries, WIDTH]);
    const ranges = device.upload(layout.ranges.slice(), [queries, 4], "u32");
    const seenBy = queryRangesOf(layout);
    const queryRanges = device.upload(seenBy, [layout.keys, 2], "u32");
    const { o, lse } = attention(device, q, k, v, ranges, shape);
    return { all: { q, k, v, o, lse, ranges, queryRanges }, dO };
  };
  let made: ReturnType<typeof make> | undefined;
  return () => made ??= make();
}

function register(name: string, layout: Layout): void {
  const queries = layout.ranges.length / 4;
  let seen = 0;
  for (let i = 0; i < layout.ranges.length; i += 2) {
    seen += layout.ranges[i + 1]! - layout.ranges[i]!;
  }
  // scores and values
  const operations = 4 * seen * WIDTH;
  const ownBytes = 4 * queries * WIDTH;
  const keyBytes = 4 * layout.keys * KEY_WIDTH;
  const operands = operandsOf(layout);
  const forward = { operations, bytes: 2 * ownBytes + 2 * keyBytes };
  benchKernel(
    `attention ${name}`,
    forward,
    operands,
    ({ all }) => attention(device, all.q, all.k, all.v, all.ranges, shape),
  );
  // scores anew, and two products for each of the two forward
  const backward = {
    operations: 2.5 * operations,
    bytes: 4 * ownBytes + 4 * keyBytes,
  };
  benchKernel(
    `attentionBackward ${name}`,
    backward,
    operands,
    ({ all, dO }) => attentionBackward(device, all, dO, shape),
  );
}

for (const tokens of [128, 256, 512, 1024, 2048]) {
  register(`${tokens} tokens`, packed([tokens]));
}
register("170 | 260 | 275, a pair", pairs([[170, 260, 275]]));
register("4 x 128 tokens, packed", packed([128, 128, 128, 128]));
