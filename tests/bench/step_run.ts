/**
 * Runs the steps of a recipe and measures them: the reference's pass, two epochs, and one profiled
 * step.
 */
// deno-lint-ignore-file no-console
import type { Device } from "../../kernels/device/device.ts";
import { openDevice } from "../../kernels/device/open_deno.ts";
import type { KernelTime } from "../../kernels/device/launch_profile.ts";
import { linear } from "../../kernels/matmul/linear.ts";
import { tuneProducts } from "../../kernels/matmul/tune_products.ts";
import { trainedWeights } from "../../src/model/decoder/model.ts";
import { openEncoder } from "../../src/preference/tokens/open_encoder.ts";
import type { Batch } from "../../src/preference/tokens/batch.ts";
import type { TokenPair } from "../../src/preference/tokens/token_examples.ts";
import { methodOf } from "../../src/training/method/methods.ts";
import { Optimizer } from "../../src/training/optimizer/optimizer.ts";
import type { TrainOptions } from "../../src/training/options/options.ts";
import { referenceLogps } from "../../src/training/reference/reference.ts";
import { dataReaders } from "../../src/training/setup/data_readers.ts";
import { openRunModel } from "../../src/training/setup/run_model.ts";
import { trainerParts } from "../../src/training/run/run_parts.ts";
import { planRun } from "../../src/training/plan/run_plan.ts";
import { stepOperations } from "../../src/training/setup/step_operations.ts";
import { FRESH, train } from "../../src/training/loop/trainer.ts";
import { seeded } from "../kernels/numbers.ts";
import { drawnMatrix } from "./drawn_matrix.ts";
import { cpuSeconds, peakProcessBytes } from "./cpu_seconds.ts";
import { CACHE_FOLDER } from "../../src/files/file_names.ts";
import { keptTexts } from "../../src/files/disk/kept_texts.ts";

/** Seconds of a part by the clock, and by processor time over the machine's cores. */
export interface Seconds {
  readonly wall: number;
  readonly cpu: number;
}

/** What was measured. */
export interface StepReport {
  readonly adapter: string;
  readonly model: string;
  readonly pairs: number;
  /** Tokens that are computed, and that attention sees: the prompt once, and twice. */
  readonly tokensPerPair: number;
  readonly attendedTokensPerPair: number;
  readonly targetsPerPair: number;
  /** Per pair. */
  readonly reference: Seconds;
  /** Per pair, each epoch. */
  readonly epochs: readonly Seconds[];
  /** Per pair, over all epochs with the reference's pass. */
  readonly average: Seconds;
  readonly losses: readonly number[];
  /** Operations of products and attention of a step per pair, 1e9. */
  readonly operations: number;
  /** 1e9 operations a second, over the epochs, by processor time. */
  readonly rate: number;
  /** The same of the best matrix product here. */
  readonly peakRate: number;
  /** The tile of its products. */
  readonly tile: string;
  /**
   * Most bytes that the device held, and the process: on a software adapter the first are among the
   * second.
   */
  readonly peakBytes: number;
  readonly peakProcessBytes: number;
  readonly kernels: readonly KernelTime[];
}

const EPOCHS = 2;

/** Opens what trains on `options`' pairs, without files; the reference's pass is timed. */
async function openRun(device: Device, options: TrainOptions) {
  const opened = await openEncoder(options);
  const method = methodOf(options);
  if (method.data !== "pairs") {
    throw new TypeError(
      `Cannot measure trainer "${options.trainer}": it trains on ${method.data}, expected pairs`,
    );
  }
  const data = await dataReaders.pairs.load(options, opened.encoder);
  const examples = data.train.examples;
  const built = await openRunModel(device, options, opened);
  const { model } = built;
  const objective = method.objective(options);
  const reference = await timed(() =>
    referenceLogps(() => Promise.resolve(model), examples, objective, {
      device: model.device.description,
      batchSize: options.per_device_train_batch_size,
      cacheFolder: undefined,
      weightsKey: "",
    })
  );
  console.error(`reference: ${JSON.stringify(reference.seconds)}`);
  const plan = await planRun(device, options, opened.files, {
    train: examples,
    evaluation: [],
    objective,
  });
  const optimizer = new Optimizer(device, trainedWeights(model), options);
  device.memory.reserve(plan.idle);
  const gradientCheckpointing = options.gradient_checkpointing === true;
  const parts = trainerParts(
    {
      options,
      objective,
      built,
      data,
      plan: { ...plan, gradientCheckpointing },
    },
    {
      train: { examples, reference: reference.value },
      evaluation: undefined,
      optimizer,
      movingReference: undefined,
    },
  );
  return { built, examples, objective, parts, reference: reference.seconds };
}

