/**
 * Writes a checkpoint with random weights from a config.json alone, to try a model's shape. It
 * writes tensor by tensor in pieces of rows, so that the model is never in memory. Needs no device.
 */
import { join } from "@std/path";
import { Random } from "../../base/random.ts";
import { writeFileAtomic } from "../../files/disk/atomic.ts";
import { type FloatDtype, fromFloat32 } from "../../files/safetensors/dtype.ts";
import type { JsonObject } from "../../files/disk/json_file.ts";
import {
  tensorBytes,
  writeSafetensors,
} from "../../files/safetensors/safetensors_writer.ts";
import { type ModelConfig, readModelConfig } from "../config/config.ts";
import { initialValues } from "./random_weights.ts";
import { type WeightLayout, weightLayouts } from "../weights/weight_layout.ts";
import { MODEL_FILE } from "../../files/file_names.ts";

/** The type of stored weights, by its name in config.json. */
export type CheckpointDtype = "bfloat16" | "float16" | "float32";

/** The names of these types in safetensors files. */
export const CHECKPOINT_DTYPES: Readonly<Record<CheckpointDtype, FloatDtype>> =
  {
    bfloat16: "BF16",
    float16: "F16",
    float32: "F32",
  };

/** How to write the checkpoint. */
export interface RandomCheckpointOptions {
  /** The parsed config.json. */
  readonly config: JsonObject;
  /** The type of the stored weights. */
  readonly dtype: CheckpointDtype;
  /** The seed of the random weights. */
  readonly seed: number;
  /** Called with the bytes written so far and the bytes of all weights. */
  readonly onProgress?: (done: number, total: number) => void;
}

const PIECE_ELEMENTS = 1 << 20;

/**
 * Writes `config.json` and `model.safetensors` to a folder. The same seed gives the same file.
 *
 * @returns the number of the model's parameters
 * @throws {TypeError} naming everything in the config that is not served
 */
export async function writeRandomCheckpoint(
  folder: string,
  { config, dtype, seed, onProgress }: RandomCheckpointOptions,
): Promise<number> {
  const read = readModelConfig(config);
  const stored = CHECKPOINT_DTYPES[dtype];
  const tensors = weightLayouts(read).map((layout) => ({
    ...layout,
    dtype: stored,
  }));
  const total = tensors.reduce((sum, tensor) => sum + tensorBytes(tensor), 0);
  const random = new Random(seed);
  let done = 0;
  // the weights come last: where they are, the model is whole
  await writeFileAtomic(
    join(folder, MODEL_FILE.config),
    JSON.stringify({ ...config, torch_dtype: dtype }, null, 2) + "\n",
  );
  await writeSafetensors(
    join(folder, MODEL_FILE.weights),
    tensors,
    function* (tensor) {
      for (const values of pieces(tensor, read, random)) {
        const bytes = fromFloat32(values, stored);
        yield bytes;
        onProgress?.(done += bytes.length, total);
      }
    },
  );
  const bytesEach = tensorBytes({ name: "", dtype: stored, shape: [] });
  return total / bytesEach;
}

/** The starting numbers of a tensor, some rows at a time. */
function* pieces(
  { name, shape, vector }: WeightLayout,
  config: ModelConfig,
  random: Random,
): Generator<Float32Array<ArrayBuffer>> {
  if (shape.length === 0) {
    return yield initialValues({ name, shape, vector }, config, random);
  }
  const [rows = 1, ...rest] = shape;
  const rowElements = rest.reduce((product, size) => product * size, 1);
  const step = Math.max(1, Math.floor(PIECE_ELEMENTS / rowElements));
  for (let row = 0; row < rows; row += step) {
    const part = [Math.min(step, rows - row), ...rest];
    yield initialValues({ name, shape: part, vector }, config, random);
  }
}
