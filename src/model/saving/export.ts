/**
 * Gives the tensors of a model for a checkpoint, trained and frozen ones, in pieces of rows: with
 * the names, shapes and types of the original, and a tied head only once. Knows no path.
 */
import type { Device } from "../../../kernels/device/device.ts";
import { type Matrix, readMatrixRows } from "../../../kernels/matrix/matrix.ts";
import { elements, type Tensor } from "../../../kernels/device/tensor.ts";
import type { Lora } from "../../autograd/lora.ts";
import type { Vector, Weight } from "../../autograd/parameter.ts";
import {
  type FloatDtype,
  fromFloat32,
  toFloat32,
} from "../../files/safetensors/dtype.ts";
import type { TensorLayout } from "../../files/safetensors/safetensors_writer.ts";
import { linearPaths } from "../adapter/adapter_layout.ts";
import {
  adapterWeights,
  type Model,
  savedParts,
  weights,
} from "../decoder/model.ts";
import { savedRank } from "../adapter/saved_adapter.ts";

/** A tensor to write, and the source of its bytes. */
export interface ExportedTensor extends TensorLayout {
  readonly dtype: FloatDtype | "U32";
  /** The tensor on the device, if the numbers lie there as one tensor of 32 bits each. */
  readonly source?: Tensor | undefined;
  bytes(): AsyncIterable<Uint8Array<ArrayBuffer>>;
}

const PIECE_ELEMENTS = 8 << 20;

/**
 * All tensors of a model.
 *
 * @param dtypeOf the type of a tensor in the original checkpoint
 */
export function exportModel(
  model: Model,
  dtypeOf: (name: string) => FloatDtype,
): ExportedTensor[] {
  return weights(model).map((weight) =>
    exportWeight(model.device, weight, dtypeOf(weight.name))
  );
}

/**
 * The tensors of a model's adapters, in f32. A fixed product is part of them, see saved_adapter.ts.
 */
export function exportAdapter(model: Model): ExportedTensor[] {
  const { device } = model;
  const plain = (part: Weight | Vector) => exportWeight(device, part, "F32");
  const joined = new Map<Weight | Vector, ExportedTensor>();
  for (const [, { lora }] of linearPaths(model)) {
    if (!lora?.fixed) continue;
    joined.set(lora.a, joinedHalf(device, lora, "a"));
    joined.set(lora.b, joinedHalf(device, lora, "b"));
  }
  return [...adapterWeights(model), ...savedParts(model)]
    .map((part) => joined.get(part) ?? plain(part));
}

/**
 * A or B of an adapter joined with that of its fixed product, brought to one scale: A gets more
 * rows, B more columns.
 */
function joinedHalf(
  device: Device,
  lora: Lora,
  half: "a" | "b",
): ExportedTensor {
  const trained = exportWeight(device, lora[half], "F32");
  const { a, b, scale } = lora.fixed!;
  const further = exportWeight(device, { a, b }[half], "F32");
  const [outs, ins] = [lora.b.matrix.rows, lora.a.matrix.cols];
  const rank = savedRank(lora);
  const shape = half === "a" ? [rank, ins] : [outs, rank];
  return {
    name: trained.name,
    dtype: "F32",
    shape,
    async *bytes() {
      const [first, second] = [
        await numbersOf(trained),
        await numbersOf(further),
      ];
      const factor = scale / lora.scale;
      const pieces = half === "a"
        ? [first, second]
        : [joinedColumns(first, second.map((x) => x * factor), outs)];
      for (const piece of pieces) yield fromFloat32(piece, "F32");
    },
  };
}

/** Two matrices with the same number of rows, side by side. */
function joinedColumns(
  first: Float32Array,
  second: Float32Array,
  rows: number,
): Float32Array<ArrayBuffer> {
  const [r, s] = [first.length / rows, second.length / rows];
  const joined = new Float32Array(first.length + second.length);
  for (let row = 0; row < rows; row++) {
    joined.set(first.subarray(row * r, (row + 1) * r), row * (r + s));
    joined.set(second.subarray(row * s, (row + 1) * s), row * (r + s) + r);
  }
  return joined;
}

async function numbersOf(
  { bytes }: ExportedTensor,
): Promise<Float32Array<ArrayBuffer>> {
  const pieces = await Array.fromAsync(bytes());
  return toFloat32(new Uint8Array(await new Blob(pieces).arrayBuffer()), "F32");
}

/** An f32 or u32 tensor to write under a given name. */
export function exportTensor(
  device: Device,
  name: string,
  tensor: Tensor,
): ExportedTensor {
  const dtype = tensor.dtype === "u32" ? "U32" : "F32";
  return exportWeight(device, { name, tensor }, dtype);
}

/**
 * The bytes of numbers that were read from the device. U32 words come as floats with the same bits.
 */
export function fileBytes(
  numbers: Float32Array<ArrayBuffer>,
  dtype: FloatDtype | "U32",
): Uint8Array<ArrayBuffer> {
  return fromFloat32(numbers, dtype === "U32" ? "F32" : dtype);
}

function exportWeight(
  device: Device,
  weight: Weight | Vector,
  dtype: FloatDtype | "U32",
): ExportedTensor {
  const { name } = weight;
  const value = "matrix" in weight ? weight.parameter?.value : weight.tensor;
  const numbers = value
    ? tensorPieces(device, value)
    : matrixPieces(device, (weight as Weight).matrix);
  const matrix = "matrix" in weight ? weight.matrix : undefined;
  const shape = value?.shape ?? [matrix!.rows, matrix!.cols];
  return {
    name,
    dtype,
    shape,
    source: value,
    async *bytes() {
      for await (const piece of numbers()) yield fileBytes(piece, dtype);
    },
  };
}

type Pieces = () => AsyncIterable<Float32Array<ArrayBuffer>>;

function tensorPieces(device: Device, tensor: Tensor): Pieces {
  return async function* () {
    const count = elements(tensor.shape);
    for (let at = 0; at < count; at += PIECE_ELEMENTS) {
      const shape = [Math.min(PIECE_ELEMENTS, count - at)];
      yield await device.read({ ...tensor, shape, byteOffset: at * 4 });
    }
  };
}

function matrixPieces(device: Device, matrix: Matrix): Pieces {
  const step = Math.max(64, Math.floor(PIECE_ELEMENTS / matrix.cols / 64) * 64);
  return async function* () {
    for (let row = 0; row < matrix.rows; row += step) {
      const rows = Math.min(step, matrix.rows - row);
      yield await readMatrixRows(device, matrix, row, rows) as Float32Array<
        ArrayBuffer
      >;
    }
  };
}
