import { assertThrows } from "@std/assert";
import { createMatrix } from "../../kernels/matrix/matrix.ts";
import { writeMatrixScales } from "../../kernels/matrix/matrix_scales.ts";
import { linear, linearDx } from "../../kernels/matmul/linear.ts";
import { embedding } from "../../kernels/matmul/embedding.ts";
import { linearBackwardTwin, linearTwin } from "../reference/linear.ts";
import { gpuTest } from "./gpu_test_case.ts";
import { seededCodes, seededMatrix } from "./matrix_case.ts";
import { assertClose, seeded } from "./numbers.ts";

/** As in linear_test.ts: the products multiply exactly what the codes stand for. */
const tolerance = (length: number) => 2 ** -24 * 8 * Math.sqrt(length + 1);

const SHAPES = {
  int8: [[1, 257, 172], [3, 7, 33], [7, 1, 257], [70, 33, 36]],
  nf4: [[1, 257, 64], [3, 7, 192], [7, 1, 128], [33, 130, 64], [70, 33, 320]],
  fp4: [[3, 7, 128], [33, 33, 64]],
} as const;

for (const dtype of ["int8", "nf4", "fp4"] as const) {
  for (const [tokens, rows, cols] of SHAPES[dtype]) {
    const size = { tokens, rows, cols };
    await gpuTest(
      `linear() and linearDx() multiply [${tokens}, ${cols}] by ${dtype} codes [${rows}, ${cols}]`,
      async (device) => {
        const { w, values } = seededCodes(device, rows, cols, dtype);
        const data = seeded(tokens * cols, 1);
        const dy = seeded(tokens * rows, 2);
        const bias = seeded(rows, 3);
        const x = device.upload(data, [tokens, cols]);
        const y = linear(device, x, w, { bias: device.upload(bias, [rows]) });
        const want = linearTwin(data, values, { ...size, bias });
        assertClose(await device.read(y), want, tolerance(cols), "y");
        const dx = linearDx(device, device.upload(dy, [tokens, rows]), w);
        const back = linearBackwardTwin(dy, data, values, size).dx;
        assertClose(await device.read(dx), back, tolerance(rows), "dx");
      },
    );
  }
}

for (const [rows, cols] of [[7, 64], [130, 128]] as const) {
  for (const windowBytes of [4096, 1 << 27]) {
    await gpuTest(
      `linear() and linearDx() restore the nested scales of nf4 codes [${rows}, ${cols}], bindings of ${windowBytes} bytes`,
      async (device) => {
        const size = { tokens: 33, rows, cols };
        const { w, values } = seededCodes(device, rows, cols, "nf4", {
          nested: true,
        });
        const data = seeded(size.tokens * cols, 1);
        const dy = seeded(size.tokens * rows, 2);
        const x = device.upload(data, [size.tokens, cols]);
        const y = linear(device, x, w);
        const want = linearTwin(data, values, size);
        assertClose(await device.read(y), want, tolerance(cols), "y");
        const slopes = device.upload(dy, [size.tokens, rows]);
        const dx = linearDx(device, slopes, w);
        const back = linearBackwardTwin(dy, data, values, size).dx;
        assertClose(await device.read(dx), back, tolerance(rows), "dx");
      },
      { windowBytes },
    );
  }
}

for (const dtype of ["int8", "nf4"] as const) {
  await gpuTest(
    `linear() and linearDx() add a second product to ${dtype} codes over windows`,
    async (device) => {
      const [tokens, rows, cols, rank] = [70, 200, 64, 8];
      const size = { tokens, rows, cols };
      const { w, values } = seededCodes(device, rows, cols, dtype);
      const a = seededMatrix(device, rank, cols, "f32");
      const [data, h] = [seeded(tokens * cols, 1), seeded(tokens * rank, 2)];
      const dy = seeded(tokens * rows, 3);
      const x = device.upload(data, [tokens, cols]);
      const y = linear(device, x, w);
      const want = linearTwin(data, values, size);
      assertClose(await device.read(y), want, tolerance(cols), "y");
      const low = device.upload(h, [tokens, rank]);
      const more = { x: low, w: a.w };
      const slopes = device.upload(dy, [tokens, rows]);
      const dx = linearDx(device, slopes, w, { more });
      const back = linearBackwardTwin(dy, data, values, size).dx;
      const extra = linearBackwardTwin(h, data, a.values, {
        tokens,
        rows: rank,
        cols,
      }).dx;
      const sum = back.map((v, i) => v + extra[i]!);
      assertClose(await device.read(dx), sum, tolerance(rows + rank), "dx");
    },
    { windowBytes: 64 * 64 * 4 },
  );

  await gpuTest(
    `linearDx() of ${dtype} codes is the slope of linear()`,
    async (device) => {
      const [rows, cols] = [9, 64];
      const { w } = seededCodes(device, rows, cols, dtype);
      const dy = seeded(rows, 4);
      const loss = async (x: Float64Array) => {
        const tensor = device.upload(Float32Array.from(x), [1, cols]);
        const y = await device.read(linear(device, tensor, w));
        return y.reduce((sum, value, i) => sum + value * dy[i]!, 0);
      };
      const at = Float64Array.from(seeded(cols, 5));
      const slopes = new Float64Array(cols);
      // linear in x: a step of 1 has no error but rounding
      for (let i = 0; i < cols; i++) {
        const moved = (by: number) => at.map((v, j) => j === i ? v + by : v);
        slopes[i] = (await loss(moved(1)) - await loss(moved(-1))) / 2;
      }
      const dx = linearDx(device, device.upload(dy, [1, rows]), w);
      assertClose(await device.read(dx), slopes, 2 ** -24 * 32 * cols);
    },
  );
}

await gpuTest("codes are refused where they do not fit", (device) => {
  assertThrows(
    () => createMatrix(device, 8, 96, "nf4"),
    RangeError,
    "96 columns of nf4: expected a multiple of 64",
  );
  const { w } = seededCodes(device, 8, 64, "nf4");
  assertThrows(
    () => writeMatrixScales(device, w, new Float32Array(3)),
    TypeError,
    "3 numbers, expected 8",
  );
  const ids = device.upload(Uint32Array.of(1), [1], "u32");
  assertThrows(() => embedding(device, ids, w), TypeError, "it is of nf4");
  return Promise.resolve();
});
