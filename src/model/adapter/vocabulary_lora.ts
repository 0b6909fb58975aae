/**
 * Adapters of others may have low-rank changes of embedding and head too. They are added to the
 * whole matrix when the file is loaded, so that the passes know nothing of them; they are not
 * trained further. Knows PEFT's names of these tensors.
 */
import type { Device } from "../../../kernels/device/device.ts";
import { createMatrix, packMatrix } from "../../../kernels/matrix/matrix.ts";
import type { Weight } from "../../autograd/parameter.ts";
import { type FloatDtype, toFloat32 } from "../../files/safetensors/dtype.ts";
import type { TensorReader } from "../../files/safetensors/safetensors.ts";
import { modulePath } from "../config/tensor_names.ts";
import type { WeightLayout } from "../weights/weight_layout.ts";
import { copyOf } from "../weights/adapter_parts.ts";
import { type AdapterConfig, layerAdapter } from "./adapter_config.ts";
import {
  adapterName,
  magnitudeName,
  type VocabularyTarget,
} from "./adapter_layout.ts";
import { addLowRank, type LowRank } from "./low_rank.ts";

/**
 * The tensors of a change in a file. An embedding's A is `[r, vocab_size]` and its B
 * `[hidden_size, r]`; a head's are those of a linear layer.
 */
export function vocabularyTensors(
  { name, shape: [rows, cols], isEmbedding }: VocabularyTarget,
  config: AdapterConfig,
): WeightLayout[] {
  const path = modulePath(name);
  const { r } = layerAdapter(config, path);
  if (isEmbedding) {
    return [
      { name: embeddingHalf(path, "A"), shape: [r, rows!] },
      { name: embeddingHalf(path, "B"), shape: [cols!, r] },
    ];
  }
  return [
    { name: adapterName(path, "A"), shape: [r, cols!] },
    { name: adapterName(path, "B"), shape: [rows!, r] },
    ...(config.use_dora ? [{ name: magnitudeName(path), shape: [rows!] }] : []),
  ];
}

/** The name under which PEFT saves A or B of an embedding. */
function embeddingHalf(path: string, half: "A" | "B"): string {
  return `base_model.model.${path}.lora_embedding_${half}`;
}

/** Whether a file has a change of embedding or head, by the checkpoint's name. */
export function hasLowRank(name: string, { tensors }: TensorReader): boolean {
  const path = modulePath(name);
  return tensors.has(adapterName(path, "A")) ||
    tensors.has(embeddingHalf(path, "A"));
}

/**
 * The change that a file has of one weight, embedding and head among them; undefined: none.
 *
 * @param path the module's path, such as `model.layers.0.self_attn.q_proj`
 */
export async function readLowRank(
  path: string,
  config: AdapterConfig,
  weights: TensorReader,
): Promise<LowRank | undefined> {
  const read = async (tensor: string) => {
    const info = weights.tensors.get(tensor);
    return info && {
      rows: info.shape[0]!,
      values: toFloat32(await weights.read(tensor), info.dtype as FloatDtype),
    };
  };
  const a = await read(adapterName(path, "A"));
  const b = await read(adapterName(path, "B"));
  const { r: rank, scale } = layerAdapter(config, path);
  if (a && b) {
    const m = (await read(magnitudeName(path)))?.values;
    return { a: a.values, b: b.values, m, rank, scale };
  }
  const [right, left] = [
    await read(embeddingHalf(path, "A")),
    await read(embeddingHalf(path, "B")),
  ];
  if (!right || !left) return undefined;
  // rows of the weight are tokens: it is changed by the transposed product
  return {
    a: transposed(left.values, left.rows),
    b: transposed(right.values, right.rows),
    rank,
    scale,
  };
}

function transposed(values: Float32Array, rows: number): Float32Array {
  const cols = values.length / rows;
  return values.map((_, i) =>
    values[(i % rows) * cols + Math.floor(i / rows)]!
  );
}

/** A frozen copy of embedding or head with a file's change in it, f32. */
export async function changedVocabulary(
  device: Device,
  weight: Weight,
  change: LowRank,
): Promise<Weight> {
  const copy = copyOf(device, weight);
  const { rows, cols } = weight.matrix;
  const step = Math.max(1, Math.floor(PIECE_ELEMENTS / cols));
  for (let first = 0; first < rows; first += step) {
    const byteOffset = first * cols * 4;
    const shape = [Math.min(step, rows - first), cols];
    const piece = await device.read({ ...copy, shape, byteOffset });
    addLowRank(piece, first, change);
    device.write(copy, piece, byteOffset);
    await device.drainUploads();
  }
  const matrix = createMatrix(device, rows, cols, "f32");
  packMatrix(device, matrix, copy);
  device.release(copy);
  return { name: weight.name, matrix };
}

/** Numbers that are changed at once. */
const PIECE_ELEMENTS = 1 << 20;
