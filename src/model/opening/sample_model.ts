/**
 * A model of a config's sizes without a checkpoint: its weights repeat a few given bytes. What
 * plans bytes runs it on a device that only counts, what estimates time on a real one. Its answers
 * mean nothing.
 */
import type { Device } from "../../../kernels/device/device.ts";
import { isCodeDType } from "../../../kernels/matrix/codebooks.ts";
import {
  createMatrix,
  type Matrix,
  writeMatrixRows,
  WRITTEN_ROWS,
} from "../../../kernels/matrix/matrix.ts";
import { writeMatrixScales } from "../../../kernels/matrix/matrix_scales.ts";
import { quantize } from "../../../kernels/matrix/quantize.ts";
import { blocksOfRow } from "../../../kernels/matrix/matrix_scales.ts";
import { elements, type Tensor } from "../../../kernels/device/tensor.ts";
import type { Vector, Weight } from "../../autograd/parameter.ts";
import { fromFloat32 } from "../../files/safetensors/dtype.ts";
import { addAdapter } from "../adapter/adapter.ts";
import type { AdapterConfig } from "../adapter/adapter_config.ts";
import type { ModelConfig } from "../config/config.ts";
import { trainable } from "../weights/load.ts";
import type { Model } from "../decoder/model.ts";
import { ropeTables } from "../decoder/rope_table.ts";
import type { IsTrained } from "../weights/trained_parameters.ts";
import { buildModel } from "../weights/weight_layout.ts";

/** What to make. */
export interface SampleOptions {
  /** Whether all weights are trained, or which. */
  readonly trained: boolean | IsTrained;
  /** The type in which a frozen matrix is kept. */
  readonly dtypeOf: (name: string, cols: number) => Matrix["dtype"];
  /** Whether the scales of 4 bits are codes; default: not. */
  readonly nested?: boolean | undefined;
  /** Adapters to put on, trained; undefined: none. */
  readonly adapter: AdapterConfig | undefined;
  /**
   * Numbers that all weights repeat; many, since they are written piece by piece. Undefined:
   * nothing is written.
   */
  readonly numbers: Float32Array<ArrayBuffer> | undefined;
}

const STORED = { f32: "F32", f16: "F16", bf16: "BF16" } as const;

/** Makes a model on a device. */
export function sampleModel(
  device: Device,
  config: ModelConfig,
  { trained, dtypeOf, nested = false, adapter, numbers }: SampleOptions,
): Model {
  const isTrained = typeof trained === "boolean" ? () => trained : trained;
  const make = (name: string, shape: readonly number[]) => {
    if (shape.length === 2 && !isTrained(name)) {
      const [rows, cols] = shape as [number, number];
      const matrix = createMatrix(device, rows, cols, dtypeOf(name, cols), {
        nested,
      });
      if (numbers) fillMatrix(device, matrix, numbers);
      return { name, matrix };
    }
    const tensor = device.allocate(shape);
    if (numbers) fillTensor(device, tensor, numbers);
    return trainable(device, name, tensor, isTrained(name));
  };
  const built = buildModel(config, {
    weight: (name, shape) => make(name, shape) as Weight,
    vector: (name, shape) => make(name, shape) as Vector,
  });
  const cosSin = ropeTables(device, config.ropes);
  const model = { device, config, cosSin, ...built };
  return adapter ? addAdapter(model, adapter, undefined) : model;
}

function fillTensor(
  device: Device,
  tensor: Tensor,
  numbers: Float32Array<ArrayBuffer>,
): void {
  const count = elements(tensor.shape);
  for (let at = 0; at < count; at += numbers.length) {
    device.write(tensor, numbers.subarray(0, count - at), at * 4);
  }
}

/** In pieces of whole runs of rows, as matrices of 16 bits and of codes want them. */
function fillMatrix(
  device: Device,
  matrix: Matrix,
  numbers: Float32Array<ArrayBuffer>,
): void {
  const { rows, cols, dtype } = matrix;
  const most = Math.floor(numbers.length / cols / WRITTEN_ROWS) * WRITTEN_ROWS;
  const values = numbers.subarray(0, most * cols);
  const bytes = isCodeDType(dtype)
    ? quantize(values, cols, dtype).bytes
    : fromFloat32(values, STORED[dtype]);
  const rowBytes = bytes.length / most;
  for (let row = 0; row < rows; row += most) {
    const count = Math.min(most, rows - row);
    writeMatrixRows(device, matrix, row, bytes.subarray(0, count * rowBytes));
  }
  if (!isCodeDType(dtype)) return;
  const scales = new Float32Array(rows * blocksOfRow(cols, dtype));
  writeMatrixScales(device, matrix, scales.fill(2 ** -9));
}
