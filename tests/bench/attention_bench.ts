// deno-lint-ignore-file no-console -- a bench prints
/**
 * Milliseconds of attention forward and backward, 14 heads on 2 of 64, causal, at 128 to 2,048 tokens; and of one
 * query on a cache of 1,024 keys. Run with `deno run -A tests/bench/attention_bench.ts [panel|tile]`.
 */
import { attention, attentionBackward } from "../../kernels/attention.ts";
import { Device } from "../../kernels/device.ts";
import type { Variant } from "../../kernels/device_options.ts";
import {
  type Layout,
  packed,
  pairs,
  queryRangesOf,
  randomInputs,
} from "../kernels/attention_case.ts";

const shape = { heads: 14, kvHeads: 2, headDim: 64, scale: 0.125 };
const variant = Deno.args[0] as Variant | undefined;
using device = await Device.open(variant ? { variant } : {});

async function milliseconds(
  repeats: number,
  launch: () => void,
): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 6; i++) {
    const began = performance.now();
    for (let n = 0; n < repeats; n++) {
      using _scope = device.scope();
      launch();
    }
    await device.finish();
    if (i > 0) times.push((performance.now() - began) / repeats);
  }
  return Math.min(...times);
}

async function bench(name: string, layout: Layout): Promise<void> {
  using _scope = device.scope();
  const inputs = randomInputs(layout, shape);
  const queries = layout.ranges.length / 4;
  const q = device.upload(inputs.q, [queries, 896]);
  const k = device.upload(inputs.k, [layout.keys, 128]);
  const v = device.upload(inputs.v, [layout.keys, 128]);
  const dO = device.upload(inputs.dO, [queries, 896]);
  const ranges = device.upload(inputs.ranges, [queries, 4], "u32");
  const queryRanges = device.upload(
    queryRangesOf(layout),
    [layout.keys, 2],
    "u32",
  );
  const repeats = queries > 600 ? 1 : 4;
  const forward = await milliseconds(
    repeats,
    () => attention(device, q, k, v, ranges, shape),
  );
  const { o, lse } = attention(device, q, k, v, ranges, shape);
  const all = { q, k, v, o, lse, ranges, queryRanges };
  const backward = await milliseconds(
    repeats,
    () => attentionBackward(device, all, dO, shape),
  );
  console.log(
    `${name.padEnd(34)} forward ${
      forward.toFixed(2).padStart(8)
    } ms   backward ${backward.toFixed(2).padStart(8)} ms`,
  );
}

console.log(device.description, device.variant);
for (const tokens of [128, 256, 512, 1024, 2048]) {
  await bench(`${tokens} tokens, causal`, packed([tokens]));
}
await bench("170 | 260 | 275, a pair", pairs([[170, 260, 275]]));
await bench("4 x 128 tokens, packed", packed([128, 128, 128, 128]));
await bench("1 query, 1024 keys", {
  keys: 1024,
  ranges: Uint32Array.of(0, 0, 0, 1024),
});
