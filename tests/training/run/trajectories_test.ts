/**
 * Whole runs of TRL 1.13 replayed: every logged column of every step, and the weights at the end. Pairs lie here as
 * one shared prompt with two answers and no padding, there as a padded rectangle of two full sequences each.
 */
import { assert, assertEquals } from "@std/assert";
import { dirname } from "@std/path";
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
import {
  type TokenPair,
  tokenPair,
  type TokenSequence,
} from "../../../src/preference/tokens/token_examples.ts";
import { sequenceLogps } from "../../../src/training/loop/batch_logps.ts";
import type { LossName } from "../../../src/training/loss/losses.ts";
import type { Metrics } from "../../../src/training/method/metrics.ts";
import { methods } from "../../../src/training/method/methods.ts";
import type { Objective } from "../../../src/training/method/objective.ts";
import { movingReference } from "../../../src/training/loop/moving_reference.ts";
import { Optimizer } from "../../../src/training/optimizer/optimizer.ts";
import {
  makeSchedule,
  type ScheduleName,
} from "../../../src/training/optimizer/schedule.ts";
import { train } from "../../../src/training/loop/trainer.ts";
import { gpuTest } from "../../kernels/gpu_test_case.ts";
import { compared, referencePath } from "../../reference_dir.ts";

const NAMES = [
  "qwen2_full",
  "llama_full",
  "qwen2_lora",
  "llama_lora",
  "qwen2_precomputed_ref",
  "qwen2_sync_ref",
  "qwen2_sft",
  "qwen2_uneven_accumulation_ipo",
];

interface Hyperparameters {
  readonly learning_rate: number;
  readonly lr_scheduler_type: ScheduleName;
  readonly warmup_steps_resolved: number;
  readonly max_grad_norm: number;
  readonly gradient_accumulation_steps: number;
  readonly per_device_train_batch_size: number;
  readonly max_steps: number;
  readonly weight_decay: number;
  readonly adam_beta1: number;
  readonly adam_beta2: number;
  readonly adam_epsilon: number;
  readonly beta: number;
  readonly loss_type: LossName[];
  readonly sync_ref_model?: boolean;
  readonly ref_model_mixup_alpha?: number;
  readonly ref_model_sync_steps?: number;
}

interface Trajectory {
  readonly trainer: "DPO" | "SFT";
  readonly base_model: string;
  readonly lora: Record<string, unknown> | null;
  readonly hyperparameters: Hyperparameters;
  readonly tokenized: readonly Readonly<Record<string, number[]>>[];
  readonly steps: readonly { readonly log: Metrics }[];
}

function sequence(
  prompt: readonly number[],
  completion: readonly number[],
): TokenSequence {
  return { ids: [...prompt, ...completion], completionStart: prompt.length };
}

function pairsOf({ tokenized }: Trajectory): TokenPair[] {
  return tokenized.map(({ prompt_ids, chosen_ids, rejected_ids }, line) =>
    tokenPair(
      sequence(prompt_ids!, chosen_ids!),
      sequence(prompt_ids!, rejected_ids!),
      line,
    )
  );
}

/** Rewards are differences of sums of size 100: a little more room. */
function assertRow(got: Metrics, want: Metrics, step: number): void {
  for (const [name, value] of Object.entries(want)) {
    if (name === "lr_used_by_optimizer") continue;
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
  folder: string,
  { base_model, lora }: Trajectory,
): Promise<Model> {
  const { config, weights } = await openModelFolder(
    `${folder}/../../${base_model}`,
  );
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
    ...{
      model,
      objective,
      train: { examples, reference },
      evaluation: undefined,
    },
    optimizer: new Optimizer(device, trainedWeights(model), {
      ...h,
      optim: "adamw_torch",
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
      lr_scheduler_kwargs: {},
      warmupSteps: h.warmup_steps_resolved,
      totalSteps: h.max_steps,
    }),
    movingReference: h.sync_ref_model
      ? movingReference(model, {
        ref_model_mixup_alpha: h.ref_model_mixup_alpha!,
        ref_model_sync_steps: h.ref_model_sync_steps!,
      })
      : undefined,
    ...{ evaluatesFirst: false, best: undefined, savesBest: false },
    maxGradNorm: h.max_grad_norm,
    evalBatchSize: 4,
    gradientCheckpointing: false,
    maxTokensPerBatch: null,
    dropoutSeed: undefined,
    isDue: (event) => event === "log",
    describe: String,
  }, {
    onLog: (row) => void rows.push(row),
    onEvaluation: () => {},
    onSave: () => Promise.resolve(),
  });
  return rows;
}

/** @param hasEnd whether the weights at the end are at hand too */
async function check(
  device: Device,
  folder: string,
  hasEnd: boolean,
): Promise<void> {
  const trajectory: Trajectory = JSON.parse(
    await Deno.readTextFile(`${folder}/trajectory.json`),
  );
  const model = await loadStart(device, folder, trajectory);
  const { trainer, steps, tokenized, hyperparameters } = trajectory;
  const rows = trainer === "SFT"
    ? await replay(device, model, trajectory, {
      objective: methods.sft.objective({}),
      examples: tokenized.map(({ input_ids, labels }, line) => ({
        ids: input_ids!,
        completionStart: labels!.findIndex((label) => label !== -100),
        line,
      })),
      reference: new Float64Array(),
    })
    : await replayPairs(device, model, trajectory);
  assertEquals(rows.length, hyperparameters.max_steps);
  for (const [i, row] of rows.entries()) assertRow(row, steps[i]!.log, i + 1);
  if (hasEnd) {
    const end = trajectory.lora
      ? (await openAdapterFolder(`${folder}/adapter_final`)).weights
      : await openSafetensors(`${folder}/final_weights.safetensors`);
    await assertWeights(device, model, end);
  }
  compared("trajectories");
}

async function replayPairs(
  device: Device,
  model: Model,
  trajectory: Trajectory,
): Promise<Metrics[]> {
  const pairs = pairsOf(trajectory);
  const objective = methods.dpo.objective({
    ...trajectory.hyperparameters,
    label_smoothing: 0,
    loss_weights: null,
  });
  const reference = await sequenceLogps(model, [objective.batch(pairs)], {
    adapters: false,
  });
  return await replay(device, model, trajectory, {
    objective,
    examples: pairs,
    reference,
  });
}

for (const name of NAMES) {
  const [path, ...ends] = [
    "trajectory.json",
    "final_weights.safetensors",
    "adapter_final/adapter_model.safetensors",
  ].map((file) => referencePath(`trajectories/${name}/${file}`));
  if (path === undefined) {
    Deno.test({
      name: `run ${name} equals TRL's (skipped: no reference)`,
      ignore: true,
      fn() {},
    });
    continue;
  }
  const folder = dirname(path);
  const hasEnd = ends.some((end) => end !== undefined);
  await gpuTest(
    `run ${name} equals TRL's, column by column`,
    (device) => check(device, folder, hasEnd),
    { read: [`${folder}/../..`] },
  );
}