/** Runs `options`' pairs twice, without files. */
export async function measureSteps(
  options: TrainOptions,
): Promise<StepReport> {
  using device = await openDevice();
  const { chosen: tile } = await tuneProducts(device, {
    store: keptTexts(CACHE_FOLDER.kernels),
  });
  const run = await openRun(device, options);
  const { built, examples, objective, parts } = run;
  const losses: number[] = [];
  const perEpoch = Math.ceil(parts.totalSteps / EPOCHS);
  const steps = (from: number, to: number) =>
    train({ ...parts, totalSteps: to, isDue: (event) => event === "log" }, {
      onLog: (row) => void losses.push(row["loss"]!),
      onEvaluation: () => {},
      onSave: () => Promise.resolve(),
    }, { ...FRESH, step: from });
  const epochs: Seconds[] = [];
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    const { seconds } = await timed(() =>
      steps(epoch * perEpoch, (epoch + 1) * perEpoch)
    );
    epochs.push(perPair(seconds, examples));
    console.error(`epoch ${epoch + 1}: ${JSON.stringify(epochs.at(-1))}`);
  }
  const peaks = {
    peakBytes: device.memory.peakBytes,
    peakProcessBytes: peakProcessBytes(),
  };
  const end = device.startProfile();
  await steps(parts.totalSteps, parts.totalSteps + 1);
  const kernels = await end();
  const once = perPair(run.reference, examples);
  const batches = examples.map((example) => objective.batch([example]));
  const operations =
    mean(batches.map((batch) =>
      stepOperations(built.model.config, batch, {
        backward: true,
        full: !built.adapter,
        gradientCheckpointing: parts.gradientCheckpointing,
        rank: built.adapter?.r ?? 0,
      }).total
    )) / 1e9;
  return {
    adapter: device.description,
    model: options.model_name_or_path,
    pairs: examples.length,
    ...sizesOf(batches),
    reference: once,
    epochs,
    average: averageOf(epochs, once),
    losses,
    operations,
    rate: operations / mean(epochs.map(({ cpu }) => cpu)),
    peakRate: await productRate(device),
    ...peaks,
    tile,
    kernels,
  };
}

/** Seconds per pair of an epoch with its share of the reference's pass. */
function averageOf(epochs: readonly Seconds[], reference: Seconds): Seconds {
  return {
    wall: mean(epochs.map(({ wall }) => wall)) + reference.wall / EPOCHS,
    cpu: mean(epochs.map(({ cpu }) => cpu)) + reference.cpu / EPOCHS,
  };
}

/** Means of batches of one pair each. */
function sizesOf(batches: readonly Batch[]) {
  return {
    tokensPerPair: mean(batches.map(({ tokens }) => tokens.length)),
    attendedTokensPerPair: mean(batches.map((batch) => batch.attendedTokens)),
    targetsPerPair: mean(batches.map(({ targetRows }) => targetRows.length)),
  };
}

async function timed<T>(
  work: () => Promise<T>,
): Promise<{ value: T; seconds: Seconds }> {
  const [start, cpu] = [performance.now(), cpuSeconds()];
  const value = await work();
  const seconds = {
    wall: (performance.now() - start) / 1e3,
    cpu: (cpuSeconds() - cpu) / navigator.hardwareConcurrency,
  };
  return { value, seconds };
}

function perPair(
  { wall, cpu }: Seconds,
  { length }: readonly TokenPair[],
): Seconds {
  return { wall: wall / length, cpu: cpu / length };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, x) => sum + x, 0) / values.length;
}

/**
 * 1e9 operations a second of a product of 512 x 896 x 4,864 with bf16 weights, the best of some, by
 * processor time.
 */
async function productRate(device: Device): Promise<number> {
  const [tokens, cols, rows] = [512, 896, 4864];
  using _scope = device.scope();
  const w = drawnMatrix(device, rows, cols, "bf16");
  const x = device.upload(seeded(tokens * cols, 2), [tokens, cols]);
  let best = 0;
  for (let round = 0; round < 5; round++) {
    const { seconds } = await timed(async () => {
      using _scope = device.scope();
      for (let i = 0; i < 4; i++) linear(device, x, w);
      await device.finish();
    });
    if (round > 0) {
      best = Math.max(best, 8 * tokens * cols * rows / seconds.cpu / 1e9);
    }
  }
  return best;
}
