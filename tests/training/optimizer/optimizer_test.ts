/** State and steps of the optimizers by name; their arithmetic is tested with the kernels. */
import { assert, assertEquals } from "@std/assert";
import type { Device } from "../../../kernels/device/device.ts";
import { createParameter } from "../../../src/autograd/parameter.ts";
import {
  isDecayed,
  Optimizer,
  type OptimizerOptions,
} from "../../../src/training/optimizer/optimizer.ts";
import {
  type OptimizerName,
  optimizerNames,
} from "../../../src/training/optimizer/optimizer_names.ts";
import { updateRows } from "../../../src/training/optimizer/optimizer_updates.ts";
import { test } from "../../test_case.ts";
import { compared, referenceEntries } from "../../reference_dir.ts";
import { eachCase, referenceTest } from "../../reference_test_case.ts";
import { readTrajectory } from "../run/trajectory.ts";
import { gpuTest } from "../../kernels/gpu_test_case.ts";
import { PAIRS, runTest, writeRows } from "../run/run_scene.ts";

const OPTIONS = {
  adam_beta1: 0.9,
  adam_beta2: 0.999,
  adam_epsilon: 1e-8,
  weight_decay: 0,
};

/** Vectors that are trained, each with a gradient of ones. */
function vectors(device: Device, sizes: Readonly<Record<string, number>>) {
  return Object.entries(sizes).map(([name, size]) => {
    const tensor = device.zeros([size]);
    const parameter = createParameter(device, name, tensor);
    device.write(parameter.gradient, new Float32Array(size).fill(1));
    return { name, tensor, parameter };
  });
}

function layout(optimizer: Optimizer): string[] {
  return optimizer.state().map(({ name, tensor: { dtype, shape } }) =>
    `${name} ${dtype} [${shape}]`
  );
}

const kinds = ["gpu"] as const;

test(
  "Muon takes matrices between hidden states, and AdamW the rest",
  { permissions: "none" },
  () => {
    const slotsOf = (name: string, shape: readonly number[]) =>
      Object.keys(updateRows.muon.slots({ name, shape }, {}));
    const layer = "model.layers.0.self_attn.q_proj";
    const adam = ["exp_avg", "exp_avg_sq"];
    assertEquals(slotsOf(`${layer}.weight`, [8, 8]), ["momentum_buffer"]);
    assertEquals(slotsOf(`${layer}.lora_A.weight`, [2, 8]), [
      "momentum_buffer",
    ]);
    assertEquals(slotsOf(`${layer}.bias`, [8]), adam);
    assertEquals(slotsOf("model.embed_tokens.weight", [9, 8]), adam);
    assertEquals(slotsOf("model.embed_tokens.lora_embedding_A", [2, 9]), adam);
    assertEquals(slotsOf("lm_head.weight", [9, 8]), adam);
    assertEquals(slotsOf("score.weight", [1, 8]), adam);
  },
);

await gpuTest(
  "Optimizer keeps 8-bit moments of tensors from 4,096 numbers on, and others and embeddings in 32 bits",
  (device) => {
    const sizes = { a: 4095, b: 4097, "model.embed_tokens.weight": 5000 };
    const weights = vectors(device, sizes);
    const optim = "adamw_8bit";
    assertEquals(
      layout(new Optimizer(device, weights, { ...OPTIONS, optim })),
      [
        "exp_avg.a f32 [4095]",
        "exp_avg_sq.a f32 [4095]",
        "state1.b u32 [1025]",
        "absmax1.b f32 [17]",
        "state2.b u32 [1025]",
        "absmax2.b f32 [17]",
        "exp_avg.model.embed_tokens.weight f32 [5000]",
        "exp_avg_sq.model.embed_tokens.weight f32 [5000]",
      ],
    );
    return Promise.resolve();
  },
  { kinds },
);

