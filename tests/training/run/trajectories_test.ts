/**
 * Whole runs of TRL 1.13 replayed: every logged column of every step, and the weights at the end.
 * Pairs lie here as one shared prompt with two answers and no padding, there as a padded rectangle
 * of two full sequences each.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import type { Device } from "../../../kernels/device/device.ts";
import { openAdapterFolder } from "../../../src/files/folders/adapter_folder.ts";
import { openModelFolder } from "../../../src/files/folders/model_folder.ts";
import {
  openSafetensors,
  type TensorReader,
} from "../../../src/files/safetensors/safetensors.ts";
import { loadAdapter } from "../../../src/model/adapter/adapter.ts";
import { readAdapterConfig } from "../../../src/model/adapter/adapter_config.ts";
import { readModelConfig } from "../../../src/model/config/config.ts";
import { loadModel } from "../../../src/model/weights/load.ts";
import {
  type Model,
  parameters,
  trainedWeights,
} from "../../../src/model/decoder/model.ts";
import { sequenceLogps } from "../../../src/training/loop/batch_logps.ts";
import type { Metrics } from "../../../src/training/method/metrics.ts";
import { methods } from "../../../src/training/method/methods.ts";
import type { Objective } from "../../../src/training/method/objective.ts";
import { movingReference } from "../../../src/training/loop/moving_reference.ts";
import { Optimizer } from "../../../src/training/optimizer/optimizer.ts";
import { makeSchedule } from "../../../src/training/optimizer/schedule.ts";
import { train } from "../../../src/training/loop/trainer.ts";
import {
  compared,
  entryFile,
  referenceEntries,
  type ReferenceEntry,
} from "../../reference_dir.ts";
import { referenceGpuTest } from "../../reference_gpu_test_case.ts";
import { eachCase } from "../../reference_test_case.ts";
import {
  optimizerName,
  pairOptions,
  readTrajectory,
  type Trajectory,
  trajectoryDemonstrations,
  trajectoryPairs,
} from "./trajectory.ts";

/** Rewards are differences of sums of size 100: a little more room. */
function assertRow(got: Metrics, want: Metrics, step: number): void {
  for (const [name, value] of Object.entries(want)) {
    if (name === "lr_used_by_optimizer") continue; // the same as learning_rate
    const bound = name.startsWith("rewards/")
      ? 1e-4 * Math.abs(value) + 2e-5
      : 1e-4 * Math.max(Math.abs(value), 0.01);
    const gap = Math.abs(got[name]! - value);
    assert(
      gap <= bound,
      `step ${step}: ${name} is ${
        got[name]
      }, expected ${value} within ${bound}`,
    );
  }
}

async function assertWeights(
  device: Device,
  model: Model,
  reader: TensorReader,
): Promise<void> {
  const trained = parameters(model);
  assertEquals(
    trained.map(({ name }) => name).sort(),
    [...reader.tensors.keys()].sort(),
  );
  for (const { name, value } of trained) {
    const want = new Float32Array((await reader.read(name)).buffer);
    const got = await device.read(value);
    const gap = want.reduce(
      (most, x, i) => Math.max(most, Math.abs(x - got[i]!)),
      0,
    );
    assert(gap <= 1e-4, `${name} ends ${gap} away`);
  }
}

async function loadStart(
  device: Device,
  { root, folder }: ReferenceEntry,
  { base_model, lora }: Trajectory,
): Promise<Model> {
  const { config, weights } = await openModelFolder(join(root, base_model));
  const model = await loadModel(device, readModelConfig(config), weights, {
    trained: !lora,
  });
  if (lora) {
    const adapter = await openAdapterFolder(`${folder}/adapter_init`);
    await loadAdapter(
      model,
      readAdapterConfig(adapter.config),
      adapter.weights,
      { trained: true },
    );
  }
  return model;
}

async function replay<Example extends { readonly line: number }>(
  device: Device,
  model: Model,
  { hyperparameters: h }: Trajectory,
  { objective, examples, reference }: {
    objective: Objective<Example>;
    examples: readonly Example[];
    reference: Float64Array;
  },
): Promise<Metrics[]> {
  const rows: Metrics[] = [];
  await train({
    model,
    objective,
    train: { examples, reference },
    evaluation: undefined,
    optimizer: new Optimizer(device, trainedWeights(model), {
      ...h,
      optim: optimizerName(h),
    }),
    order: {
      examples: examples.length,
      batchSize: h.per_device_train_batch_size,
      accumulation: h.gradient_accumulation_steps,
      shuffle: false,
    },
    totalSteps: h.max_steps,
    schedule: makeSchedule({
      ...h,
      lr_scheduler_kwargs: h.lr_scheduler_kwargs ?? {},
      warmupSteps: h.warmup_steps_resolved,
      totalSteps: h.max_steps,
    }),
    routerLoss: undefined,
    movingReference: h.sync_ref_model
      ? movingReference(model, {
        ref_model_mixup_alpha: h.ref_model_mixup_alpha!,
        ref_model_sync_steps: h.ref_model_sync_steps!,
      })
      : undefined,
    evaluatesFirst: false,
    best: undefined,
    savesBest: false,
    maxGradNorm: h.max_grad_norm,
    evalBatchSize: 4,
    gradientCheckpointing: false,
    maxTokensPerBatch: null,
    seed: 42,
    drops: false,
    embeddingNoise: 0,
    isDue: (event) => event === "log",
    describe: String,
  }, {
    onLog: (row) => void rows.push(row),
    onEvaluation: () => {},
    onSave: () => Promise.resolve(),
  });
  return rows;
}

async function check(device: Device, entry: ReferenceEntry): Promise<void> {
  const trajectory = readTrajectory(entry.folder);
  const model = await loadStart(device, entry, trajectory);
  const { trainer, steps, hyperparameters } = trajectory;
  const rows = trainer === "SFT"
    ? await replay(device, model, trajectory, {
      objective: methods.sft.objective({}),
      examples: trajectoryDemonstrations(trajectory),
      reference: new Float64Array(),
    })
    : await replayPairs(device, model, trajectory);
  assertEquals(rows.length, hyperparameters.max_steps);
  for (const [i, row] of rows.entries()) assertRow(row, steps[i]!.log, i + 1);
  const end = await openEnd(entry, trajectory);
  if (end) await assertWeights(device, model, end);
  compared("trajectories");
}

/** The weights at the end, where the reference has them. */
async function openEnd(
  entry: ReferenceEntry,
  { lora }: Trajectory,
): Promise<TensorReader | undefined> {
  if (!lora) {
    const path = entryFile(entry, "final_weights.safetensors");
    return path === undefined ? undefined : await openSafetensors(path);
  }
  const folder = entryFile(entry, "adapter_final");
  return folder === undefined
    ? undefined
    : (await openAdapterFolder(folder)).weights;
}

async function replayPairs(
  device: Device,
  model: Model,
  trajectory: Trajectory,
): Promise<Metrics[]> {
  const examples = trajectoryPairs(trajectory);
  const objective = methods.dpo.objective(
    pairOptions(trajectory.hyperparameters),
  );
  const batch = objective.batch(examples);
  const reference = await sequenceLogps(model, [batch], { adapters: false });
  return await replay(device, model, trajectory, {
    objective,
    examples,
    reference,
  });
}

await referenceGpuTest(
  "runs equal those of TRL, column by column",
  (device, context) =>
    eachCase(
      context,
      referenceEntries("trajectories"),
      (entry) => check(device, entry),
      device,
    ),
);
