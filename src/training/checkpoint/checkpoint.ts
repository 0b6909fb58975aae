/**
 * Checkpoints from which a run goes on bit for bit: trained values, optimizer state, step, and the
 * averages of the log line at hand. A reader never sees half of one. The order of the data follows
 * from seed and step.
 */
import type { Device } from "../../../kernels/device/device.ts";
import type { Tensor } from "../../../kernels/device/tensor.ts";
import { writeFolderAtomic } from "../../files/disk/atomic.ts";
import { checkpointPath } from "../../files/folders/checkpoints.ts";
import type { TensorReader } from "../../files/safetensors/safetensors.ts";
import type { Model } from "../../model/decoder/model.ts";
import { exportTensor } from "../../model/saving/export.ts";
import type { MovingReference } from "../loop/moving_reference.ts";
import type { TrainerState } from "../loop/trainer.ts";
import type { Optimizer } from "../optimizer/optimizer.ts";
import {
  type CheckpointContent,
  checkpointFiles,
  openOptimizerTensors,
} from "./checkpoint_files.ts";
import { heldBytes, holdTensors } from "./held_tensors.ts";
import { writeManifested } from "./manifested_files.ts";
import { modelTensors } from "./saved_model.ts";
import { readState } from "./trainer_state.ts";

/** What a run changes on the device. */
interface ChangingParts {
  readonly optimizer: Optimizer;
  readonly movingReference: MovingReference | undefined;
}

/** Trained values go into the optimizer's file too: the model's own may be of 16 bits. */
function stateTensors(
  { optimizer, movingReference }: ChangingParts,
): { name: string; tensor: Tensor }[] {
  return [
    ...valueTensors(optimizer),
    ...optimizer.state(),
    ...movingReference?.state ?? [],
  ];
}

function valueTensors(
  { parameters }: Optimizer,
): { name: string; tensor: Tensor }[] {
  return parameters.map(({ name, value }) => ({
    name: `value.${name}`,
    tensor: value,
  }));
}

/** What a checkpoint is made of beside the model. */
export interface CheckpointParts extends
  ChangingParts,
  Pick<
    CheckpointContent,
    "run" | "metrics" | "state" | "context" | "options" | "inputs"
  > {}

/**
 * Numbers up to this many bytes are read at once and written beside the training; more are written
 * before it goes on.
 */
const HELD_BYTES = 512 << 20;

/**
 * Begins `checkpoint-<step>` under a run's folder.
 *
 * @param output the folder
 * @returns what is left to do, for which the device is not needed; it gives the folder
 */
export async function beginCheckpoint(
  output: string,
  model: Model,
  parts: CheckpointParts,
): Promise<() => Promise<string>> {
  const { device } = model;
  const tensors = modelTensors(model, parts.context);
  const optimizerTensors = stateTensors(parts).map(({ name, tensor }) =>
    exportTensor(device, name, tensor)
  );
  if (heldBytes(tensors) + heldBytes(optimizerTensors) > HELD_BYTES) {
    const path = await writeCheckpoint(output, {
      ...parts,
      tensors,
      optimizerTensors,
    });
    return () => Promise.resolve(path);
  }
  const held = {
    ...parts,
    tensors: await holdTensors(device, tensors),
    optimizerTensors: await holdTensors(device, optimizerTensors),
  };
  return () => writeCheckpoint(output, held);
}

async function writeCheckpoint(
  output: string,
  content: CheckpointContent,
): Promise<string> {
  const { run, metrics, state: { step } } = content;
  const path = checkpointPath(output, step);
  await writeFolderAtomic(
    path,
    (folder) =>
      writeManifested(folder, checkpointFiles(content), { run, step, metrics }),
  );
  return path;
}

/**
 * Brings model, optimizer and moving reference to where a checkpoint left them.
 *
 * @returns where the run stands
 * @throws {TypeError} naming every tensor that is missing or misshapen
 */
export async function restoreCheckpoint(
  path: string,
  device: Device,
  parts: ChangingParts,
): Promise<TrainerState> {
  const state = await readState(path);
  await restoreTensors(path, device, stateTensors(parts));
  parts.optimizer.refresh();
  parts.movingReference?.refresh();
  return state;
}

/**
 * Brings the model alone to where a checkpoint left it.
 *
 * @throws {TypeError} naming every tensor that is missing or misshapen
 */
export async function restoreWeights(
  path: string,
  device: Device,
  optimizer: Optimizer,
): Promise<void> {
  await restoreTensors(path, device, valueTensors(optimizer));
  optimizer.refresh();
}

async function restoreTensors(
  path: string,
  device: Device,
  wanted: readonly { readonly name: string; readonly tensor: Tensor }[],
): Promise<void> {
  const reader = await openOptimizerTensors(path);
  const problems = wanted.flatMap(({ name, tensor }) => {
    const found = reader.tensors.get(name)?.shape;
    const shape = tensor.shape.join(", ");
    if (!found) return [`tensor "${name}" is missing`];
    return found.join(", ") === shape ? [] : [
      `tensor "${name}" has shape [${found.join(", ")}], expected [${shape}]`,
    ];
  });
  if (problems.length > 0) {
    throw new TypeError(`Cannot resume from "${path}": ${problems.join("; ")}`);
  }
  for (const { name, tensor } of wanted) {
    await restoreTensor(device, reader, name, tensor);
  }
}

async function restoreTensor(
  device: Device,
  reader: TensorReader,
  name: string,
  tensor: Tensor,
): Promise<void> {
  for await (const { offset, bytes } of reader.chunks(name)) {
    device.write(tensor, bytes, offset);
    await device.drainUploads();
  }
}
