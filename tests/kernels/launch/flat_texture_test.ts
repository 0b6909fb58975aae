/**
 * Words that a CPU adapter's kernels read from a texture: copied there, or written there by the
 * kernel that made them.
 */
import { assert, assertEquals } from "@std/assert";
import type { Device } from "../../../kernels/device/device.ts";
import {
  allocateFlat,
  FEW_WORDS,
  FLAT_WIDTH,
  flatBytes,
  flatTexture,
} from "../../../kernels/launch/flat_texture.ts";
import { linear } from "../../../kernels/matmul/linear.ts";
import { lowRank } from "../../../kernels/few_rows/low_rank.ts";
import { rmsNorm } from "../../../kernels/rows/rms_norm.ts";
import type { Tensor } from "../../../kernels/device/tensor.ts";
import { gpuTest } from "../gpu_test_case.ts";
import { seeded } from "../numbers.ts";
import { uploadMatrix } from "../upload_matrix.ts";

/**
 * The numbers of a texture's first words, by products with 1: its rows are what a product reads.
 */
async function wordsOf(device: Device, tensor: Tensor): Promise<Float32Array> {
  const cols = tensor.shape.at(-1)!;
  const one = Float32Array.from(
    { length: cols * cols },
    (_, i) => Number(i % (cols + 1) === 0),
  );
  const unit = uploadMatrix(device, one, [cols, cols]);
  return await device.read(linear(device, tensor, unit));
}

await gpuTest(
  "the sides of flat textures are never powers of two, for which lavapipe compiles anew",
  (device) => {
    const isPower = (side: number) => Number.isInteger(Math.log2(side));
    for (let rows = 1; rows <= 300; rows++) {
      const words = rows * FLAT_WIDTH;
      const { width, height } = allocateFlat(device, "rgba32float", words);
      assert(height >= rows && !isPower(width) && !isPower(height), `${rows}`);
      assertEquals(flatBytes(words), width * height * 16);
    }
    // none is higher than the adapter allows
    const most = device.gpu.limits.maxTextureDimension2D;
    const highest = allocateFlat(device, "rgba32uint", most * FLAT_WIDTH);
    assertEquals(highest.height, most);
    return Promise.resolve();
  },
  { kinds: ["cpu"] },
);

for (const words of [1, 513, FEW_WORDS, FEW_WORDS + 1]) {
  await gpuTest(
    `flatTexture() holds ${words} words`,
    async (device) => {
      const cols = 4;
      const numbers = seeded(words * cols, 1);
      const tensor = device.upload(numbers, [words, cols]);
      const flat = flatTexture(device, tensor);
      // what the tensor holds by now is of no matter
      device.write(tensor, seeded(words * cols, 2));
      const found = await wordsOf(device, { ...tensor, flat });
      assertEquals(found, numbers);
    },
    { kinds: ["cpu"] },
  );
}

for (const [rows, cols] of [[1, 896], [3, 20], [4, 516]] as const) {
  await gpuTest(
    `rmsNorm() and lowRank() of [${rows}, ${cols}] write what products read`,
    async (device) => {
      const x = device.upload(seeded(rows * cols, 1), [rows, cols]);
      const weight = device.upload(seeded(cols, 2), [cols]);
      const { y } = rmsNorm(device, x, weight, { eps: 1e-6 });
      const a = uploadMatrix(device, seeded(12 * cols, 3), [12, cols]);
      const h = lowRank(device, y, a, 0.5);
      for (const tensor of [y, h]) {
        assert(tensor.flat);
        const numbers = await device.read(tensor);
        assert(numbers.some((number) => number !== 0));
        assertEquals(await wordsOf(device, tensor), numbers);
      }
    },
    { kinds: ["cpu"] },
  );
}

await gpuTest(
  "a tensor's texture leaves its scope with it and goes back with it",
  (device) => {
    const x = device.upload(seeded(8, 1), [2, 4]);
    const weight = device.upload(seeded(4, 2), [4]);
    const before = device.memory.usedBytes;
    const kept = (() => {
      using scope = device.scope();
      return scope.keep(rmsNorm(device, x, weight, { eps: 1e-6 }).y);
    })();
    const { buffer, flat } = kept;
    assert(device.memory.usedBytes >= before + buffer.size + flat!.width * 16);
    device.release(kept);
    assertEquals(device.memory.usedBytes, before);
    return Promise.resolve();
  },
  { kinds: ["cpu"] },
);
