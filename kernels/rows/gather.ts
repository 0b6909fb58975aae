/**
 * Picks rows of a matrix by index, and adds rows to where they came from: the backward of picking
 * and of an embedding. Rows that meet are added up group by group in a fixed order, without
 * atomics: the same bits in each run.
 */
import type { Device } from "../device/device.ts";
import { elementWidth, GROUP_SIZE } from "../launch/element_launch.ts";
import gatherSource from "./gather_rows.wgsl" with { type: "text" };
import { foldedGrid } from "../device/grid.ts";
import { defineKernel } from "../device/kernel.ts";
import { elementWindows } from "../launch/launch_windows.ts";
import sumSource from "./sum_rows_by_key.wgsl" with { type: "text" };
import {
  expectShape,
  matrixShape,
  rowsView,
  type Tensor,
} from "../device/tensor.ts";

const gatherKernel = defineKernel("gather_rows", gatherSource);
const sumKernel = defineKernel("sum_rows_by_key", sumSource);

/** Rows grouped by the key that they share; on the CPU, or uploaded as u32 tensors. */
export interface RowGroups<T extends Tensor | Uint32Array> {
  /** `[groups]`, each key once. */
  readonly keys: T;
  /** `[groups + 1]`: group g is `order[starts[g]]` to `order[starts[g + 1] - 1]`. */
  readonly starts: T;
  /** `[rows]` row numbers. */
  readonly order: T;
}

/** Groups the places of `index` by their value: keys ascending, places within a group too. */
export function groupByKey(
  index: Uint32Array,
): RowGroups<Uint32Array<ArrayBuffer>> {
  const order = Uint32Array.from(index.keys())
    .sort((a, b) => index[a]! - index[b]! || a - b);
  const starts: number[] = [];
  for (const [place, row] of order.entries()) {
    const isNew = place === 0 || index[row] !== index[order[place - 1]!];
    if (isNew) starts.push(place);
  }
  return {
    keys: Uint32Array.from(starts, (place) => index[order[place]!]!),
    starts: Uint32Array.of(...starts, index.length),
    order,
  };
}

/** Uploads row groups, for use in several calls. */
export function uploadGroups(
  device: Device,
  { keys, starts, order }: RowGroups<Uint32Array>,
): RowGroups<Tensor> {
  const upload = (words: Uint32Array) =>
    device.upload(words, [words.length], "u32");
  return { keys: upload(keys), starts: upload(starts), order: upload(order) };
}

/**
 * Rows of `x [rows, cols]` by `index [n]` (u32, each below rows): `[n, cols]`.
 *
 * @throws {TypeError} if `index` is not a vector of u32
 */
export function gatherRows(device: Device, x: Tensor, index: Tensor): Tensor {
  const [, cols] = matrixShape(x);
  const n = index.shape[0] ?? 0;
  expectShape("index", index, [n]);
  expectWords("index", index);
  const y = device.allocate([n, cols]);
  const { width, options } = elementWidth(cols);
  const count = n * cols / width;
  if (count === 0) return y;
  const grid = foldedGrid(Math.ceil(count / GROUP_SIZE));
  const params = { count, cols: cols / width };
  device.launch(gatherKernel, { x, index, y }, params, grid, options);
  return y;
}

/**
 * `target[keys[g]] += sum of the rows of x in group g`, for each group.
 *
 * @param x `[n, cols]`
 * @param groups of the n rows; each key is a row of `target`
 * @param target `[rows, cols]`, also beyond the binding limit
 * @throws {TypeError} if the shapes do not fit
 */
export function sumRowsByKey(
  device: Device,
  x: Tensor,
  groups: RowGroups<Tensor> | RowGroups<Uint32Array>,
  target: Tensor,
): void {
  const [n, cols] = matrixShape(x);
  const [rows] = matrixShape(target);
  expectShape("target", target, [rows, cols]);
  const { keys, starts, order } = onDevice(device, groups);
  const count = keys.shape[0] ?? 0;
  expectShape("starts", starts, [count + 1]);
  expectShape("order", order, [n]);
  if (count * cols === 0) return;
  const { width, options } = elementWidth(cols);
  const grid = foldedGrid(Math.ceil(count * cols / width / GROUP_SIZE));
  const bindings = { x, keys, starts, order };
  for (const window of elementWindows(device, rows * cols, 64 * cols)) {
    const first = window.first / cols;
    const part = { first, rows: window.count / cols };
    const y = part.rows === rows ? target : rowsView(target, first, part.rows);
    const params = { ...part, groups: count, cols: cols / width };
    device.launch(sumKernel, { ...bindings, y }, params, grid, options);
  }
}

function onDevice(
  device: Device,
  groups: RowGroups<Tensor> | RowGroups<Uint32Array>,
): RowGroups<Tensor> {
  return isUploaded(groups) ? groups : uploadGroups(device, groups);
}

function isUploaded(
  groups: RowGroups<Tensor> | RowGroups<Uint32Array>,
): groups is RowGroups<Tensor> {
  return !(groups.keys instanceof Uint32Array);
}

function expectWords(name: string, { dtype }: Tensor): void {
  if (dtype !== "u32") {
    throw new TypeError(
      `Cannot use tensor "${name}": type ${dtype}, expected u32`,
    );
  }
}
