/** Rows of activations in parts that fit in one binding. */
import type { Device } from "../device/device.ts";
import { matrixShape, rowsView, type Tensor } from "../device/tensor.ts";

/**
 * Windows of rows begin at multiples of this, so that tiles and 256-byte offsets never straddle
 * two.
 */
export const WINDOW_ROWS = 64;

/** Rows `[first, first + count)`. */
export interface RowSlice {
  readonly first: number;
  readonly count: number;
}

/**
 * A tensor's rows in a slice; the tensor itself if these are all. A vector counts as rows of one
 * number.
 */
export function sliceRows(tensor: Tensor, { first, count }: RowSlice): Tensor {
  const [rows, cols] = tensor.shape.length === 1
    ? [tensor.shape[0], 1]
    : matrixShape(tensor);
  if (count === rows) return tensor;
  return rowsView({ ...tensor, shape: [rows!, cols] }, first, count);
}

/** Row ranges whose `cols` f32 each fit in one binding: all rows if they do. */
export function rowSlices(
  device: Device,
  rows: number,
  cols: number,
): RowSlice[] {
  const rowBytes = Math.ceil(cols / 4) * 16;
  const fit = Math.floor(device.windowBytes / (rowBytes * WINDOW_ROWS));
  const most = Math.max(1, fit) * WINDOW_ROWS;
  const ranges: RowSlice[] = [];
  for (let first = 0; first < rows; first += most) {
    ranges.push({ first, count: Math.min(most, rows - first) });
  }
  return ranges;
}

/**
 * Fails unless a tensor has the wanted rows and columns, however its rows are shaped.
 *
 * @throws {TypeError} naming what was found
 */
export function expectRows(
  name: string,
  tensor: Tensor,
  rows: number,
  cols: number,
): void {
  const [foundRows, foundCols] = matrixShape(tensor);
  if (foundRows === rows && foundCols === cols) return;
  throw new TypeError(
    `Cannot use tensor "${name}": shape [${
      tensor.shape.join(", ")
    }], expected ${rows} rows of ${cols}`,
  );
}
