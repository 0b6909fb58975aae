import { assertEquals, assertThrows } from "@std/assert";
import { embedding } from "../../../kernels/matmul/embedding.ts";
import {
  createMatrix,
  packMatrix,
  readMatrixRows,
  releaseMatrix,
  writeMatrixRows,
} from "../../../kernels/matrix/matrix.ts";
import { gpuTest } from "../gpu_test_case.ts";
import { seededMatrix, SMALL_WINDOW } from "../matrix_case.ts";
import { seeded, seededIntegers } from "../numbers.ts";

for (const dtype of ["f32", "bf16", "f16"] as const) {
  for (const [rows, cols] of [[1, 33], [300, 172], [129, 7]] as const) {
    await gpuTest(
      `readMatrixRows() reads what was written as ${dtype} [${rows}, ${cols}] over windows`,
      async (device) => {
        const { w, values } = seededMatrix(device, rows, cols, dtype);
        assertEquals(await readMatrixRows(device, w, 0, rows), values);
        const [first, count] = [rows >> 1, Math.min(13, rows - (rows >> 1))];
        const middle = await readMatrixRows(device, w, first, count);
        const end = (first + count) * cols;
        assertEquals(middle, values.slice(first * cols, end));
      },
      { windowBytes: SMALL_WINDOW },
    );

    await gpuTest(
      `embedding() gathers ${dtype} rows of [${rows}, ${cols}] over windows`,
      async (device) => {
        const { w, values } = seededMatrix(device, rows, cols, dtype);
        const ids = seededIntegers(37, 3, rows);
        const tokens = device.upload(ids, [37], "u32");
        const got = await device.read(embedding(device, tokens, w));
        const want = [...ids].flatMap((id) => [
          ...values.subarray(id * cols, (id + 1) * cols),
        ]);
        assertEquals([...got], want);
      },
      { windowBytes: SMALL_WINDOW },
    );
  }
}

for (const [rows, cols] of [[300, 172], [16, 33], [8, 64]] as const) {
  await gpuTest(
    `packMatrix() copies a tensor [${rows}, ${cols}]`,
    async (device) => {
      const data = seeded(rows * cols, 9);
      const w = createMatrix(device, rows, cols, "f32");
      packMatrix(device, w, device.upload(data, [rows, cols]));
      assertEquals(await readMatrixRows(device, w, 0, rows), data);
      releaseMatrix(device, w);
    },
    { windowBytes: SMALL_WINDOW },
  );
}

await gpuTest("writeMatrixRows() refuses what is not whole rows", (device) => {
  const w = createMatrix(device, 4, 8, "bf16");
  assertThrows(
    () => writeMatrixRows(device, w, 0, new Uint8Array(17)),
    RangeError,
    "17 bytes from row 0",
  );
  assertThrows(
    () => writeMatrixRows(device, w, 3, new Uint8Array(32)),
    RangeError,
    "32 bytes from row 3",
  );
  assertThrows(
    () => writeMatrixRows(device, w, 0, new Uint8Array(16)),
    RangeError,
    "16 bytes from row 0, expected whole rows of 16 bytes within it, in runs of 8",
  );
  return Promise.resolve();
});

await gpuTest("createMatrix() refuses rows beyond a window", (device) => {
  assertThrows(
    () => createMatrix(device, 4, 4096, "f32"),
    RangeError,
    "64 rows pass the device's window",
  );
  return Promise.resolve();
}, { windowBytes: SMALL_WINDOW });
