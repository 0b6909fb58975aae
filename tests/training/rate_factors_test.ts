import { assertEquals } from "@std/assert";
import { createParameter } from "../../src/autograd/parameter.ts";
import { Optimizer } from "../../src/training/optimizer.ts";
import { loraPlusFactor } from "../../src/training/rate_factors.ts";
import { gpuTest } from "../kernels/gpu_test_case.ts";

await gpuTest(
  "Optimizer multiplies each parameter's learning rate by its factor",
  async (device) => {
    const vectors = ["a.lora_A.weight", "a.lora_B.weight"].map((name) => {
      const tensor = device.upload(Float32Array.of(1, 2), [2, 1]);
      return { name, tensor, parameter: createParameter(device, name, tensor) };
    });
    const options = {
      ...{ optim: "sgd" as const, weight_decay: 0 },
      ...{ adam_beta1: 0.9, adam_beta2: 0.999, adam_epsilon: 1e-8 },
    };
    const factor = loraPlusFactor(4);
    const optimizer = new Optimizer(device, vectors, options, factor);
    for (const { parameter } of vectors) {
      device.write(parameter.gradient, Float32Array.of(1, -1), 0);
    }
    optimizer.step({ learningRate: 0.25, maxGradNorm: 0 });
    const values = await device.readAll(vectors.map(({ tensor }) => tensor));
    assertEquals(values.map((one) => [...one]), [[0.75, 2.25], [0, 3]]);
  },
  { variants: ["tile"] },
);
