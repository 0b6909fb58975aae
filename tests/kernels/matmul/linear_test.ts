import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  linear,
  linearDw,
  linearDx,
  linearDxRows,
  linearRows,
} from "../../../kernels/matmul/linear.ts";
import type { Tensor } from "../../../kernels/device/tensor.ts";
import { linearBackwardTwin, linearTwin } from "../../reference/linear.ts";
import { gpuTest } from "../gpu_test_case.ts";
import { seededMatrix, SMALL_WINDOW } from "../matrix_case.ts";
import { assertClose, seeded } from "../numbers.ts";
import { test } from "../../test_case.ts";

/**
 * f32 sums of `length` products err by at most eps * length, in practice by its root; 8 leaves
 * room.
 */
const tolerance = (length: number) => 2 ** -24 * 8 * Math.sqrt(length + 1);

for (const dtype of ["f32", "bf16", "f16"] as const) {
  for (
    const [tokens, rows, cols] of [
      [1, 257, 172],
      [2, 67, 36],
      [3, 8, 33],
      [7, 33, 172],
      [33, 7, 20],
      [70, 260, 36],
    ] as const
  ) {
    const size = { tokens, rows, cols };
    const name = `[${tokens}, ${cols}] and ${dtype} [${rows}, ${cols}]`;
    await gpuTest(`linear() multiplies ${name}, with bias`, async (device) => {
      const { w, values } = seededMatrix(device, rows, cols, dtype);
      const data = seeded(tokens * cols, 1);
      const bias = seeded(rows, 2);
      const x = device.upload(data, [tokens, cols]);
      const y = linear(device, x, w, { bias: device.upload(bias, [rows]) });
      const want = linearTwin(data, values, { ...size, bias });
      assertEquals(y.shape, [tokens, rows]);
      assertClose(await device.read(y), want, tolerance(cols));
    });

    await gpuTest(`linearDx() and linearDw() of ${name}`, async (device) => {
      const { w, values } = seededMatrix(device, rows, cols, dtype);
      const x = seeded(tokens * cols, 1);
      const dy = seeded(tokens * rows, 2);
      const dyTensor = device.upload(dy, [tokens, rows]);
      const xTensor = device.upload(x, [tokens, cols]);
      const want = linearBackwardTwin(dy, x, values, size);
      const dx = linearDx(device, dyTensor, w);
      const dw = linearDw(device, dyTensor, xTensor);
      assertClose(await device.read(dx), want.dx, tolerance(rows), "dx");
      assertClose(await device.read(dw), want.dw, tolerance(tokens), "dw");
    });
  }

  await gpuTest(
    `linear() gives two rows the bits that each gets alone, ${dtype}`,
    async (device) => {
      const [rows, cols] = [70, 60];
      const { w } = seededMatrix(device, rows, cols, dtype);
      const data = seeded(2 * cols, 1);
      const both = linear(device, device.upload(data, [2, cols]), w);
      const alone = [0, 1].map((i) => {
        const row = data.slice(i * cols, (i + 1) * cols);
        return linear(device, device.upload(row, [1, cols]), w);
      });
      const rowsAlone = await device.readAll(alone);
      assertEquals(
        [...await device.read(both)],
        rowsAlone.flatMap((row) => [...row]),
      );
    },
    { kinds: ["cpu"] },
  );

  await gpuTest(
    `linear() and its gradients add ${dtype} products over windows and slices`,
    async (device) => {
      const size = { tokens: 130, rows: 300, cols: 172 };
      const { tokens, rows, cols } = size;
      const { w, values } = seededMatrix(device, rows, cols, dtype);
      const x = seeded(tokens * cols, 1);
      const dy = seeded(tokens * rows, 2);
      const xTensor = device.upload(x, [tokens, cols]);
      const dyTensor = device.upload(dy, [tokens, rows]);
      const ones = (a: number, b: number) =>
        device.upload(new Float32Array(a * b).fill(1), [a, b]);
      const y = ones(tokens, rows);
      assertEquals(linear(device, xTensor, w, { into: y, factor: 3 }), y);
      const dx = linearDx(device, dyTensor, w, {
        into: ones(tokens, cols),
        factor: 3,
      });
      const dw = linearDw(device, dyTensor, xTensor, {
        into: ones(rows, cols),
      });
      const want = linearBackwardTwin(dy, x, values, size);
      const more = (v: Float64Array) => v.map((value) => value + 1);
      const thrice = (v: Float64Array) => more(v.map((value) => 3 * value));
      const wantY = thrice(linearTwin(x, values, size));
      assertClose(await device.read(y), wantY, 3 * tolerance(cols), "y");
      const wantDx = thrice(want.dx);
      assertClose(await device.read(dx), wantDx, 3 * tolerance(rows), "dx");
      assertClose(
        await device.read(dw),
        more(want.dw),
        tolerance(tokens),
        "dw",
      );
    },
    { windowBytes: SMALL_WINDOW },
  );
}

