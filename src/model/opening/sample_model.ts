/**
 * Makes a model of a config's sizes without a checkpoint; its weights repeat some given numbers, so
 * that its outputs mean nothing. The plan of bytes runs it on a device that only counts, the
 * estimate of time on a real device.
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
import { buildModel, type WeightLayout } from "../weights/weight_layout.ts";

/** How to make the model. */
export interface SampleOptions {
  /** Whether all weights are trained, or a rule that names those that are. */
  readonly trained: boolean | IsTrained;
  /** The type in which a frozen matrix is kept. */
  readonly dtypeOf: (name: string, cols: number) => Matrix["dtype"];
  /** Whether the scales of 4-bit codes are quantized too; default false. */
  readonly nested?: boolean | undefined;
  /** The trained adapter to put on the model; undefined: none. */
  readonly adapter: AdapterConfig | undefined;
  /**
   * The numbers that all weights repeat, at least some rows of a matrix. Undefined: nothing is
   * written.
   */
  readonly numbers: Float32Array<ArrayBuffer> | undefined;
}

const STORED = { f32: "F32", f16: "F16", bf16: "BF16" } as const;

/** Makes the model. */
export function sampleModel(
  device: Device,
  config: ModelConfig,
  { trained, dtypeOf, nested = false, adapter, numbers }: SampleOptions,
): Model {
  const isTrained = typeof trained === "boolean" ? () => trained : trained;
  const make = ({ name, shape, vector }: WeightLayout) => {
    if (!vector && !isTrained(name)) {
      const [rows, cols] = shape as [number, number];
      const matrix = createMatrix(device, rows, cols, dtypeOf(name, cols), {
        nested,
      });
      if (numbers) fillMatrix(device, matrix, numbers);
      return { name, matrix };
    }
    const tensor = device.allocate(shape);
    if (numbers) fillTensor(device, tensor, numbers);
    return trainable(device, { name, vector }, tensor, isTrained(name));
  };
  const built = buildModel(config, {
    weight: (name, shape) => make({ name, shape }) as Weight,
    vector: (name, shape, vector) => make({ name, shape, vector }) as Vector,
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

/** Writes whole runs of rows at a time, as matrices of 16 bits and of codes require. */
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
