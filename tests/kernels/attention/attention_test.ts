import { assertEquals, assertThrows } from "@std/assert";
import {
  attention,
  attentionBackward,
  type AttentionShape,
} from "../../../kernels/attention/attention.ts";
import type { Device } from "../../../kernels/device/device.ts";
import * as twin from "../../reference/attention.ts";
import {
  type Layout,
  packed,
  pairs,
  queryRangesOf,
  randomInputs,
} from "../attention_case.ts";
import { gpuTest } from "../gpu_test_case.ts";
import { assertClose } from "../numbers.ts";
import { test } from "../../test_case.ts";

/**
 * Sums of at most 64 products and 300 weights in float32, and the driver's own exp: some 2^-24 *
 * 300 at worst.
 */
const TOLERANCE = 2e-5;

function heads(
  heads: number,
  kvHeads: number,
  headDim: number,
  softcap = 0,
): AttentionShape {
  return { heads, kvHeads, headDim, scale: 2 / Math.sqrt(headDim), softcap };
}

type Inputs = ReturnType<typeof randomInputs>;

function upload(
  device: Device,
  inputs: Inputs,
  { heads, kvHeads, headDim }: AttentionShape,
) {
  const queries = inputs.ranges.length / 4;
  const keys = inputs.k.length / (kvHeads * headDim);
  return {
    q: device.upload(inputs.q, [queries, heads * headDim]),
    k: device.upload(inputs.k, [keys, kvHeads * headDim]),
    v: device.upload(inputs.v, [keys, kvHeads * headDim]),
    dO: device.upload(inputs.dO, [queries, heads * headDim]),
    ranges: device.upload(inputs.ranges, [queries, 4], "u32"),
  };
}

async function run(
  device: Device,
  layout: Layout,
  inputs: Inputs,
  shape: AttentionShape,
) {
  const { q, k, v, dO, ranges } = upload(device, inputs, shape);
  const { o, lse } = attention(device, q, k, v, ranges, shape);
  const queryRanges = device.upload(
    queryRangesOf(layout),
    [layout.keys, 2],
    "u32",
  );
  const { dq, dk, dv } = attentionBackward(
    device,
    { q, k, v, o, lse, ranges, queryRanges },
    dO,
    shape,
  );
  return {
    o: await device.read(o),
    lse: await device.read(lse),
    dq: await device.read(dq),
    dk: await device.read(dk),
    dv: await device.read(dv),
  };
}

const CASES: readonly [string, Layout, AttentionShape][] = [
  [
    "one causal sequence of 33, 14 heads on 2 of 64",
    packed([33]),
    heads(14, 2, 64),
  ],
  ["sequences of 1 and 2 tokens", packed([1, 2]), heads(2, 1, 8)],
  [
    "packed sequences of 7, 1, 33 and 20, head of 8",
    packed([7, 1, 33, 20]),
    heads(4, 4, 8),
  ],
  ["a sequence of 257 without groups", packed([257]), heads(1, 1, 8)],
  [
    "pairs with shared prompts, 3 heads on 1 of 24",
    pairs([[9, 12, 5], [1, 3, 20], [17, 1, 1]]),
    heads(3, 1, 24),
  ],
  [
    "a sliding window of 5 in packed sequences",
    packed([40, 11], 5),
    heads(4, 2, 8),
  ],
  [
    "a sliding window of 6 over shared prompts",
    pairs([[10, 14, 9]], 6),
    heads(2, 1, 8),
  ],
  ["scores capped at 1.5", pairs([[5, 8, 6]]), heads(4, 2, 8, 1.5)],
  ["heads of 40", packed([9, 12]), heads(2, 1, 40)],
  ["260 key heads, enough for a card", packed([40]), heads(260, 260, 4)],
  ["heads of 6, not a multiple of 4", packed([19]), heads(2, 1, 6)],
];

for (const [name, layout, shape] of CASES) {
  await gpuTest(
    `attention() and attentionBackward() agree with their twins for ${name}`,
    async (device) => {
      const inputs = randomInputs(layout, shape);
      const got = await run(device, layout, inputs, shape);
      const want = {
        ...twin.attention(inputs, shape),
        ...twin.attentionBackward(inputs, inputs.dO, shape),
      };
      for (const key of ["o", "lse", "dq", "dk", "dv"] as const) {
        assertClose(got[key], want[key], TOLERANCE, key);
      }
    },
  );
}

for (const queries of [1, 3]) {
  await gpuTest(
    `attention() lets ${queries} queries see part of a longer cache`,
    async (device) => {
      const shape = heads(14, 2, 64);
      const ranges = Uint32Array.from(
        Array.from({ length: queries }, (_, i) => [3, 3, 3, 40 + i]).flat(),
      );
      const inputs = randomInputs({ keys: 64, ranges }, shape);
      // what lies past the seen keys must not matter
      for (const cache of [inputs.k, inputs.v]) {
        cache.fill(NaN, (39 + queries) * 2 * 64);
      }
      const { q, k, v, ranges: seen } = upload(device, inputs, shape);
      const { o, lse } = attention(device, q, k, v, seen, shape);
      const want = twin.attention(inputs, shape);
      assertClose(await device.read(o), want.o, TOLERANCE, "o");
      assertClose(await device.read(lse), want.lse, TOLERANCE, "lse");
    },
  );
}