await gpuTest(
  "Optimizer keeps a velocity only with momentum, and of Adafactor a row and a column",
  (device) => {
    const weights = vectors(device, { a: 3 });
    const of = (options: Pick<OptimizerOptions, "optim" | "optim_args">) =>
      layout(new Optimizer(device, weights, { ...OPTIONS, ...options }));
    assertEquals(of({ optim: "sgd" }), []);
    assertEquals(of({ optim: "sgd", optim_args: { momentum: 0.9 } }), [
      "momentum_buffer.a f32 [3]",
    ]);
    assertEquals(of({ optim: "adafactor" }), [
      "exp_avg_sq_row.a f32 [1]",
      "exp_avg_sq_col.a f32 [3]",
    ]);
    return Promise.resolve();
  },
  { kinds },
);

for (const optim of optimizerNames) {
  await gpuTest(
    `Optimizer goes against the gradient with ${optim}, and each group of lr_groups at its own rate`,
    async (device) => {
      const weights = vectors(device, {
        "a.weight": 5000,
        "lm_head.weight": 5,
      });
      const optimizer = new Optimizer(device, weights, {
        ...OPTIONS,
        optim,
        learning_rate: 0.01,
        lr_groups: [{ name: null, modules: ["^lm_head"], lr: 0.04 }],
      });
      optimizer.step({ learningRate: 0.005, maxGradNorm: 0 });
      const [a, head] = await device.readAll(weights.map((one) => one.tensor));
      // all gradients are alike, so each optimizer moves by a multiple of the rate
      assert(a!.every((x) => x < 0 && Math.abs(x / a![0]! - 1) < 1e-5));
      assert(head!.every((x) => Math.abs(x / a![0]! - 4) < 1e-4), `${head}`);
    },
    { kinds },
  );
}

await gpuTest(
  "Optimizer with momentum repeats what it did without a gradient",
  async (device) => {
    const weights = vectors(device, { a: 2 });
    const options: [OptimizerName, number][] = [
      ["sgd", -0.1 - 0.05], // g, then half of the velocity
      // 1 / sqrt(0.01) = 10, then half of that
      ["rmsprop", -1 - 0.5],
    ];
    for (const [optim, want] of options) {
      const [{ tensor, parameter }] = weights as [typeof weights[0]];
      const optim_args = { momentum: 0.5 };
      device.write(tensor, new Float32Array(2));
      device.write(parameter.gradient, new Float32Array(2).fill(1));
      const optimizer = new Optimizer(device, weights, {
        ...OPTIONS,
        optim,
        optim_args,
      });
      optimizer.step({ learningRate: 0.1, maxGradNorm: 0 });
      optimizer.zeroGradients();
      optimizer.step({ learningRate: 0.1, maxGradNorm: 0 });
      const [found] = await device.read(tensor);
      assert(Math.abs(found! - want) < 1e-6, `${optim}: ${found}`);
    }
  },
  { kinds },
);

await runTest(
  "runTraining() with adamw_8bit follows adamw_torch within 2 % of each loss for 50 steps",
  async (scene) => {
    const rows = PAIRS.map(({ prompt, chosen: completion }) => ({
      prompt,
      completion,
    }));
    writeRows(scene.path("answers.jsonl"), rows);
    const losses = async (optim: OptimizerName) => {
      const { rows } = await scene.train(optim, {
        trainer: "sft",
        dataset: scene.path("answers.jsonl"),
        optim,
        max_steps: 50,
        per_device_train_batch_size: 2,
        gradient_accumulation_steps: 1,
      });
      return rows.flatMap(({ loss }) => loss ?? []);
    };
    const exact = await losses("adamw_torch");
    const found = await losses("adamw_8bit");
    assertEquals([exact.length, found.length], [50, 50]);
    const off = exact.map((loss, i) => Math.abs(found[i]! / loss - 1));
    assert(exact.at(-1)! < exact[0]! / 10, "it learns");
    assert(off.at(-1)! > 0, "the moments are rounded");
    assert(Math.max(...off) < 0.02, `${Math.max(...off)}`);
  },
);

referenceTest(
  "isDecayed() parts parameters as TRL does",
  (context) =>
    eachCase(context, referenceEntries("trajectories"), ({ folder }) => {
      const [decayed, rest] = readTrajectory(folder).optimizer_groups;
      assert(decayed!.params.length > 0 && decayed!.params.every(isDecayed));
      assert(!rest!.params.some(isDecayed));
      compared("weight decay groups");
    }),
);
