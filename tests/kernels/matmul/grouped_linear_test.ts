import { assertThrows } from "@std/assert";
import {
  groupedLinear,
  groupedLinearDw,
  groupedLinearDx,
} from "../../../kernels/matmul/grouped_linear.ts";
import { centralDifferences } from "../../reference/central_differences.ts";
import { groupedGradientTwin, groupedTwin } from "../../reference/experts.ts";
import { gpuTest } from "../gpu_test_case.ts";
import { seededCodes, seededMatrix, SMALL_WINDOW } from "../matrix_case.ts";
import { assertClose, seeded } from "../numbers.ts";
import { uploadMatrix } from "../upload_matrix.ts";
import { test } from "../../test_case.ts";

/** Rows of each group; none has more than `most`. */
const CASES = [
  { counts: [1], most: 1, rows: 1, cols: 1 },
  { counts: [0, 7, 1], most: 7, rows: 7, cols: 33 },
  { counts: [33, 0, 65, 2], most: 70, rows: 66, cols: 12 },
  { counts: [100, 57, 100], most: 128, rows: 40, cols: 172 },
];

const RANK = 5;

for (const { counts, most, rows, cols } of CASES) {
  const starts = counts.reduce((sums, n) => [...sums, sums.at(-1)! + n], [0]);
  const total = starts.at(-1)!;
  for (const dtype of ["f32", "bf16", "f16", "int8"] as const) {
    const sizes = `groups of ${counts} rows by ${dtype} [${rows}, ${cols}]`;
    for (const windowBytes of [undefined, SMALL_WINDOW]) {
      await gpuTest(
        `grouped products of ${sizes}${windowBytes ? ", in windows" : ""}`,
        async (device) => {
          const ws = counts.map((_, g) =>
            dtype === "int8"
              ? seededCodes(device, rows, cols, dtype)
              : seededMatrix(device, rows, cols, dtype, g)
          );
          const groups = {
            starts: device.upload(
              Uint32Array.from(starts),
              [starts.length],
              "u32",
            ),
            most,
          };
          const values = ws.map(({ values }) => values);
          const shape = { starts, rows, cols };
          const x = seeded(total * cols, 1);
          const xIn = device.upload(x, [total, cols]);
          const matrices = ws.map(({ w }) => w);
          const y = groupedLinear(device, xIn, matrices, groups);
          const tolerance = (n: number) => (n + 8) * 2 ** -24;
          assertClose(
            await device.read(y),
            groupedTwin(x, values, shape),
            tolerance(cols),
            "y",
          );
          const dy = seeded(total * rows, 2);
          const dyIn = device.upload(dy, [total, rows]);
          const dx = groupedLinearDx(device, dyIn, matrices, groups);
          const back = { ...shape, transposed: true };
          assertClose(
            await device.read(dx),
            groupedTwin(dy, values, back),
            tolerance(rows),
            "dx",
          );
          // gradients are added to; a group without one is passed over
          const gradients = counts.map((_, g) =>
            g === 1
              ? undefined
              : device.upload(seeded(rows * cols, 9), [rows, cols])
          );
          groupedLinearDw(device, [dyIn, xIn], groups, gradients);
          for (const [g, dw] of gradients.entries()) {
            if (!dw) continue;
            const range = [starts[g]!, starts[g + 1]!] as const;
            const want = groupedGradientTwin([dy, x], range, [rows, cols]);
            const before = seeded(rows * cols, 9);
            assertClose(
              await device.read(dw),
              want.map((v, i) => v + before[i]!),
              tolerance(total),
              "dw",
            );
          }
        },
        windowBytes === undefined ? {} : { windowBytes },
      );
    }
  }

  await gpuTest(
    `grouped products of ${counts} rows add a low-rank part`,
    async (
      device,
    ) => {
      const ws = counts.map((_, g) => seeded(rows * cols, g));
      const bs = counts.map((_, g) => seeded(rows * RANK, g + 20));
      const as = counts.map((_, g) => seeded(RANK * cols, g + 40));
      const groups = {
        starts: device.upload(Uint32Array.from(starts), [starts.length], "u32"),
        most,
      };
      const matrix = (shape: readonly [number, number]) => (w: Float32Array) =>
        uploadMatrix(device, w, shape);
      const matrices = ws.map(matrix([rows, cols]));
      const x = seeded(total * cols, 1);
      const h = seeded(total * RANK, 3);
      const hIn = device.upload(h, [total, RANK]);
      const y = groupedLinear(
        device,
        device.upload(x, [total, cols]),
        matrices,
        groups,
        { x: hIn, ws: bs.map(matrix([rows, RANK])) },
      );
      const own = groupedTwin(x, ws, { starts, rows, cols });
      const more = groupedTwin(h, bs, { starts, rows, cols: RANK });
      const want = own.map((v, i) => v + more[i]!);
      assertClose(await device.read(y), want, (cols + 12) * 2 ** -24);
      const dy = seeded(total * rows, 2);
      const dx = groupedLinearDx(
        device,
        device.upload(dy, [total, rows]),
        matrices,
        groups,
        { x: hIn, ws: as.map(matrix([RANK, cols])) },
      );
      const back = { starts, cols, transposed: true };
      const dOwn = groupedTwin(dy, ws, { ...back, rows });
      const dMore = groupedTwin(h, as, { ...back, rows: RANK });
      const dWant = dOwn.map((v, i) => v + dMore[i]!);
      assertClose(await device.read(dx), dWant, (rows + 12) * 2 ** -24, "dx");
    },
  );
}

await gpuTest("groupedLinear() refuses weights of several shapes", (device) => {
  const w = (rows: number) => uploadMatrix(device, seeded(rows, 1), [rows, 1]);
  const groups = { starts: device.zeros([3], "u32"), most: 1 };
  assertThrows(
    () => groupedLinear(device, device.zeros([1, 1]), [w(1), w(2)], groups),
    TypeError,
    "Cannot multiply groups: matrices [1, 1], [2, 1], expected one shape",
  );
  return Promise.resolve();
});

test("groupedTwin() transposed is the slope of groupedTwin()", {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
}, () => {
  const shape = { starts: [0, 2, 3], rows: 3, cols: 2 };
  const ws = [seeded(6, 1), seeded(6, 2)];
  const x = Float64Array.from(seeded(6, 3));
  const dy = seeded(9, 4);
  assertClose(
    groupedTwin(dy, ws, { ...shape, transposed: true }),
    centralDifferences((x) => groupedTwin(x, ws, shape), x, dy),
    1e-8,
  );
  const slopes = centralDifferences(
    (w) => groupedTwin(x, [w, ws[1]!], shape),
    Float64Array.from(ws[0]!),
    dy,
  );
  assertClose(groupedGradientTwin([dy, x], [0, 2], [3, 2]), slopes, 1e-8);
});
