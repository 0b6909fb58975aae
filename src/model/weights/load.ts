/**
 * Loads a checkpoint as a model. It checks the names and shapes of all tensors first, then streams
 * the numbers to the device and never holds more than a chunk of a file. Frozen weights stay packed
 * in the type of the file; trained ones are f32 beside their packed form.
 */
import type { Device } from "../../../kernels/device/device.ts";
import {
  createMatrix,
  type Matrix,
  writeMatrixRows,
  WRITTEN_ROWS,
} from "../../../kernels/matrix/matrix.ts";
import type { Tensor } from "../../../kernels/device/tensor.ts";
import {
  createParameter,
  trainedWeight,
  type Vector,
  type Weight,
} from "../../autograd/parameter.ts";
import { tell } from "../../base/notes.ts";
import { listed } from "../../base/shown.ts";
import { Random } from "../../base/random.ts";
import {
  type FloatDtype,
  fromFloat32,
  toFloat32,
} from "../../files/safetensors/dtype.ts";
import {
  CHUNK_BYTES,
  type TensorReader,
} from "../../files/safetensors/safetensors.ts";
import { adapterWeight } from "./adapter_parts.ts";
import type { ModelConfig } from "../config/config.ts";
import type { Model } from "../decoder/model.ts";
import { SCORE } from "./reward_head.ts";
import { ropeTables } from "../decoder/rope_table.ts";
import { headName } from "../config/tensor_names.ts";
import type { IsTrained } from "./trained_parameters.ts";
import {
  isQuantized,
  loadQuantized,
  loadStoredCodes,
  type Quantization,
} from "./quantization.ts";
import {
  buildModel,
  type WeightLayout,
  weightLayouts,
} from "./weight_layout.ts";

