/** Rows of activations in parts that fit in one binding. */
import type { Device } from "./device.ts";
import { WINDOW_ROWS } from "./matrix.ts";
import { matrixShape, type Tensor } from "./tensor.ts";

/** Row ranges whose `cols` f32 each fit in one binding: all rows if they do. */
export function rowSlices(
  device: Device,
  rows: number,
  cols: number,
): { first: number; count: number }[] {
  const rowBytes = Math.ceil(cols / 4) * 16;
  const fit = Math.floor(device.windowBytes / (rowBytes * WINDOW_ROWS));
  const most = Math.max(1, fit) * WINDOW_ROWS;
  const ranges = [];
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
