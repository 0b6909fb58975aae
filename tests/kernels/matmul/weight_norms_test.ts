import { assertThrows } from "@std/assert";
import {
  rowSquares,
  weightNorms,
} from "../../../kernels/matmul/weight_norms.ts";
import { weightNormsTwin } from "../../reference/weight_norms.ts";
import { gpuTest } from "../gpu_test_case.ts";
import { seededCodes, seededMatrix, SMALL_WINDOW } from "../matrix_case.ts";
import { assertClose, seeded } from "../numbers.ts";
import { uploadMatrix } from "../upload_matrix.ts";

for (
  const [rows, cols, rank, dtype] of [
    [1, 1, 1, "f32"],
    [7, 33, 1, "f32"],
    [33, 7, 3, "bf16"],
    [257, 172, 16, "f16"],
    [1500, 64, 8, "bf16"],
    [33, 35, 3, "int8"],
    [130, 128, 8, "nf4"],
  ] as const
) {
  await gpuTest(
    `weightNorms() is its twin at ${dtype} [${rows}, ${cols}], rank ${rank}`,
    async (device) => {
      const { w, values } = dtype === "int8" || dtype === "nf4"
        ? seededCodes(device, rows, cols, dtype)
        : seededMatrix(device, rows, cols, dtype);
      const a = seeded(rank * cols, 2);
      const b = seeded(rows * rank, 3);
      const m = seeded(rows, 4);
      const squares = rowSquares(device, w);
      const zero = new Float32Array(rank * cols);
      assertClose(
        (await device.read(squares)).map(Math.sqrt),
        weightNormsTwin({ w: values, a: zero, b }, cols, 1),
        cols * 2 ** -24,
        "norms of W",
      );
      const { inverse, gains } = weightNorms(device, {
        w,
        squares,
        scale: 0.5,
        b: device.upload(b, [rows, rank]),
        a: {
          value: device.upload(a, [rank, cols]),
          matrix: uploadMatrix(device, a, [rank, cols]),
        },
        m: device.upload(m, [rows]),
      });
      const want = weightNormsTwin({ w: values, a, b }, cols, 0.5);
      // W and its change may cancel: sums of rank * cols products, then a root
      const tolerance = (cols + rank * rank) * 2 ** -21;
      assertClose(
        (await device.read(inverse)).map((x) => 1 / x),
        want,
        tolerance,
        "norms",
      );
      const gained = want.map((norm, i) => m[i]! / norm);
      assertClose(await device.read(gains), gained, tolerance, "gains");
    },
    { windowBytes: SMALL_WINDOW },
  );
}

await gpuTest(
  "weightNorms() gives factors of 1 where B is zero and m the norms of W",
  async (device) => {
    const [rows, cols, rank] = [33, 64, 4];
    const { w } = seededMatrix(device, rows, cols, "bf16");
    const a = seeded(rank * cols, 2);
    const squares = rowSquares(device, w);
    const parts = {
      w,
      squares,
      scale: 2,
      b: device.zeros([rows, rank]),
      a: {
        value: device.upload(a, [rank, cols]),
        matrix: uploadMatrix(device, a, [rank, cols]),
      },
    };
    const ones = device.upload(new Float32Array(rows).fill(1), [rows]);
    const { inverse } = weightNorms(device, { ...parts, m: ones });
    const m = rowSquares(device, w, { root: true });
    const norms = await device.read(m);
    const { gains } = weightNorms(device, { ...parts, m });
    // WGSL's quotients and roots may be some last digits off, and are on NVIDIA's cards
    const one = new Float32Array(rows).fill(1);
    assertClose(await device.read(gains), one, 2 ** -22);
    assertClose(await device.read(inverse), norms.map((x) => 1 / x), 2 ** -22);
    assertThrows(
      () => weightNorms(device, { ...parts, m: device.zeros([3]) }),
      TypeError,
      '"m": shape [3], expected [33]',
    );
  },
);
