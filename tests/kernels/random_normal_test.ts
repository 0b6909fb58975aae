import { assert, assertEquals, assertThrows } from "@std/assert";
import { normalNumbers, randomNormal } from "../../kernels/random_normal.ts";
import { gpuTest } from "./gpu_test_case.ts";

const OPTIONS = { seed: 42, stream: 3, std: 0.02 };

function moments(x: Float32Array): { mean: number; std: number } {
  const mean = x.reduce((sum, v) => sum + v, 0) / x.length;
  const squares = x.reduce((sum, v) => sum + (v - mean) ** 2, 0);
  return { mean, std: Math.sqrt(squares / x.length) };
}

Deno.test({
  name: "normalNumbers() has the moments and tails of its std",
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
  fn() {
    const x = normalNumbers(100_000, OPTIONS);
    const { mean, std } = moments(x);
    // five standard errors: 5 * 0.02 / sqrt(1e5) = 3.2e-4, and for std 3.2e-4 / sqrt(2)
    assert(Math.abs(mean) < 3.2e-4, `mean ${mean}`);
    assert(Math.abs(std - 0.02) < 2.3e-4, `std ${std}`);
    // P(|x| > 2 std) = 0.0455, standard error 6.6e-4
    const far = x.filter((v) => Math.abs(v) > 0.04).length / x.length;
    assert(Math.abs(far - 0.0455) < 3.3e-3, `${far} beyond two std`);
  },
});

Deno.test({
  name: "normalNumbers() repeats a seed and stream, and no other",
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
  fn() {
    const first = normalNumbers(10_000, OPTIONS);
    assertEquals(normalNumbers(10_000, OPTIONS), first);
    for (const other of [{ stream: 4 }, { seed: 43 }, { seed: 2 ** 32 + 42 }]) {
      const second = normalNumbers(10_000, { ...OPTIONS, ...other });
      const product = first.map((v, i) => v * second[i]! / 0.02 ** 2);
      // a mean of 10,000 products of independent normals has standard error 0.01
      assert(Math.abs(moments(product).mean) < 0.05);
    }
    assertThrows(
      () => normalNumbers(1, { ...OPTIONS, stream: 0.5 }),
      RangeError,
      "stream 0.5",
    );
  },
});

await gpuTest("randomNormal() uploads normalNumbers()", async (device) => {
  const x = randomNormal(device, [7, 33], OPTIONS);
  assertEquals(x.shape, [7, 33]);
  assertEquals(await device.read(x), normalNumbers(231, OPTIONS));
});
