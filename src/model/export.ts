/**
 * A model's numbers as a checkpoint has them: names, shapes and types as found, a tied head not twice. Trained and
 * frozen weights alike, in pieces of rows. Knows no path.
 */
import type { Device } from "../../kernels/device.ts";
import { type Matrix, readMatrixRows } from "../../kernels/matrix.ts";
import { elements, type Tensor } from "../../kernels/tensor.ts";
import type { Vector, Weight } from "../autograd/parameter.ts";
import { type FloatDtype, fromFloat32 } from "../files/dtype.ts";
import type { TensorLayout } from "../files/safetensors_writer.ts";
import { type Linear, linears, type Model, weights } from "./model.ts";
import { ADAPTER_SCORE } from "./reward_head.ts";

/** A tensor to write, and how to get its bytes. */
export interface ExportedTensor extends TensorLayout {
  /** Its numbers as they lie on the device, if they do so in one f32 tensor. */
  readonly source?: Tensor | undefined;
  bytes(): AsyncIterable<Uint8Array<ArrayBuffer>>;
}

const PIECE_ELEMENTS = 8 << 20;

/** All tensors of a model. @param dtypeOf the type that a tensor was stored in */
export function exportModel(
  model: Model,
  dtypeOf: (name: string) => FloatDtype,
): ExportedTensor[] {
  return weights(model).map((weight) =>
    exportWeight(model.device, weight, dtypeOf(weight.name))
  );
}

/** The tensors of a model's adapters, in f32, and those that are trained whole beside them: a reward head. */
export function exportAdapter(model: Model): ExportedTensor[] {
  const { device, score } = model;
  const halves = adaptedLinears(model).flatMap(({ lora }) =>
    [lora!.a, lora!.b].map((weight) => exportWeight(device, weight, "F32"))
  );
  if (!score) return halves;
  const whole = exportWeight(device, score, "F32");
  return [...halves, { ...whole, name: ADAPTER_SCORE }];
}

function adaptedLinears(model: Model): Linear[] {
  return model.layers.flatMap((layer) =>
    linears(layer).map(([, linear]) => linear)
  )
    .filter(({ lora }) => lora);
}

/** An f32 tensor under a name of its own. */
export function exportTensor(
  device: Device,
  name: string,
  tensor: Tensor,
): ExportedTensor {
  return exportWeight(device, { name, tensor }, "F32");
}

function exportWeight(
  device: Device,
  weight: Weight | Vector,
  dtype: FloatDtype,
): ExportedTensor {
  const { name } = weight;
  const value = "matrix" in weight ? weight.parameter?.value : weight.tensor;
  const numbers = value
    ? tensorPieces(device, value)
    : matrixPieces(device, (weight as Weight).matrix);
  const matrix = "matrix" in weight ? weight.matrix : undefined;
  const shape = value?.shape ?? [matrix!.rows, matrix!.cols];
  return {
    ...{ name, dtype, shape, source: value },
    async *bytes() {
      for await (const piece of numbers()) yield fromFloat32(piece, dtype);
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
