import { assertEquals, assertThrows } from "@std/assert";
import { createParameter } from "../../../src/autograd/parameter.ts";
import { Optimizer } from "../../../src/training/optimizer/optimizer.ts";
import { rateFactors } from "../../../src/training/optimizer/rate_factor.ts";
import { gpuTest } from "../../kernels/gpu_test_case.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

const group = (modules: string[], lr: number) => ({ name: null, modules, lr });

test(
  "rateFactors() is 1 but for names that a group's parts or expressions fit, the first one wins",
  pure,
  () => {
    const factor = rateFactors({
      learning_rate: 2e-4,
      lr_groups: [
        group(["embed_tokens", "lm_head"], 1e-4),
        group(["layers\\.[01]\\.", "q_proj"], 0),
      ],
    });
    const names = [
      "model.embed_tokens.weight",
      "lm_head.weight",
      "model.layers.1.mlp.up_proj.weight",
      "model.layers.11.mlp.up_proj.weight",
      "model.layers.11.self_attn.q_proj.lora_A.weight",
    ];
    const factors = names.map((name) =>
      factor({ name, value: { shape: [2, 2] } })
    );
    assertEquals(factors, [0.5, 0.5, 0, 1, 0]);
    const half = { name: "x.lora_B.weight", value: { shape: [2, 2] } };
    assertEquals(rateFactors({ lr_groups: null })(half), 1);
    const both = rateFactors({
      learning_rate: 1,
      loraplus_lr_ratio: 4,
      lr_groups: [group(["lora_B"], 0.5)],
    });
    assertEquals(both(half), 2);
  },
);

test(
  "rateFactors() refuses groups without a rate to scale, and what is no expression",
  pure,
  () => {
    assertThrows(
      () => rateFactors({ learning_rate: 0, lr_groups: [group(["a"], 1)] }),
      RangeError,
      "Cannot use lr_groups: learning_rate is 0",
    );
    assertThrows(
      () => rateFactors({ learning_rate: 1, lr_groups: [group(["("], 1)] }),
      RangeError,
      'in modules "(" is not a regular expression',
    );
  },
);

await gpuTest(
  "Optimizer multiplies each parameter's learning rate by its factor",
  async (device) => {
    const vectors = ["a.lora_A.weight", "a.lora_B.weight"].map((name) => {
      const tensor = device.upload(Float32Array.of(1, 2), [2, 1]);
      return { name, tensor, parameter: createParameter(device, name, tensor) };
    });
    const options = {
      optim: "sgd" as const,
      weight_decay: 0,
      adam_beta1: 0.9,
      adam_beta2: 0.999,
      adam_epsilon: 1e-8,
      loraplus_lr_ratio: 4,
    };
    const optimizer = new Optimizer(device, vectors, options);
    for (const { parameter } of vectors) {
      device.write(parameter.gradient, Float32Array.of(1, -1), 0);
    }
    optimizer.step({ learningRate: 0.25, maxGradNorm: 0 });
    const values = await device.readAll(vectors.map(({ tensor }) => tensor));
    assertEquals(values.map((one) => [...one]), [[0.75, 2.25], [0, 3]]);
  },
  { kinds: ["gpu"] },
);