/** How to load a model. */
export interface LoadModelOptions {
  /** Whether all weights are trained, or a rule that names those that are; default: none. */
  readonly trained?: boolean | IsTrained;
  /** Seed of a fresh reward head, for files that lack one; undefined: the files must have it. */
  readonly headSeed?: number | undefined;
  /** Type in which frozen matrices are kept; default: the type of the file. */
  readonly dtype?: keyof typeof STORED | undefined;
  /** Keeps the frozen linear layers of the blocks as codes of 8 or 4 bits; default: no codes. */
  readonly quantization?: Quantization | undefined;
  /**
   * Whether weights of other codes than those here are served as bf16, with an error that is told;
   * default false: they are refused.
   */
  readonly dequantize?: boolean | undefined;
  /** Called with the bytes loaded so far and the bytes of all tensors. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

const MATRIX_DTYPES = {
  F32: "f32",
  F16: "f16",
  BF16: "bf16",
} as const satisfies Record<FloatDtype, keyof typeof STORED>;

const STORED = { f32: "F32", f16: "F16", bf16: "BF16" } as const;

/**
 * Tensors that some checkpoints contain although they are computed from the config; old files of
 * GPT-NeoX have their causal mask.
 */
const DERIVED = /rotary_emb\.inv_freq$|\.attention\.(bias|masked_bias)$/;

/**
 * Loads a checkpoint.
 *
 * @throws {TypeError} naming all tensors that are missing, unknown, of a wrong shape or of a type
 *   that is not served
 */
export async function loadModel(
  device: Device,
  config: ModelConfig,
  reader: TensorReader,
  options: LoadModelOptions = {},
): Promise<Model> {
  const { headSeed, trained = false } = options;
  const isTrained = typeof trained === "boolean" ? () => trained : trained;
  const startsHead = config.rewardHead && headSeed !== undefined;
  const stored = storedLayouts(config, reader, { startsHead });
  checkRounded(reader, options.dequantize ?? false);
  const parts = await loadParts(device, stored, reader, {
    ...options,
    isTrained,
  });
  if (startsHead && !parts.has(SCORE)) {
    parts.set(
      SCORE,
      newScore(device, config, {
        seed: headSeed,
        trained: isTrained(SCORE),
      }),
    );
  }
  const built = buildModel(config, {
    weight: (name) => parts.get(name) as Weight,
    vector: (name) => parts.get(name) as Vector,
  });
  const cosSin = ropeTables(device, config.ropes);
  await device.finish();
  tellCodes(reader, options.quantization);
  return { device, config, cosSin, ...built };
}

/**
 * The tensors that a model takes from files, after the headers of these were compared with its
 * config. Nothing is allocated for sizes that they do not have.
 *
 * @param options `startsHead`: whether the files may lack a reward head
 * @throws {TypeError} as `loadModel()` does; RangeError if the config asks for far more tensors
 */
export function storedLayouts(
  config: ModelConfig,
  reader: TensorReader,
  { startsHead = false }: { readonly startsHead?: boolean | undefined } = {},
): WeightLayout[] {
  const stored = weightLayouts(config, reader).filter(({ name }) =>
    !(startsHead && name === SCORE && !reader.tensors.has(name))
  );
  checkTensors(config, stored, reader);
  return stored;
}

/** @throws {TypeError} if weights are of codes that products cannot read, and may not be floats */
function checkRounded(
  { files, packed }: TensorReader,
  mayRound: boolean,
): void {
  if (mayRound || !packed || packed.rounded.size === 0) return;
  throw new TypeError(
    `Cannot load "${
      files.join('", "')
    }": ${packed.rounded.size} weights are codes of ${packed.layout}, which the kernels here cannot read; set dequantize to have them as bf16`,
  );
}

/** Says what became of a quantized checkpoint. */
function tellCodes(
  { files: [file], packed }: TensorReader,
  wanted: Quantization | undefined,
): void {
  const others = packed?.codes.values()
    .filter(({ dtype }) => wanted && dtype !== wanted.dtype).toArray() ?? [];
  if (others.length > 0) {
    tell(
      `"${file}": ${others.length} weights are ${others[0]!.dtype} codes of ${
        packed!.layout
      } and stay so, not ${wanted!.dtype}`,
    );
  }
  if (!packed || packed.rounded.size === 0) return;
  const percent = (100 * packed.roundingError()).toFixed(2);
  tell(
    `"${file}": ${packed.rounded.size} weights of ${packed.layout} are kept as bf16, which differ from what their codes stand for by ${percent} % (root mean square)`,
  );
}

async function loadParts(
  device: Device,
  layouts: readonly WeightLayout[],
  reader: TensorReader,
  { isTrained, dtype, quantization, onProgress }: LoadModelOptions & {
    readonly isTrained: IsTrained;
  },
): Promise<Map<string, Weight | Vector>> {
  const total = layouts.reduce(
    (sum, { name }) => sum + reader.tensors.get(name)!.bytes,
    0,
  );
  const parts = new Map<string, Weight | Vector>();
  const load = async (name: string) =>
    await storedCodes(device, reader, name) ??
      (quantization && isQuantized(name)
        ? await loadQuantized(device, reader, name, quantization)
        : await loadMatrix(device, reader, name, dtype));
  let done = 0;
  onProgress?.(done, total);
  for (const { name, vector } of layouts) {
    const part = !vector && !isTrained(name)
      ? { name, matrix: await load(name) }
      : trainable(
        device,
        { name, vector },
        await loadTensor(device, reader, name),
        isTrained(name),
      );
    parts.set(name, part);
    done += reader.tensors.get(name)!.bytes;
    onProgress?.(done, total);
    await device.drainUploads();
  }
  return parts;
}

/** A frozen matrix of the checkpoint's own codes; undefined if it keeps none that are served. */
async function storedCodes(
  device: Device,
  { tensors, packed }: TensorReader,
  name: string,
): Promise<Matrix | undefined> {
  const codes = packed?.codes.get(name);
  if (codes === undefined) return undefined;
  const { shape } = tensors.get(name)!;
  return await loadStoredCodes(
    device,
    shape as unknown as [number, number],
    codes.read,
  );
}

/**
 * Loads a frozen matrix. The chunks of the file have whole runs of rows, since a matrix is written
 * in such runs.
 */
async function loadMatrix(
  device: Device,
  reader: TensorReader,
  name: string,
  wanted: keyof typeof STORED | undefined,
): Promise<Matrix> {
  const { shape, bytes } = reader.tensors.get(name)!;
  const stored = floatDtype(reader, name);
  const kept = wanted ?? MATRIX_DTYPES[stored];
  const [rows, cols] = shape as [number, number];
  const matrix = createMatrix(device, rows, cols, kept);
  const rowBytes = bytes / rows;
  const runBytes = WRITTEN_ROWS * rowBytes;
  const chunkBytes = Math.max(1, Math.floor(CHUNK_BYTES / runBytes)) *
    runBytes;
  for await (const chunk of reader.chunks(name, chunkBytes)) {
    const converted = STORED[kept] === stored
      ? chunk.bytes
      : fromFloat32(toFloat32(chunk.bytes, stored), STORED[kept]);
    writeMatrixRows(device, matrix, chunk.offset / rowBytes, converted);
    await device.drainUploads();
  }
  return matrix;
}

/** The type of a tensor, which `checkTensors()` has checked. */
function floatDtype(reader: TensorReader, name: string): FloatDtype {
  return reader.tensors.get(name)!.dtype as FloatDtype;
}

/** Loads a tensor of a file to the device as f32; its type must be checked before. */
export async function loadTensor(
  device: Device,
  reader: TensorReader,
  name: string,
): Promise<Tensor> {
  const tensor = device.allocate(reader.tensors.get(name)!.shape);
  let at = 0;
  for await (const { bytes } of reader.chunks(name)) {
    const numbers = toFloat32(bytes, floatDtype(reader, name));
    device.write(tensor, numbers, at);
    at += numbers.byteLength;
    await device.drainUploads();
  }
  return tensor;
}

/** Makes a part of a model from an f32 tensor: a vector, or a weight from `[out, in]`. */
export function trainable(
  device: Device,
  { name, vector }: Pick<WeightLayout, "name" | "vector">,
  tensor: Tensor,
  trained: boolean,
): Weight | Vector {
  if (!vector) return trainedWeight(device, name, tensor);
  return trained && !vector.frozen
    ? { name, tensor, parameter: createParameter(device, name, tensor) }
    : { name, tensor };
}

/** Makes a fresh reward head as transformers does: normal with deviation `initializer_range`. */
function newScore(
  device: Device,
  { hidden_size, initializer_range }: ModelConfig,
  { seed, trained }: { readonly seed: number; readonly trained: boolean },
): Weight {
  const random = new Random(seed);
  const values = Float32Array.from(
    { length: hidden_size },
    () => random.normal() * initializer_range,
  );
  const value = device.upload(values, [1, hidden_size]);
  return adapterWeight(device, SCORE, value, { trained });
}

function checkTensors(
  config: ModelConfig,
  layouts: readonly WeightLayout[],
  reader: TensorReader,
): void {
  const problems: string[] = [];
  for (const { name, shape } of layouts) {
    const info = reader.tensors.get(name);
    if (!info) {
      problems.push(
        `tensor "${name}" is missing, expected shape [${shape.join(", ")}]`,
      );
    } else if (info.shape.join() !== shape.join()) {
      problems.push(
        `tensor "${name}" has shape [${info.shape.join(", ")}], expected [${
          shape.join(", ")
        }]`,
      );
    } else if (!Object.hasOwn(MATRIX_DTYPES, info.dtype)) {
      problems.push(
        `tensor "${name}" has type ${info.dtype}, expected F32, F16 or BF16`,
      );
    }
  }
  const wanted = new Set(layouts.map(({ name }) => name));
  const { family, rewardHead, tie_word_embeddings } = config;
  const tied = tie_word_embeddings || rewardHead ? headName(config) : "";
  for (const name of reader.tensors.keys()) {
    const skipped = DERIVED.test(name) || family.part?.others.test(name);
    if (!wanted.has(name) && name !== tied && !skipped) {
      problems.push(
        `tensor "${name}" is not part of model_type "${config.model_type}"`,
      );
    }
  }
  if (problems.length > 0) {
    throw new TypeError(
      `Cannot load "${reader.files.join('", "')}": ${listed(problems)}`,
    );
  }
}
