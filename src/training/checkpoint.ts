/**
 * Checkpoints from which a run goes on bit for bit: trained values, optimizer state, step, and the averages of the
 * log line at hand. A reader never sees half of one. The order of the data follows from seed and step.
 */
import { join } from "@std/path";
import type { Device } from "../../kernels/device.ts";
import type { Tensor } from "../../kernels/tensor.ts";
import { writeFolderAtomic } from "../files/atomic.ts";
import { checkpointPath } from "../files/checkpoints.ts";
import { readJsonObject } from "../files/json_file.ts";
import { openSafetensors, type TensorReader } from "../files/safetensors.ts";
import { exportTensor } from "../model/export.ts";
import type { Model } from "../model/model.ts";
import type { Optimizer } from "./optimizer.ts";
import {
  type SaveContext,
  saveModel,
  writeJson,
  writeTensors,
} from "./save_model.ts";
import type { TrainerState } from "./trainer.ts";

const STATE_FILE = "trainer_state.json";
const OPTIMIZER_FILE = "optimizer.safetensors";
const VERSION = 1;

/** Trained values go into the optimizer's file too: the model's own may be of 16 bits. */
function stateTensors(
  optimizer: Optimizer,
): { name: string; tensor: Tensor }[] {
  const values = optimizer.parameters.map(({ name, value }) => ({
    name: `value.${name}`,
    tensor: value,
  }));
  return [...values, ...optimizer.state()];
}

/** Writes `checkpoint-<step>` under a run's folder; returns its path. */
export async function saveCheckpoint(
  run: string,
  model: Model,
  parts: {
    optimizer: Optimizer;
    state: TrainerState;
    context: SaveContext;
    options: unknown;
  },
): Promise<string> {
  const { optimizer, state, context, options } = parts;
  const path = checkpointPath(run, state.step);
  await writeFolderAtomic(path, async (folder) => {
    await saveModel(folder, model, context);
    await writeTensors(
      join(folder, OPTIMIZER_FILE),
      stateTensors(optimizer).map(({ name, tensor }) =>
        exportTensor(model.device, name, tensor)
      ),
    );
    await writeJson(join(folder, "options.json"), options);
    await writeJson(join(folder, STATE_FILE), { version: VERSION, ...state });
  });
  return path;
}

/**
 * Brings model and optimizer to where a checkpoint left them.
 *
 * @returns where the run stands
 * @throws {TypeError} naming every tensor that is missing or misshapen
 */
export async function restoreCheckpoint(
  path: string,
  device: Device,
  optimizer: Optimizer,
): Promise<TrainerState> {
  const state = await readState(path);
  const reader = await openSafetensors(join(path, OPTIMIZER_FILE));
  const wanted = stateTensors(optimizer);
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
  optimizer.refresh();
  optimizer.steps = state.step;
  return state;
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

async function readState(path: string): Promise<TrainerState> {
  const file = join(path, STATE_FILE);
  const { version, step, meter } = await readJsonObject(file);
  if (version !== VERSION || !Number.isInteger(step) || (step as number) < 1) {
    throw new TypeError(
      `Cannot resume from "${file}": version ${version}, step ${step}, expected version ${VERSION} and a positive step`,
    );
  }
  return { step: step as number, meter: meter as TrainerState["meter"] };
}
