import { assert, assertEquals } from "@std/assert";
import { multiply } from "../../kernels/rows/elementwise.ts";
import type { Device } from "../../kernels/device/device.ts";
import type { Tensor } from "../../kernels/device/tensor.ts";
import { add, gatherRows, scale } from "../../src/autograd/ops.ts";
import {
  checkpoint,
  contained,
  record,
  Tape,
} from "../../src/autograd/tape.ts";
import { gpuTest } from "../kernels/gpu_test_case.ts";
import { seeded } from "../kernels/numbers.ts";

/** `x * x`, an op whose backward needs its input. */
function square(device: Device, x: Tensor): Tensor {
  return record({
    output: multiply(device, x, x),
    inputs: [x],
    reads: [x],
    backward: (dy, _into, [x]) => {
      const slope = multiply(device, x!, dy);
      return [scale(device, slope, 2)];
    },
  });
}

const upload = (device: Device, ...values: number[]) =>
  device.upload(Float32Array.from(values), [values.length]);

async function gradient(
  device: Device,
  x: Tensor,
  forward: (x: Tensor) => Tensor,
): Promise<number[]> {
  const { value, tape } = Tape.record(device, () => forward(x), [x]);
  const ones = upload(device, ...new Array(value.shape[0]).fill(1));
  const [dx] = tape.backward(value, ones, [x]);
  return [...await device.read(dx!)];
}

await gpuTest(
  "backward() adds up what flows through several uses of one tensor",
  async (device) => {
    const x = upload(device, 3, -2);
    // x² + x + 5x, slope 2x + 6
    const dx = await gradient(
      device,
      x,
      (x) =>
        add(device, add(device, square(device, x), x), scale(device, x, 5)),
    );
    assertEquals(dx, [12, 2]);
  },
);

await gpuTest(
  "backward() keeps gradients apart that an addition handed to both its inputs",
  async (device) => {
    const x = upload(device, 1, 4);
    const dx = await gradient(device, x, (x) => {
      const a = scale(device, x, 2);
      const b = scale(device, x, 3);
      const sum = add(device, a, b);
      // a + b + (2x)², slope 5 + 8x: a gets a gradient of its own on top of the shared one
      return add(device, sum, square(device, a));
    });
    assertEquals(dx, [13, 37]);
  },
);

await gpuTest(
  "backward() sums the gradients of a row that was gathered twice",
  async (device) => {
    const x = device.upload(Float32Array.of(1, 2, 3), [3, 1]);
    const { value, tape } = Tape.record(
      device,
      () => gatherRows(device, x, Uint32Array.of(2, 0, 2)),
      [x],
    );
    const dy = device.upload(Float32Array.of(10, 20, 30), [3, 1]);
    const [dx] = tape.backward(value, dy, [x]);
    assertEquals([...await device.read(dx!)], [20, 0, 40]);
  },
);

await gpuTest(
  "checkpoint() gives the gradient that keeping activations gives",
  async (device) => {
    const x = upload(device, 3, -2);
    const block = (x: Tensor) =>
      add(device, square(device, square(device, x)), x);
    // x⁴ + x, slope 4x³ + 1
    assertEquals(
      await gradient(device, x, (x) => checkpoint(device, x, block)),
      [109, -31],
    );
    assertEquals(await gradient(device, x, block), [109, -31]);
  },
);

await gpuTest(
  "backward() gives everything it recorded back to the device",
  async (device) => {
    const x = upload(device, ...new Array(4096).fill(1));
    const run = async () => {
      using _scope = device.scope();
      await gradient(device, x, (x) => {
        for (let i = 0; i < 8; i++) x = square(device, x);
        return x;
      });
    };
    await run();
    const { allocatedBytes } = device.memory;
    for (let i = 0; i < 3; i++) await run();
    assertEquals(device.memory.allocatedBytes, allocatedBytes);
  },
);

await gpuTest("record() keeps nothing without a tape", (device) => {
  const x = upload(device, 1);
  const { value, tape } = Tape.record(
    device,
    () => Tape.pause(() => scale(device, x, 2)),
    [x],
  );
  assertEquals(tape.tracks(value), false);
  return Promise.resolve();
});

await gpuTest(
  "contained() gives back at once what no backward reads, and the gradient is the same",
  async (device) => {
    const x = device.upload(seeded(5000, 3), [5000]);
    // (2x)² + 3x: of 2x, (2x)², 3x and the sum, the square reads its input 2x, nothing else is read
    const forward = (x: Tensor) =>
      add(device, square(device, scale(device, x, 2)), scale(device, x, 3));
    const plain = await gradient(device, x, forward);
    const dx = await gradient(
      device,
      x,
      (x) => {
        const y = contained(device, () => forward(x));
        // takes the buffers that were given back, and spoils them
        for (let i = 0; i < 3; i++) scale(device, y, NaN);
        return y;
      },
    );
    assertEquals(dx, plain);
    assertEquals(Math.fround(dx[7]!), Math.fround(8 * seeded(5000, 3)[7]! + 3));
  },
);

await gpuTest(
  "backward() computes again what is cheap to compute, once for all its readers, with the same gradient",
  async (device) => {
    const x = device.upload(seeded(50_000, 3), [50_000]);
    let runs = 0;
    const doubled = (x: Tensor): Tensor => {
      const run = () => {
        runs++;
        return add(device, x, x);
      };
      return record({
        output: Tape.pause(run),
        inputs: [x],
        reads: [x],
        again: run,
        backward: (dy) => [scale(device, dy, 2)],
      });
    };
    // 2 (2x)², in which 2x has two readers
    const forward = (x: Tensor) => {
      const y = doubled(x);
      return add(device, square(device, y), square(device, y));
    };
    const bytes: number[] = [];
    const dx = await gradient(
      device,
      x,
      (x) => {
        const y = contained(device, () => forward(x));
        bytes.push(device.memory.usedBytes);
        for (let i = 0; i < 3; i++) scale(device, y, NaN);
        return y;
      },
    );
    assertEquals(runs, 2);
    // slope 16x
    const at = [0, 7, 49_999];
    assertEquals(
      at.map((i) => dx[i]),
      at.map((i) => Math.fround(16 * seeded(50_000, 3)[i]!)),
    );
    // x and the result; neither 2x nor the squares
    const each = 50_000 * 4 * 1.125;
    assert(bytes[0]! <= 2 * each, `${bytes[0]} bytes`);
  },
);
