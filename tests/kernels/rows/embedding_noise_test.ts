import { assert, assertEquals, assertThrows } from "@std/assert";
import { addEmbeddingNoise } from "../../../kernels/rows/embedding_noise.ts";
import { embeddingNoiseTwin } from "../../reference/embedding_noise.ts";
import { gpuTest } from "../gpu_test_case.ts";
import { assertClose, seeded } from "../numbers.ts";

const STREAM = { seed: 2 ** 40 + 42, stream: 7 };

for (const [rows, cols] of [[1, 1], [3, 7], [33, 5], [257, 33], [9, 896]]) {
  await gpuTest(
    `addEmbeddingNoise() is its twin on ${rows} x ${cols}`,
    async (device) => {
      const numbers = seeded(rows! * cols!, 1);
      const factors = seeded(rows!, 2).map(Math.abs);
      const x = device.upload(numbers, [rows!, cols!]);
      const magnitudes = device.upload(factors, [rows!]);
      addEmbeddingNoise(device, x, magnitudes, STREAM);
      const twin = embeddingNoiseTwin(numbers, factors, STREAM);
      assertClose(await device.read(x), twin, 2 ** -22);
    },
  );
}

await gpuTest(
  "addEmbeddingNoise() draws evenly, and other numbers with another stream or seed",
  async (device) => {
    const count = 100_000;
    const noise = async (stream: typeof STREAM) => {
      const x = device.zeros([1, count]);
      addEmbeddingNoise(
        device,
        x,
        device.upload(Float32Array.of(1), [1]),
        stream,
      );
      return await device.read(x);
    };
    const draws = [
      await noise(STREAM),
      await noise({ ...STREAM, stream: 8 }),
      await noise({ ...STREAM, seed: 43 }),
    ];
    const mean = (f: (i: number) => number) => {
      let sum = 0;
      for (let i = 0; i < count; i++) sum += f(i);
      return sum / count;
    };
    // standard errors: 0.0018 of the mean, 0.00094 of the square, 0.0011 of the products; bounds
    // are five of them
    for (const [i, first] of draws.entries()) {
      const second = draws[(i + 1) % 3]!;
      assert(first.every((v) => v >= -1 && v < 1));
      assert(Math.abs(mean((k) => first[k]!)) < 0.0092);
      assert(Math.abs(mean((k) => first[k]! ** 2) - 1 / 3) < 0.0048);
      assert(Math.abs(mean((k) => first[k]! * second[k]!)) < 0.0053);
      assert(Math.abs(mean((k) => first[k]! * (first[k + 1] ?? 0))) < 0.0053);
    }
  },
);

await gpuTest(
  "addEmbeddingNoise() changes no row of magnitude 0 and refuses other shapes and streams",
  async (device) => {
    const numbers = seeded(6, 3);
    const x = device.upload(numbers, [2, 3]);
    addEmbeddingNoise(
      device,
      x,
      device.upload(Float32Array.of(0, 0.5), [2]),
      STREAM,
    );
    const changed = await device.read(x);
    assertEquals(changed.slice(0, 3), numbers.slice(0, 3));
    assert([3, 4, 5].every((i) => changed[i] !== numbers[i]));
    assertThrows(
      () => addEmbeddingNoise(device, x, device.zeros([3]), STREAM),
      TypeError,
      "magnitudes",
    );
    assertThrows(
      () =>
        addEmbeddingNoise(device, x, device.zeros([2]), {
          ...STREAM,
          stream: -1,
        }),
      RangeError,
      "Cannot add noise to embeddings: seed 1099511627818 and stream -1",
    );
  },
);
