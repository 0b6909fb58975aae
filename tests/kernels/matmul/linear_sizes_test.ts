/**
 * The products at sizes that are drawn at random, against their twins. The tests are long, so they
 * do not run at each change.
 */
import { Random } from "../../../src/base/random.ts";
import { linear, linearDw, linearDx } from "../../../kernels/matmul/linear.ts";
import { linearBackwardTwin, linearTwin } from "../../reference/linear.ts";
import { gpuTest } from "../gpu_test_case.ts";
import { seededMatrix } from "../matrix_case.ts";
import { assertClose, seeded } from "../numbers.ts";

/** A sum of `length` products in f32 errs by about eps times the root; 8 leaves room. */
const tolerance = (length: number) => 2 ** -24 * 8 * Math.sqrt(length + 1);

const DRAWS = 40;
const LARGEST = 300;

for (const dtype of ["f32", "bf16", "f16"] as const) {
  await gpuTest(
    `linear(), linearDx() and linearDw() of ${dtype} at ${DRAWS} sizes drawn from 1 to ${LARGEST}`,
    async (device, context) => {
      const random = new Random(7);
      const draw = () => 1 + Math.floor(random.float() * LARGEST);
      for (let i = 0; i < DRAWS; i++) {
        const size = { tokens: draw(), rows: draw(), cols: draw() };
        const { tokens, rows, cols } = size;
        await context.step(`${tokens} x ${cols} by ${rows}`, async () => {
          using _scope = device.scope();
          const { w, values } = seededMatrix(device, rows, cols, dtype);
          const x = seeded(tokens * cols, 1);
          const dy = seeded(tokens * rows, 2);
          const xTensor = device.upload(x, [tokens, cols]);
          const dyTensor = device.upload(dy, [tokens, rows]);
          const y = await device.read(linear(device, xTensor, w));
          assertClose(y, linearTwin(x, values, size), tolerance(cols));
          const want = linearBackwardTwin(dy, x, values, size);
          const dx = await device.read(linearDx(device, dyTensor, w));
          assertClose(dx, want.dx, tolerance(rows), "dx");
          const dw = await device.read(linearDw(device, dyTensor, xTensor));
          assertClose(dw, want.dw, tolerance(tokens), "dw");
        });
      }
    },
    { long: true },
  );
}
