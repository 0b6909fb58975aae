/**
 * How many bytes a run will hold on the device, group by group, before it allocates one: the run's
 * own model, batches and optimizer go through a device that only counts. What ops keep and what the
 * pool rounds is in the count by itself.
 */
import { Device } from "../../../kernels/device/device.ts";
import { BudgetError, type Form } from "../../../kernels/device/pool.ts";
import type { Matrix } from "../../../kernels/matrix/matrix.ts";
import {
  writeMatrixRows,
  WRITTEN_ROWS,
} from "../../../kernels/matrix/matrix.ts";
import { bytesOfRows } from "../../../kernels/matrix/matrix_bytes.ts";
import {
  matrixBytes,
  resourceBytes,
} from "../../../kernels/matrix/resource_bytes.ts";
import type { Vector, Weight } from "../../autograd/parameter.ts";
import { formatBytes } from "../../base/units.ts";
import { CHUNK_BYTES } from "../../files/safetensors/safetensors.ts";
import type { AdapterConfig } from "../../model/adapter/adapter_config.ts";
import type { ModelConfig } from "../../model/config/config.ts";
import { type Model, trainedWeights } from "../../model/decoder/model.ts";
import { sampleModel } from "../../model/opening/sample_model.ts";
import type { IsTrained } from "../../model/weights/trained_parameters.ts";
import type { Batch } from "../../preference/tokens/batch.ts";
import { logpsOf, recordedLogps } from "../loop/batch_logps.ts";
import {
  type MovingReference,
  movingReference,
} from "../loop/moving_reference.ts";
import { balanceBatch, type RouterLoss } from "../loop/router_loss.ts";
import { Optimizer, type OptimizerOptions } from "../optimizer/optimizer.ts";

/** A run as far as its bytes depend on it. */
export interface ByteSources {
  readonly config: ModelConfig;
  /** The type in which a frozen matrix is kept. */
  readonly dtypeOf: (name: string, cols: number) => Matrix["dtype"];
  /** Whether the scales of 4 bits are codes; default: not. */
  readonly nested?: boolean | undefined;
  /** Adapters that are trained; undefined: weights are. */
  readonly adapter: AdapterConfig | undefined;
  /** Which weights are trained without an adapter; undefined: all. */
  readonly isTrained?: IsTrained | undefined;
  readonly optimizer: OptimizerOptions;
  /** Whether the reference moves: a second set of what is trained, which runs on each batch. */
  readonly movesReference: boolean;
  /** Batches that run forward only: the reference's, and those of evaluation. */
  readonly forward: readonly Batch[];
  /** Batches that are trained on; the largest ones matter. */
  readonly training: readonly Batch[];
  /** Keeps experts in equal use; undefined: not wanted. */
  readonly routerLoss?: RouterLoss | undefined;
  readonly gradientCheckpointing: boolean;
}

/** What the bytes are for. */
export interface ByteGroup {
  /** In words. */
  readonly name: string;
  /** On the device. */
  readonly bytes: number;
}

/** What a run will hold. */
export interface BytePlan {
  /** They add up to `total`. */
  readonly groups: readonly ByteGroup[];
  /** The most that the device holds at once. */
  readonly total: number;
  /** The largest single buffer or texture. */
  readonly largest: number;
  /** Whether blocks are computed again in the backward pass. */
  readonly gradientCheckpointing: boolean;
  /**
   * What lies in the pool between two batches that are trained on, for `DeviceMemory.reserve()`.
   *
   * @internal
   */
  readonly idle: readonly Form[];
}

/** Counts the bytes of a run on a device like the one given. */
export async function planBytes(
  like: Device,
  sources: ByteSources,
): Promise<BytePlan> {
  using device = Device.counting(like);
  const { memory } = device;
  const { adapter, config, dtypeOf, nested, isTrained } = sources;
  const trained = adapter === undefined && (isTrained ?? true);
  const model = sampleModel(device, config, {
    trained,
    dtypeOf,
    nested,
    adapter,
    numbers: undefined,
  });
  if (trained !== true) stageChunk(device, model);
  const weights = weightGroups(model, memory.usedBytes);
  const before = memory.usedBytes;
  const optimizer = new Optimizer(
    device,
    trainedWeights(model),
    sources.optimizer,
  );
  const state = memory.usedBytes - before;
  const second = memory.usedBytes;
  const reference = sources.movesReference
    ? movingReference(model, UNMOVED)
    : undefined;
  const copies = memory.usedBytes - second;
  const passes = await countPasses({ model, reference }, optimizer, sources);
  const { peakBytes, largestBytes } = memory;
  return {
    groups: [
      ...weights.own,
      { name: "optimizer state", bytes: state },
      { name: "the moving reference", bytes: copies },
      ...weights.beside,
      { name: "kept for the backward pass", bytes: passes.kept },
      {
        name: "largest work: forward, vocabulary, backward",
        bytes: passes.work,
      },
      { name: "pooled between batches", bytes: peakBytes - passes.peak },
    ],
    total: peakBytes,
    largest: largestBytes,
    gradientCheckpointing: sources.gradientCheckpointing,
    idle: passes.idle,
  };
}

