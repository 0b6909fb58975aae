/**
 * Makes the parts of an adapter on the device: trained or frozen weights from given numbers, and
 * copies of a model's own parts. Names are given by the caller.
 */
import type { Device } from "../../../kernels/device/device.ts";
import { scale } from "../../../kernels/rows/elementwise.ts";
import {
  createMatrix,
  packMatrix,
  releaseMatrix,
} from "../../../kernels/matrix/matrix.ts";
import {
  matrixShape,
  type Tensor,
  tensorBytes,
} from "../../../kernels/device/tensor.ts";
import {
  decodedRows,
  weightNorms,
} from "../../../kernels/matmul/weight_norms.ts";
import {
  createParameter,
  trainedWeight,
  type Vector,
  type Weight,
} from "../../autograd/parameter.ts";

/**
 * Makes a weight of an f32 tensor `[out, in]`. For a frozen weight the tensor is packed and
 * released.
 */
export function adapterWeight(
  device: Device,
  name: string,
  value: Tensor,
  { trained }: { readonly trained: boolean },
): Weight {
  if (trained) return trainedWeight(device, name, value);
  const [rows, cols] = matrixShape(value);
  const matrix = createMatrix(device, rows, cols, "f32");
  packMatrix(device, matrix, value);
  device.release(value);
  return { name, matrix };
}

/** Makes a weight `[out, in]` or a vector `[size]` of an f32 tensor. */
export function adapterPart(
  device: Device,
  name: string,
  value: Tensor,
  how: { readonly trained: boolean },
): Weight | Vector {
  if (value.shape.length === 2) return adapterWeight(device, name, value, how);
  return how.trained
    ? { name, tensor: value, parameter: createParameter(device, name, value) }
    : { name, tensor: value };
}

/** A copy of the numbers of a part, as f32. */
export function copyOf(device: Device, part: Weight | Vector): Tensor {
  if ("tensor" in part) return scale(device, part.tensor, 1);
  const { matrix } = part;
  const copy = device.allocate([matrix.rows, matrix.cols]);
  for (const { first, values } of decodedRows(device, matrix)) {
    device.record((encoder) =>
      encoder.copyBufferToBuffer(
        values.buffer,
        values.byteOffset ?? 0,
        copy.buffer,
        first * matrix.cols * 4,
        tensorBytes(values.shape, "f32"),
      )
    );
  }
  return copy;
}

/** DoRA's gains of a layer whose adapter does not change, `[out]`. */
export function frozenGains(
  device: Device,
  { matrix: w }: Weight,
  { a, ...parts }: Readonly<Record<"a" | "b" | "m" | "squares", Tensor>> & {
    readonly scale: number;
  },
): Tensor {
  const [rank, cols] = matrixShape(a);
  const matrix = createMatrix(device, rank, cols, "f32");
  packMatrix(device, matrix, a);
  const { inverse, gains } = weightNorms(device, {
    ...parts,
    w,
    a: { value: a, matrix },
  });
  releaseMatrix(device, matrix);
  device.release(inverse);
  return gains;
}
