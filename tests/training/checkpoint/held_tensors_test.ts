import { assertEquals } from "@std/assert";
import { exportTensor } from "../../../src/model/saving/export.ts";
import {
  heldBytes,
  holdTensors,
} from "../../../src/training/checkpoint/held_tensors.ts";
import { gpuTest } from "../../kernels/gpu_test_case.ts";

await gpuTest(
  "holdTensors() keeps the numbers as they were when it was called",
  async (device) => {
    const values = [1, 2, 3].map((x) => new Float32Array(4 * x).fill(x));
    const tensors = values.map((data) => device.upload(data, [data.length]));
    const exported = tensors.map((tensor, i) =>
      exportTensor(device, `${i}`, tensor)
    );
    assertEquals(heldBytes(exported), 4 * (4 + 8 + 12));
    const held = await holdTensors(device, exported);
    for (const tensor of tensors) {
      device.write(tensor, new Float32Array(tensor.shape[0]!));
    }
    for (const [i, tensor] of held.entries()) {
      const pieces = await Array.fromAsync(tensor.bytes());
      const [bytes] = pieces;
      assertEquals(pieces.length, 1);
      assertEquals(new Float32Array(bytes!.slice().buffer), values[i]);
      assertEquals(tensor.name, `${i}`);
    }
    assertEquals(heldBytes(held), Infinity);
  },
  { kinds: ["gpu"] },
);

await gpuTest(
  "exportTensor() and holdTensors() keep the bits of words, also those that are no number as floats",
  async (device) => {
    const words = Uint32Array.of(0x7f800001, 0xffffffff, 3);
    const tensor = device.upload(words, [3], "u32");
    const exported = exportTensor(device, "codes", tensor);
    const held = await holdTensors(device, [exported]);
    for (const { dtype, bytes } of [exported, ...held]) {
      const [piece] = await Array.fromAsync(bytes());
      assertEquals(dtype, "U32");
      assertEquals(new Uint32Array(piece!.slice().buffer), words);
    }
  },
  { kinds: ["gpu"] },
);
