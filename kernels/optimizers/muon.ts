/**
 * One step of Muon on one matrix, in place: the running mean of its gradients, brought near the
 * closest matrix whose singular values are all 1 by Newton-Schulz steps in float32.
 * Sources: https://kellerjordan.github.io/posts/muon/ (with its coefficients), and
 * https://arxiv.org/abs/2502.16982, Eq. 4, by which a learning rate of AdamW serves.
 */
import type { Device } from "../device/device.ts";
import { defineKernel } from "../device/kernel.ts";
import { expectShape, matrixShape, type Tensor } from "../device/tensor.ts";
import { columnSums } from "../launch/column_sums.ts";
import { launchElements } from "../launch/element_launch.ts";
import { transposeColumns } from "../launch/transpose.ts";
import { linearDw } from "../matmul/linear.ts";
import applyText from "./muon_apply.wgsl" with { type: "text" };
import combineText from "./muon_combine.wgsl" with { type: "text" };
import momentumText from "./muon_momentum.wgsl" with { type: "text" };
import normalizeText from "./muon_normalize.wgsl" with { type: "text" };
import { sumOfSquares } from "./sum_of_squares.ts";
import {
  launchUpdate,
  type Trained,
  type UpdateStep,
} from "./update_launch.ts";

const momentumKernel = defineKernel("muon_momentum", momentumText);
const normalizeKernel = defineKernel("muon_normalize", normalizeText);
const combineKernel = defineKernel("muon_combine", combineText);
const applyKernel = defineKernel("muon_apply", applyText);

/** Of the polynomial a x + b x^3 + c x^5, which pulls singular values towards 1. */
const [A, B, C] = [3.4445, -4.775, 2.0315];

/** A trained matrix `[rows, cols]` with its gradient and momentum: f32, of one shape. */
export interface MuonTensors extends Trained {
  /** Running mean of the gradient; zeros before the first step. */
  readonly m: Tensor;
}

/** Numbers of one Muon step. */
export interface MuonStep extends UpdateStep {
  /** Decay of the mean, usually 0.95. */
  readonly momentum: number;
  /** Whether the gradient at hand counts once more, as Nesterov has it. */
  readonly nesterov: boolean;
  /** Newton-Schulz steps, usually 5. */
  readonly steps: number;
  /** Decoupled: the weight shrinks by `learningRate * weightDecay`. */
  readonly weightDecay: number;
}

/**
 * Updates `weight` and `m` in place.
 *
 * @throws {TypeError} if shapes differ, or a tensor is no matrix of f32
 */
export function muon(
  device: Device,
  { weight, gradient, m }: MuonTensors,
  { learningRate, momentum, nesterov, steps, weightDecay, clip }: MuonStep,
): void {
  const [rows, cols] = matrixShape(weight);
  expectShape("gradient", gradient, [rows, cols]);
  using _scope = device.scope();
  const mean = device.allocate([rows, cols]);
  launchUpdate(device, momentumKernel, { gradient, m, change: mean }, clip, {
    one_less_momentum: 1 - momentum,
    own_share: nesterov ? 1 - momentum : 0,
  });
  const change = orthogonalized(device, mean, steps);
  // the root mean square of AdamW's steps, about 0.2, whatever the shape
  const rate = learningRate * 0.2 * Math.sqrt(Math.max(rows, cols));
  launchUpdate(device, applyKernel, { weight, change }, clip, {
    decay: 1 - learningRate * weightDecay,
    rate,
  });
}

/** A matrix of the same singular vectors, whose singular values are near 1. */
function orthogonalized(device: Device, x: Tensor, steps: number): Tensor {
  const [rows, cols] = matrixShape(x);
  const isWide = rows <= cols;
  // a transpose has whole fours of columns, and rows of zeros add nothing to the products
  const padded = isWide ? Math.ceil(rows / 4) * 4 : rows;
  const start = device.zeros([padded, cols]);
  const squares = sumOfSquares(device, [x]);
  const total = columnSums(device, {
    ...squares,
    shape: [...squares.shape, 1],
  });
  const normalized = { ...start, shape: [rows, cols] };
  launchElements(device, normalizeKernel, { x, y: normalized }, {}, {
    shared: { total },
  });
  let y = start;
  for (let step = 0; step < steps; step++) {
    y = nearer(device, y, isWide);
  }
  return { ...y, shape: [rows, cols] };
}

/** One Newton-Schulz step: `a X + (b S + c S^2) X` with `S = X X'`, or the same from the right. */
function nearer(device: Device, x: Tensor, isWide: boolean): Tensor {
  const [rows, cols] = matrixShape(x);
  const transposed = transposeColumns(device, x, 0, cols);
  const side = isWide ? transposed : x;
  const s = linearDw(device, side, side);
  const polynomial = linearDw(device, s, s);
  launchElements(device, combineKernel, { x: s, y: polynomial }, {
    a: B,
    b: C,
  });
  const product = isWide
    ? linearDw(device, polynomial, x)
    : linearDw(device, transposed, polynomial);
  const y = { ...product, shape: [rows, cols] };
  launchElements(device, combineKernel, { x, y }, { a: A, b: 1 });
  return y;
}