await gpuTest(
  "attention() gives zeros and no NaN to a query without keys",
  async (device) => {
    const shape = heads(2, 1, 8);
    const layout = {
      keys: 3,
      ranges: Uint32Array.of(0, 0, 0, 0, 0, 0, 0, 2, 2, 2, 3, 3, 3, 1, 9, 2),
    };
    const inputs = randomInputs(layout, shape);
    const got = await run(device, layout, inputs, shape);
    const want = twin.attentionBackward(inputs, inputs.dO, shape);
    const { o } = twin.attention(inputs, shape);
    assertEquals([...got.lse].map((x) => x < -1e29), [
      true,
      true,
      false,
      false,
      true,
      true,
      true,
      true,
    ]);
    for (const key of ["dq", "dk", "dv"] as const) {
      assertClose(got[key], want[key], TOLERANCE, key);
    }
    assertClose(got.o, o, TOLERANCE, "o");
  },
);

await gpuTest(
  "attention() of no queries is empty, and of no keys zero",
  async (device) => {
    const shape = heads(2, 1, 8);
    const none = randomInputs({ keys: 0, ranges: new Uint32Array(8) }, shape);
    const got = await run(
      device,
      { keys: 0, ranges: none.ranges },
      none,
      shape,
    );
    assertEquals([...got.o, ...got.dq], Array(64).fill(0));
    const empty = randomInputs({ keys: 2, ranges: new Uint32Array(0) }, shape);
    const { dk } = await run(
      device,
      { keys: 2, ranges: empty.ranges },
      empty,
      shape,
    );
    assertEquals([...dk], Array(16).fill(0));
  },
);

await gpuTest(
  "attentionBackward() of a shared prompt gives what two full sequences give",
  async (device) => {
    const shape = heads(4, 2, 8);
    const [prompt, chosen, rejected] = [11, 9, 14];
    const shared = pairs([[prompt, chosen, rejected]]);
    const inputs = randomInputs(shared, shape);
    // the prompt's queries count once: their slope goes to the first copy only
    const halves = packed([prompt + chosen, prompt + rejected]);
    const twice = (x: Float32Array, cols: number) =>
      Float32Array.of(
        ...x.subarray(0, (prompt + chosen) * cols),
        ...x.subarray(0, prompt * cols),
        ...x.subarray((prompt + chosen) * cols),
      );
    const full = {
      q: twice(inputs.q, 32),
      k: twice(inputs.k, 16),
      v: twice(inputs.v, 16),
      dO: twice(inputs.dO, 32),
      ranges: halves.ranges,
    };
    full.dO.fill(0, (prompt + chosen) * 32, (prompt + chosen + prompt) * 32);
    const a = await run(device, shared, inputs, shape);
    const b = await run(device, halves, full, shape);
    assertClose(twice(a.o, 32), b.o, TOLERANCE, "o");
    const second = prompt + chosen + prompt;
    const without = (x: Float32Array, cols: number) =>
      Float32Array.of(
        ...x.subarray(0, (prompt + chosen) * cols),
        ...x.subarray(second * cols),
      );
    assertClose(a.dq, without(b.dq, 32), TOLERANCE, "dq");
    for (const key of ["dk", "dv"] as const) {
      const summed = without(b[key], 16);
      for (let i = 0; i < prompt * 16; i++) {
        summed[i]! += b[key][(prompt + chosen) * 16 + i]!;
      }
      assertClose(a[key], summed, TOLERANCE, key);
    }
  },
);

await gpuTest(
  "attentionBackward() gives the same bits twice",
  async (device) => {
    const shape = heads(4, 2, 8);
    const layout = pairs([[20, 30, 25]]);
    const inputs = randomInputs(layout, shape);
    assertEquals(
      await run(device, layout, inputs, shape),
      await run(device, layout, inputs, shape),
    );
  },
);

await gpuTest("attention() names the tensor whose shape is wrong", (device) => {
  const [q, k] = [device.zeros([3, 16]), device.zeros([3, 8])];
  const ranges = device.zeros([3, 3], "u32");
  assertThrows(
    () => attention(device, q, k, k, ranges, heads(2, 1, 8)),
    TypeError,
    '"ranges": shape [3, 3], expected [3, 4]',
  );
  assertThrows(
    () => attention(device, q, k, k, ranges, heads(3, 2, 8)),
    RangeError,
    "3 heads on 2 key heads",
  );
  return Promise.resolve();
}, { kinds: ["gpu"] });

test({
  name: "the twin's attentionBackward() is the slope of its attention()",
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
  fn() {
    const shape = heads(2, 1, 6, 1.2);
    const inputs = randomInputs(pairs([[3, 2, 3]]), shape);
    const got = twin.attentionBackward(inputs, inputs.dO, shape);
    const loss = (changed: object) =>
      twin.attention({ ...inputs, ...changed }, shape).o
        .reduce((sum, o, i) => sum + o * inputs.dO[i]!, 0);
    for (const key of ["q", "k", "v"] as const) {
      const slopes = Array.from(inputs[key], (_, i) => {
        const [up, down] = [1e-5, -1e-5].map((step) => {
          const moved = Float64Array.from(inputs[key]);
          moved[i]! += step;
          return loss({ [key]: moved });
        });
        return (up! - down!) / 2e-5;
      });
      assertClose(got[`d${key}`], slopes, 1e-8, key);
    }
  },
});