for (const dtype of ["f32", "bf16"] as const) {
  for (
    const [tokens, windowBytes] of [
      [70, 64 * 20 * 4],
      [70, 1 << 27],
      [3, 1 << 27],
    ] as const
  ) {
    await gpuTest(
      `linear() and linearDx() add a second product to a ${dtype} one, ${tokens} tokens, bindings of ${windowBytes} bytes`,
      async (device) => {
        const [rows, cols, rank] = [131, 20, 6];
        const size = { tokens, rows, cols };
        const { w, values } = seededMatrix(device, rows, cols, dtype);
        const a = seededMatrix(device, rank, cols, "f32");
        const b = seededMatrix(device, rows, rank, "f32");
        const [x, h] = [seeded(tokens * cols, 1), seeded(tokens * rank, 2)];
        const dy = seeded(tokens * rows, 3);
        const low = device.upload(h, [tokens, rank]);
        const y = linear(device, device.upload(x, [tokens, cols]), w, {
          more: { x: low, w: b.w },
          factor: 0.5,
        });
        const dx = linearDx(device, device.upload(dy, [tokens, rows]), w, {
          more: { x: low, w: a.w },
          factor: 0.5,
        });
        const plain = linearTwin(x, values, size);
        const extra = linearTwin(h, b.values, { tokens, rows, cols: rank });
        const wantY = plain.map((v, i) => (v + extra[i]!) / 2);
        assertClose(await device.read(y), wantY, tolerance(cols + rank), "y");
        const back = linearBackwardTwin(dy, x, values, size).dx;
        const backLow = linearBackwardTwin(h, x, a.values, {
          tokens,
          rows: rank,
          cols,
        }).dx;
        const wantDx = back.map((v, i) => (v + backLow[i]!) / 2);
        assertClose(
          await device.read(dx),
          wantDx,
          tolerance(rows + rank),
          "dx",
        );
      },
      { windowBytes },
    );
  }
}

for (const windowBytes of [SMALL_WINDOW, 1 << 27]) {
  await gpuTest(
    `linearRows() and linearDxRows() use a row window, bindings of ${windowBytes} bytes`,
    async (device) => {
      const [tokens, rows, cols, first, count] = [70, 300, 172, 64, 132];
      const { w, values } = seededMatrix(device, rows, cols, "bf16");
      const part = values.subarray(first * cols, (first + count) * cols);
      const size = { tokens, rows: count, cols };
      const x = seeded(tokens * cols, 1);
      const p = seeded(tokens * count, 2);
      const scale = seeded(tokens, 3);
      const into = seeded(tokens * cols, 4);
      const y = linearRows(
        device,
        device.upload(x, [tokens, cols]),
        w,
        first,
        count,
      );
      const dx = device.upload(into, [tokens, cols]);
      const plain = device.upload(into, [tokens, cols]);
      const pTensor = device.upload(p, [tokens, count]);
      const scaleTensor = device.upload(scale, [tokens]);
      linearDxRows(device, pTensor, w, first, dx, scaleTensor);
      linearDxRows(device, pTensor, w, first, plain);
      const added = linearBackwardTwin(p, x, part, size).dx;
      const want = (factor: (token: number) => number) =>
        added.map((v, i) => v + into[i]! * factor(Math.floor(i / cols)));
      const wantY = linearTwin(x, part, size);
      assertClose(await device.read(y), wantY, tolerance(cols), "y");
      const scaled = want((token) => scale[token]!);
      assertClose(await device.read(dx), scaled, tolerance(count), "scaled");
      const unscaled = want(() => 1);
      assertClose(
        await device.read(plain),
        unscaled,
        tolerance(count),
        "plain",
      );
    },
    { windowBytes },
  );
}

await gpuTest("linear() and its gradients take no tokens", async (device) => {
  const { w } = seededMatrix(device, 8, 12, "f32");
  const x = device.allocate([0, 12]);
  const dy = device.allocate([0, 8]);
  assertEquals(linear(device, x, w).shape, [0, 8]);
  assertEquals(linearDx(device, dy, w).shape, [0, 12]);
  const dw = await device.read(linearDw(device, dy, x));
  assert(dw.every((v) => v === 0));
});

await gpuTest("linear() names shapes that do not fit", (device) => {
  const { w } = seededMatrix(device, 8, 12, "f32");
  const x: Tensor = device.allocate([3, 16]);
  assertThrows(
    () => linear(device, x, w),
    TypeError,
    'tensor "x": shape [3, 16], expected 3 rows of 12',
  );
  assertThrows(
    () => linearRows(device, device.allocate([3, 12]), w, 0, 9),
    RangeError,
    "rows 0 to 9 of a matrix [8, 12]",
  );
  const pairs = seededMatrix(device, 8, 12, "bf16").w;
  assertThrows(
    () => linearRows(device, device.allocate([3, 12]), pairs, 1, 2),
    RangeError,
    "from row 1: expected a multiple of 2",
  );
  return Promise.resolve();
});

test({
  name: "linearBackwardTwin() is the slope of linearTwin()",
  permissions: "none",
  fn() {
    const size = { tokens: 3, rows: 4, cols: 5 };
    const x = Float64Array.from(seeded(15, 1));
    const w = Float64Array.from(seeded(20, 2));
    const dy = Float64Array.from(seeded(12, 3));
    const { dx, dw } = linearBackwardTwin(dy, x, w, size);
    const loss = () =>
      linearTwin(x, w, size).reduce((sum, y, i) => sum + y * dy[i]!, 0);
    for (const [data, slopes] of [[x, dx], [w, dw]] as const) {
      const got = data.map((_, i) => centralDifference(data, i, loss));
      assertClose(got, slopes, 1e-8);
    }
  },
});

function centralDifference(
  data: Float64Array,
  i: number,
  loss: () => number,
): number {
  const at = data[i]!;
  const step = 1e-4;
  data[i] = at + step;
  const above = loss();
  data[i] = at - step;
  const below = loss();
  data[i] = at;
  return (above - below) / (2 * step);
}
