/**
 * Gives the tensors of a checkpoint under their GGUF names, with types, order of rows, and numbers
 * in pieces. Both the writer and the check of a file read them from here. Knows no device.
 */
import {
  type FloatDtype,
  isFloatDtype,
  toFloat32,
} from "../../files/safetensors/dtype.ts";
import type { GgufTensor, GgufType } from "../../files/gguf/gguf.ts";
import {
  CHUNK_BYTES,
  type TensorReader,
} from "../../files/safetensors/safetensors.ts";
import type { ModelConfig } from "../config/config.ts";
import { ggufArchitecture } from "./gguf_architectures.ts";
import { type GgufFileType, tensorType } from "./gguf_file_types.ts";
import { ggufName, isInterleaved } from "./gguf_names.ts";
import { weightLayouts } from "../weights/weight_layout.ts";

/** A tensor to write, with its numbers. */
export interface GgufSource extends GgufTensor {
  /** The type that it would have if its rows were whole blocks of that. */
  readonly wanted: GgufType;
  /** The numbers in order; each piece has whole rows. */
  pieces(): AsyncIterable<Float32Array<ArrayBuffer>>;
}

/**
 * All tensors of a checkpoint. Norms and biases are float32; the offset of a family is added to its
 * norms.
 *
 * @throws {TypeError} naming all tensors that are missing, of a wrong shape, or unknown to
 *   llama.cpp
 */
export function ggufSources(
  config: ModelConfig,
  stored: TensorReader,
  type: GgufFileType,
): GgufSource[] {
  const architecture = ggufArchitecture(config);
  const layouts = weightLayouts(config, stored);
  checkStored(layouts, stored);
  const model = {
    layers: config.num_hidden_layers,
    heads: config.num_attention_heads,
    keyHeads: config.num_key_value_heads,
    isTied: config.tie_word_embeddings,
  };
  return layouts.map(({ name, shape }) => {
    const to = ggufName(name, architecture);
    return {
      name: to,
      shape,
      ...tensorType(to, shape, type, model),
      pieces: () =>
        readPieces(stored, name, {
          head: isInterleaved(name, architecture) ? config.head_dim : undefined,
          offset: name.endsWith("norm.weight") ? config.family.normOffset : 0,
        }),
    };
  });
}

function checkStored(
  layouts: readonly { name: string; shape: readonly number[] }[],
  { tensors, files }: TensorReader,
): void {
  const problems = layouts.flatMap(({ name, shape }) => {
    const found = tensors.get(name);
    const wanted = shape.join(", ");
    if (!found) return [`tensor "${name}" is missing`];
    if (found.shape.join(", ") !== wanted) {
      const has = found.shape.join(", ");
      return [`tensor "${name}" has shape [${has}], expected [${wanted}]`];
    }
    return isFloatDtype(found.dtype) ? [] : [
      `tensor "${name}" has type ${found.dtype}, expected F32, F16 or BF16`,
    ];
  });
  if (problems.length === 0) return;
  throw new TypeError(
    `Cannot export "${files.join('", "')}": ${problems.join("; ")}`,
  );
}

/** How the numbers of a tensor are changed. */
interface Change {
  /**
   * Number of rows of a head, whose rows are put in interleaved order; undefined: the order is
   * kept.
   */
  readonly head: number | undefined;
  /** A number that is added to each number. */
  readonly offset: number;
}

async function* readPieces(
  stored: TensorReader,
  name: string,
  { head, offset }: Change,
): AsyncGenerator<Float32Array<ArrayBuffer>> {
  const { shape, bytes, dtype } = stored.tensors.get(name)!;
  const rowBytes = bytes / shape[0]!;
  const unit = rowBytes * (head ?? 1);
  const most = Math.max(1, Math.floor(CHUNK_BYTES / unit)) * unit;
  for await (const chunk of stored.chunks(name, most)) {
    const read = toFloat32(chunk.bytes, dtype as FloatDtype);
    const values = offset === 0 ? read : read.map((x) => x + offset);
    yield head === undefined
      ? values
      : interleaveRows(values, shape[1] ?? 1, head);
  }
}

/**
 * Puts the rows of each head in the order of interleaved rotation: row `i` of the first half
 * becomes row `2i`, row `i` of the second half becomes row `2i + 1`.
 *
 * @param values `[heads * head, cols]`
 */
export function interleaveRows(
  values: Float32Array,
  cols: number,
  head: number,
): Float32Array<ArrayBuffer> {
  const ordered = new Float32Array(values.length);
  const half = head / 2;
  for (let row = 0; row < values.length / cols; row++) {
    const inHead = row % head;
    const to = row - inHead +
      (inHead < half ? 2 * inHead : 2 * (inHead - half) + 1);
    ordered.set(values.subarray(row * cols, (row + 1) * cols), to * cols);
  }
  return ordered;
}