/** What a model's weights take, and what lies beside them, of all the bytes in use. */
function weightGroups(
  model: Model,
  usedBytes: number,
): { own: ByteGroup[]; beside: ByteGroup[] } {
  const tables = new Set(Object.values(model.cosSin));
  const rope = [...tables].reduce((sum, one) => sum + resourceBytes(one), 0);
  const values = sumOf(model, (one) => resourceBytes(one.parameter!.value));
  const gradients = sumOf(
    model,
    (one) => resourceBytes(one.parameter!.gradient),
  );
  const packed = sumOf(
    model,
    (one) => "matrix" in one ? matrixBytes(one.matrix) : 0,
  );
  const frozen = usedBytes - rope - values - gradients - packed;
  return {
    own: [
      { name: "frozen weights", bytes: frozen },
      { name: "trained values", bytes: values },
      { name: "their gradients", bytes: gradients },
    ],
    beside: [
      { name: "packed copies of trained weights", bytes: packed },
      { name: "rotations by position", bytes: rope },
    ],
  };
}

/** When and how far a reference moves does not change its bytes. */
const UNMOVED = { ref_model_mixup_alpha: 0, ref_model_sync_steps: 1 };

/**
 * The most bytes that a model of a config takes on a device to run some batches forward, and
 * nothing else.
 */
export async function forwardBytes(
  like: Device,
  { config, dtypeOf }: Pick<ByteSources, "config" | "dtypeOf">,
  batches: readonly Batch[],
): Promise<number> {
  using device = Device.counting(like);
  const model = sampleModel(device, config, {
    trained: false,
    dtypeOf,
    adapter: undefined,
    numbers: undefined,
  });
  stageChunk(device, model);
  for (const batch of batches) await logpsOf(model, batch);
  return device.memory.peakBytes;
}

/** A file's chunk passes through the device on its way to a matrix. */
function stageChunk(device: Device, model: Model): void {
  const { matrix } = (model.base ?? model).embed_tokens;
  const rowBytes = bytesOfRows(1, matrix.cols, matrix.dtype);
  const runs = Math.max(1, Math.floor(CHUNK_BYTES / rowBytes / WRITTEN_ROWS));
  const rows = Math.min(matrix.rows, runs * WRITTEN_ROWS);
  writeMatrixRows(device, matrix, 0, new Uint8Array(rows * rowBytes));
}

/** Bytes of something of each trained weight. */
function sumOf(
  model: Model,
  bytesOf: (weight: Weight | Vector) => number,
): number {
  return trainedWeights(model).reduce((sum, one) => sum + bytesOf(one), 0);
}

interface PassBytes {
  /** In use between forward and backward pass, beside what outlives the step. */
  readonly kept: number;
  /** In use at most, beside what is kept. */
  readonly work: number;
  /** In use at most, all in all. */
  readonly peak: number;
  readonly idle: BytePlan["idle"];
}

/** Runs all batches; those that are trained on first, since the others need less. */
async function countPasses(
  { model, reference }: {
    model: Model;
    reference: MovingReference | undefined;
  },
  optimizer: Optimizer,
  { forward, training, gradientCheckpointing, routerLoss }: ByteSources,
): Promise<PassBytes> {
  const { device } = model;
  const { memory } = device;
  const lasting = memory.usedBytes;
  let kept = 0;
  let peak = lasting;
  const measure = async (run: () => Promise<number>) => {
    memory.forgetPeak();
    const found = await run();
    if (memory.peakUsedBytes > peak) {
      [peak, kept] = [memory.peakUsedBytes, found];
    }
  };
  for (const batch of training) {
    await measure(async () => {
      using _batch = device.scope();
      if (reference) await logpsOf(reference.model, batch);
      const balance = routerLoss && balanceBatch(device, routerLoss, 1);
      const logps = await recordedLogps(model, batch, {
        gradientCheckpointing,
        balance: balance?.passOf(batch),
        alongside: [optimizer.clip],
      });
      const found = memory.usedBytes - lasting;
      logps.backward(new Float32Array(batch.targetRows.length));
      return found;
    });
    await measure(() => {
      optimizer.step({ learningRate: 0, maxGradNorm: 0 });
      reference?.afterStep(1);
      return Promise.resolve(0);
    });
  }
  const idle = memory.idle();
  device.trim(); // as `reserve()` does between these and the reference's
  for (const batch of forward) {
    for (const one of reference ? [reference.model, model] : [model]) {
      await measure(async () => {
        await logpsOf(one, batch);
        return 0;
      });
    }
  }
  return { kept, work: peak - lasting - kept, peak, idle };
}

/**
 * Fails if a run does not fit, with what each group takes.
 *
 * @throws {BudgetError} in one line
 */
export function checkBudget(
  { groups, total, gradientCheckpointing }: BytePlan,
  budgetBytes: number,
): void {
  if (total <= budgetBytes) return;
  const parts = groups.filter(({ bytes }) => bytes > 0)
    .map(({ name, bytes }) => `${name} ${formatBytes(bytes)}`);
  const advice = gradientCheckpointing
    ? ""
    : ", turn gradient_checkpointing on";
  throw new BudgetError(
    `Cannot train in ${
      formatBytes(budgetBytes)
    } of device memory: the run needs ${formatBytes(total)} (${
      parts.join(", ")
    }); lower max_tokens_per_batch, per_device_train_batch_size or max_length, train an adapter${advice}`,
  );
}
