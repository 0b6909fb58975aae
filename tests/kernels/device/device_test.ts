import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { BudgetError } from "../../../kernels/device/pool.ts";
import { defineKernel } from "../../../kernels/device/kernel.ts";
import { flatTexture } from "../../../kernels/launch/flat_texture.ts";
import source from "../../../kernels/rows/scale.wgsl" with { type: "text" };
import { rowsView } from "../../../kernels/device/tensor.ts";
import { gpuTest } from "../gpu_test_case.ts";
import { seeded } from "../numbers.ts";

const scale = defineKernel("scale", source);

await gpuTest(
  "launch() runs a kernel with its own parameters each time",
  async (device) => {
    const x = device.upload(seeded(1000, 1), [1000]);
    const y = device.allocate([1000]);
    const z = device.allocate([1000]);
    device.launch(scale, { x, y }, { count: 1000, factor: 2 }, [16]);
    device.launch(scale, { x: y, y: z }, { count: 1000, factor: 4 }, [16]);
    assertEquals(await device.read(z), seeded(1000, 1).map((v) => v * 8));
  },
);

await gpuTest(
  "write() does not overtake work that is recorded",
  async (device) => {
    const x = device.upload(Float32Array.of(1), [1]);
    const y = device.allocate([1]);
    device.launch(scale, { x, y }, { count: 1, factor: 3 }, [1]);
    device.write(x, Float32Array.of(5));
    assertEquals([...await device.read(y)], [3]);
  },
);

await gpuTest(
  "scope() gives buffers back, and keep() hands one on",
  (device) => {
    const before = device.memory.allocatedBytes;
    for (let i = 0; i < 3; i++) {
      using outer = device.scope();
      const kept = (() => {
        using inner = device.scope();
        device.allocate([5000]);
        return inner.keep(device.allocate([5000]));
      })();
      outer.keep(kept);
      device.release(kept);
    }
    assertEquals(
      device.memory.allocatedBytes - before <= 2 * 20480 * 1.2,
      true,
    );
    return Promise.resolve();
  },
);

await gpuTest(
  "read() throws the WebGPU error that would be silent",
  async (device) => {
    const bad = defineKernel(
      "bad",
      source.replace("params.factor", "params.missing"),
    );
    const x = device.zeros([4]);
    const y = device.zeros([4]);
    device.launch(bad, { x, y }, { count: 4, factor: 1 }, [1]);
    await assertRejects(
      () => device.read(y),
      Error,
      "Cannot run on the WebGPU device",
    );
  },
);

await gpuTest("allocate() refuses what passes the byte budget", (device) => {
  assertThrows(
    () => device.allocate([1 << 20]),
    BudgetError,
    "Cannot allocate",
  );
  return Promise.resolve();
}, { budgetBytes: 1 << 20 });

await gpuTest(
  "launch() names a missing binding and a grid beyond the limit",
  (device) => {
    const x = device.zeros([4]);
    assertThrows(
      () => device.launch(scale, { x }, {}, [1]),
      TypeError,
      'binding "y" is missing',
    );
    assertThrows(
      () => device.launch(scale, { x, y: x }, {}, [70_000]),
      RangeError,
      "grid [70000]",
    );
    return Promise.resolve();
  },
);

const copy = defineKernel(
  "copy_flat",
  `@group(0) @binding(0) var x: texture_storage_2d<rgba32float, read>;
  @group(0) @binding(1) var<storage, read_write> y: array<f32>;
  @compute @workgroup_size(64)
  fn main(@builtin(global_invocation_id) id: vec3u) {
    let i = id.x;
    if (i < arrayLength(&y)) { y[i] = textureLoad(x, vec2u(i / 4 % 512, i / 2048))[i % 4]; }
  }`,
);

for (const count of [1, 7, 2047, 2048, 2049, 10_001]) {
  await gpuTest(
    `flatTexture() holds ${count} numbers in order`,
    async (device) => {
      const data = seeded(count, count);
      const y = device.allocate([count]);
      const x = flatTexture(device, device.upload(data, [count]));
      device.launch(copy, { x, y }, {}, [Math.ceil(count / 64) + 8]);
      assertEquals(await device.read(y), data);
    },
    { kinds: ["cpu"] },
  );
}

await gpuTest(
  "rowsView() is bound, written and read at its own place",
  async (device) => {
    const x = device.upload(seeded(128 * 3, 5), [128, 3]);
    const part = rowsView(x, 64, 64);
    const y = device.allocate([64, 3]);
    device.launch(scale, { x: part, y }, { count: 192, factor: 1 }, [3]);
    const want = seeded(128 * 3, 5).slice(192);
    assertEquals(await device.read(y), want);
    assertEquals(await device.read(part), want);
    assertThrows(
      () => rowsView(x, 1, 1),
      RangeError,
      "expected a multiple of 256",
    );
  },
);
