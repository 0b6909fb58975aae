/**
 * A cache that grows in steps, and attention over it: against the twins, for both kinds of store.
 */
import { assert, assertThrows } from "@std/assert";
import {
  cachedAttention,
  cachedSplit,
} from "../../../kernels/attention/cached_attention.ts";
import { cacheRows } from "../../../kernels/attention/cache_rows.ts";
import type { Device } from "../../../kernels/device/device.ts";
import { createRowStore } from "../../../kernels/attention/row_store.ts";
import { attention as attentionTwin } from "../../reference/attention.ts";
import { angleTable, ropeTwin } from "../../reference/rope.ts";
import { gpuTest } from "../gpu_test_case.ts";
import { assertClose, seeded } from "../numbers.ts";
import { test } from "../../test_case.ts";

interface Case {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly rotaryDim: number;
  readonly interleaved?: boolean;
  readonly softcap?: number;
}

const CASES: readonly Case[] = [
  { heads: 14, kvHeads: 2, headDim: 64, rotaryDim: 64 },
  { heads: 4, kvHeads: 4, headDim: 8, rotaryDim: 8, interleaved: true },
  { heads: 3, kvHeads: 1, headDim: 12, rotaryDim: 6, softcap: 3 },
  { heads: 4, kvHeads: 2, headDim: 6, rotaryDim: 4 },
  { heads: 4, kvHeads: 2, headDim: 16, rotaryDim: 8 },
  { heads: 2, kvHeads: 1, headDim: 16, rotaryDim: 0 },
  // more heads of one key head than a workgroup takes; more dims than two heads of a lane may have
  { heads: 40, kvHeads: 1, headDim: 4, rotaryDim: 4 },
  { heads: 6, kvHeads: 2, headDim: 132, rotaryDim: 8 },
];

/** Tokens of two sequences in each step: many, one, a few, both. */
const STEPS = [[33, 0], [1, 0], [1, 7], [0, 1], [1, 1], [5, 2]] as const;
const CAPACITY = 64;

/** The next tokens of two sequences: their rows of the cache, positions, and the keys they see. */
function stepOf(counts: readonly number[], lengths: number[]) {
  const rows: number[] = [];
  const positions: number[] = [];
  const ranges: number[] = [];
  for (const [s, count] of counts.entries()) {
    for (let i = 0; i < count; i++) {
      const position = lengths[s]!++;
      const first = s * CAPACITY;
      positions.push(position);
      rows.push(first + position);
      // the first ten of a long past are cut out
      const cut = position > 20
        ? [first, first + 3, first + 10]
        : [0, 0, first];
      ranges.push(...cut, first + position + 1);
    }
  }
  return { rows, positions, ranges };
}

async function check(device: Device, shape: Case): Promise<void> {
  const { heads, kvHeads, headDim, rotaryDim, interleaved = false } = shape;
  const cosSin = angleTable(CAPACITY, rotaryDim);
  const options = {
    headDim,
    interleaved,
    cosSin: device.upload(cosSin, [CAPACITY, rotaryDim]),
  };
  const store = () =>
    createRowStore(device, 2 * CAPACITY, { heads: kvHeads, headDim });
  const cache = { k: store(), v: store() };
  const cols = kvHeads * headDim;
  const keys = new Float64Array(2 * CAPACITY * cols);
  const values = new Float64Array(2 * CAPACITY * cols);
  const lengths = [0, 0];
  for (const [step, counts] of STEPS.entries()) {
    const { rows, positions, ranges } = stepOf(counts, lengths);
    const n = rows.length;
    const q = seeded(n * heads * headDim, 3 * step + 1);
    const k = seeded(n * cols, 3 * step + 2);
    const v = seeded(n * cols, 3 * step + 3);
    // the last token alone asks in every other step
    const asking = step % 2 === 0 ? n : 1;
    const askFrom = n - asking;
    const asked = q.subarray(askFrom * heads * headDim);
    const places = [
      ...positions.slice(askFrom).flatMap((at) => [at, 0]),
      ...positions.flatMap((at, i) => [at, rows[i]!]),
    ];
    const turned = cacheRows(
      device,
      {
        q: device.upload(asked, [asking, heads * headDim]),
        k: device.upload(k, [n, cols]),
        v: device.upload(v, [n, cols]),
      },
      device.upload(Uint32Array.from(places), [asking + n, 2], "u32"),
      cache,
      options,
    );
    const turn = (x: Float32Array, at: number[], heads: number) =>
      ropeTwin(x, cosSin, at, { heads, headDim, rotaryDim, interleaved });
    const wantQ = turn(asked, positions.slice(askFrom), heads);
    assertClose(await device.read(turned), wantQ, 1e-6, `queries ${step}`);
    const wantK = turn(k, positions, kvHeads);
    for (const [i, row] of rows.entries()) {
      keys.set(wantK.subarray(i * cols, (i + 1) * cols), row * cols);
      values.set(v.subarray(i * cols, (i + 1) * cols), row * cols);
    }
    const seen = Uint32Array.from(ranges.slice(4 * askFrom));
    const attention = { ...shape, scale: 2 / Math.sqrt(headDim) };
    const uploaded = device.upload(seen, [asking, 4], "u32");
    const inputs = { q: wantQ, k: keys, v: values, ranges: seen };
    const want = attentionTwin(inputs, attention);
    for (const separate of [false, true]) {
      const ranges = { ranges: uploaded, separate };
      const o = cachedAttention(device, turned, cache, ranges, attention);
      assertClose(await device.read(o), want.o, 2e-5, `attention ${step}`);
    }
  }
}

for (const shape of CASES) {
  await gpuTest(
    `cachedAttention() over rows of cacheRows() equals attention over all tokens with ${
      JSON.stringify(shape)
    }`,
    (device) => check(device, shape),
  );
}

await gpuTest("cacheRows() names what does not fit", (device) => {
  const heads = { heads: 2, headDim: 8 };
  const cache = {
    k: createRowStore(device, 4, heads),
    v: createRowStore(device, 4, heads),
  };
  assert(cache.k.cols === 16);
  const q = device.zeros([1, 32]);
  const one = device.zeros([1, 16]);
  const options = { headDim: 8, cosSin: device.zeros([4, 8]) };
  const places = device.zeros([2, 2], "u32");
  assertThrows(
    () => cacheRows(device, { q, k: q, v: one }, places, cache, options),
    TypeError,
    '"k": shape [1, 32], expected [1, 16]',
  );
  assertThrows(
    () => cacheRows(device, { q, k: one, v: one }, q, cache, options),
    TypeError,
    '"places": shape [1, 32], expected [2, 2]',
  );
  return Promise.resolve();
});

test("cachedSplit() gives each head a lane, and uses all lanes that workgroup memory holds", () => {
  const room = 16_384;
  for (const lanes of [8, 16] as const) {
    for (const headDim of [8, 64, 128, 132, 256, 512]) {
      for (const group of [1, 2, 5, 7, 16, 40]) {
        const split = cachedSplit(headDim, group, { lanes, room });
        const { heads, headLanes, keyLanes, blocks } = split;
        const used = headLanes * keyLanes;
        const shape = JSON.stringify({ lanes, headDim, group, split });
        assert(Number.isInteger(Math.log2(used)) && used <= lanes, shape);
        assert(heads * headLanes * blocks >= group, shape);
        assert(heads * headLanes * (blocks - 1) < group, shape);
        const bytes = (lanes: number) => lanes * heads * (4 * headDim + 8);
        assert(bytes(used) <= room, shape);
        assert(used === lanes || bytes(2 * used) > room, shape);
      }
    }
  }
});
