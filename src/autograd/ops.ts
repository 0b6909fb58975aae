/**
 * The list of all differentiable ops, each with its forward and backward pass. An op launches its
 * kernels and records on the tape how to compute its gradients. Gradients of trained weights are
 * added to their parameters at once. Knows no model.
 */
import * as attentions from "../../kernels/attention/attention.ts";
import { columnSums } from "../../kernels/launch/column_sums.ts";
import { addColumns, takeColumns } from "../../kernels/rows/columns.ts";
import type { Device } from "../../kernels/device/device.ts";
import * as elementwise from "../../kernels/rows/elementwise.ts";
import * as embeddings from "../../kernels/matmul/embedding.ts";
import * as gated from "../../kernels/rows/gated_unit.ts";
import * as gathers from "../../kernels/rows/gather.ts";
import * as products from "../../kernels/matmul/linear.ts";
import * as norms from "../../kernels/rows/rms_norm.ts";
import * as activations from "../../kernels/activations/activate.ts";
import * as layerNorms from "../../kernels/norms/layer_norm.ts";
import * as xielus from "../../kernels/activations/xielu.ts";
import * as rowFactors from "../../kernels/rows/scale_rows.ts";
import * as ropes from "../../kernels/attention/rope.ts";
import { elements, type Tensor } from "../../kernels/device/tensor.ts";
import { loraLinear } from "./lora.ts";
import type {
  AttentionRanges,
  LinearParts,
  RmsNormOptions,
  TokenIds,
} from "./op_inputs.ts";
import type { Vector, Weight } from "./parameter.ts";
import { isRecording, isTracked, record } from "./tape.ts";

export {
  combineSlots,
  expertLinear,
  route,
  type RouterBalance,
  slotFactors,
  takeSlots,
} from "./experts.ts";
export { gatedLinears, linearsTogether } from "./linears_together.ts";
export { tokenLogps } from "./token_logps.ts";

/** `a + b`, of one shape. */
export function add(device: Device, a: Tensor, b: Tensor): Tensor {
  return record({
    output: elementwise.add(device, a, b),
    inputs: [a, b],
    reads: [],
    backward: (dy) => [dy, dy],
  });
}

/** `factor * x`. */
export function scale(device: Device, x: Tensor, factor: number): Tensor {
  return record({
    output: elementwise.scale(device, x, factor),
    inputs: [x],
    reads: [],
    backward: (dy) => [elementwise.scale(device, dy, factor)],
  });
}

/** Row t of `x` `[rows, cols]` times `factors[t]`, which are not trained. */
export function scaleRows(
  device: Device,
  x: Tensor,
  factors: Tensor,
): Tensor {
  return record({
    output: rowFactors.scaleRows(device, x, factors),
    inputs: [x],
    reads: [],
    backward: (dy) => [rowFactors.scaleRows(device, dy, factors)],
  });
}

/** The rows of `table` for the given tokens: `[tokens, hidden_size]`. */
export function embedding(
  device: Device,
  tokens: TokenIds,
  table: Weight,
): Tensor {
  const output = embeddings.embedding(device, tokens.tensor, table.matrix);
  const gradient = table.parameter?.gradient;
  return record({
    output,
    inputs: [],
    trains: gradient !== undefined,
    backward: (dy) => {
      const groups = gathers.groupByKey(tokens.ids!);
      gathers.sumRowsByKey(device, dy, groups, gradient!);
      return [];
    },
  });
}

/** `x Wᵀ + bias`: `[tokens, in]` to `[tokens, out]`. A layer with an adapter runs in lora.ts. */
export function linear(
  device: Device,
  x: Tensor,
  weight: Weight,
  { lora, ...parts }: LinearParts = {},
): Tensor {
  if (lora) return loraLinear(device, x, weight, lora, parts);
  const { bias, into } = parts;
  const output = products.linear(device, x, weight.matrix, {
    bias: bias?.tensor,
    into,
  });
  const dWeight = weight.parameter?.gradient;
  const dBias = bias?.parameter?.gradient;
  const wantsDx = isTracked(x);
  return record({
    output,
    inputs: [x],
    reads: dWeight ? [x] : [],
    trains: dWeight !== undefined || dBias !== undefined,
    backward: (dy, [into], [x]) => {
      if (dWeight) products.linearDw(device, dy, x!, { into: dWeight });
      if (dBias) columnSums(device, dy, { into: dBias });
      if (!wantsDx) return [];
      return [
        products.linearDx(device, dy, weight.matrix, { into }),
      ];
    },
  });
}

/**
 * `x / rms(x) * weight` over rows of the weight's size; `x` `[tokens, hidden_size]` is normed
 * whole, `[tokens, heads * head_dim]` head by head. Source: https://arxiv.org/abs/1910.07467, Eq.
 * 4.
 */
export function rmsNorm(
  device: Device,
  x: Tensor,
  weight: Vector,
  { eps, offset }: RmsNormOptions,
): Tensor {
  const cols = weight.tensor.shape[0]!;
  const shape = [elements(x.shape) / cols, cols];
  const norm = (x: Tensor) =>
    norms.rmsNorm(device, { ...x, shape }, weight.tensor, { eps, offset });
  const { y, rstd } = norm(x);
  const gradient = weight.parameter?.gradient;
  if (!isRecording()) device.release(rstd);
  return record({
    output: { ...y, shape: x.shape },
    inputs: [x],
    reads: [x],
    trains: gradient !== undefined,
    saved: [rstd],
    again: ([x]) => {
      const { y, rstd } = norm(x!);
      device.release(rstd);
      return { ...y, shape: x!.shape };
    },
    backward: (dy, [into], [x]) => {
      const { dx, dWeight } = norms.rmsNormBackward(
        device,
        { x: { ...x!, shape }, weight: weight.tensor, rstd },
        { ...dy, shape },
        {
          offset,
          weightGradient: gradient !== undefined,
          ...(into ? { into: { ...into, shape } } : {}),
        },
      );
      if (gradient && dWeight) {
        elementwise.addInto(device, gradient, dWeight);
        device.release(dWeight);
      }
      return [into ?? { ...dx, shape: x!.shape }];
    },
  });
}

/**
 * `(x - mean) / deviation * weight + bias` over rows of the weight's last axis; a weight
 * `[heads, head_dim]` has a row for each head. Source: https://arxiv.org/abs/1607.06450, Eq. 4.
 */
export function layerNorm(
  device: Device,
  x: Tensor,
  weight: Vector & { readonly bias?: Vector | undefined },
  { eps }: Pick<RmsNormOptions, "eps">,
): Tensor {
  const { bias } = weight;
  const cols = weight.tensor.shape.at(-1)!;
  const shape = [elements(x.shape) / cols, cols];
  const parts = { weight: weight.tensor, bias: bias?.tensor, eps };
  const { y, stats } = layerNorms.layerNorm(device, { ...x, shape }, parts);
  if (!isRecording()) device.release(stats);
  const dWeight = weight.parameter?.gradient;
  const dBias = bias?.parameter?.gradient;
  return record({
    output: { ...y, shape: x.shape },
    inputs: [x],
    reads: [x],
    trains: dWeight !== undefined || dBias !== undefined,
    saved: [stats],
    backward: (dy, [into], [x]) => {
      const found = layerNorms.layerNormBackward(
        device,
        { x: { ...x!, shape }, weight: weight.tensor, stats },
        { ...dy, shape },
        {
          weightGradient: dWeight !== undefined,
          biasGradient: dBias !== undefined,
          into: into && { ...into, shape },
        },
      );
      addSlopes(device, dWeight, found.dWeight);
      addSlopes(device, dBias, found.dBias);
      return [into ?? { ...found.dx, shape: x!.shape }];
    },
  });
}

/** Adds slopes to the gradient of a vector, whatever its axes. */
function addSlopes(
  device: Device,
  gradient: Tensor | undefined,
  slopes: Tensor | undefined,
): void {
  if (!gradient || !slopes) return;
  elementwise.addInto(device, { ...gradient, shape: slopes.shape }, slopes);
  device.release(slopes);
}

/** `activation(x)`. */
export function activate(
  device: Device,
  x: Tensor,
  activation: gated.Activation,
): Tensor {
  return record({
    output: activations.activate(device, x, activation),
    inputs: [x],
    reads: [x],
    again: ([x]) => activations.activate(device, x!, activation),
    backward: (dy, _into, [x]) => [
      activations.activateBackward(device, x!, dy, activation),
    ],
  });
}

/**
 * xIELU, whose `alpha_p` and `alpha_n` may be trained. Source: https://arxiv.org/abs/2411.13010.
 */
export function xielu(
  device: Device,
  x: Tensor,
  vectors: Readonly<Record<keyof xielus.XieluNumbers, Vector>>,
): Tensor {
  const { alpha_p, alpha_n } = vectors;
  const numbers: xielus.XieluNumbers = {
    alpha_p: alpha_p.tensor,
    alpha_n: alpha_n.tensor,
    beta: vectors.beta.tensor,
    eps: vectors.eps.tensor,
  };
  return record({
    output: xielus.xielu(device, x, numbers),
    inputs: [x],
    reads: [x],
    trains: alpha_p.parameter !== undefined || alpha_n.parameter !== undefined,
    again: ([x]) => xielus.xielu(device, x!, numbers),
    backward: (dy, _into, [x]) => {
      const { dx, dAlphas } = xielus.xieluBackward(device, x!, numbers, dy);
      for (const [i, alpha] of [alpha_p, alpha_n].entries()) {
        const gradient = alpha.parameter?.gradient;
        if (!gradient) continue;
        const part = takeColumns(device, { ...dAlphas, shape: [1, 2] }, i, 1);
        addSlopes(device, gradient, { ...part, shape: [1] });
      }
      device.release(dAlphas);
      return [dx];
    },
  });
}

/** Rotary position embedding of all heads. Source: https://arxiv.org/abs/2104.09864, Eq. 34. */
export function rope(
  device: Device,
  x: Tensor,
  cosSin: Tensor,
  positions: Tensor,
  shape: ropes.RopeOptions,
): Tensor {
  return record({
    output: ropes.rope(device, x, cosSin, positions, shape),
    inputs: [x],
    reads: [],
    backward: (dy) => [
      ropes.rope(device, dy, cosSin, positions, { ...shape, inverse: true }),
    ],
  });
}

/** Softmax attention. Each query attends to two ranges of keys, which are the causal mask. */
export function attention(
  device: Device,
  [q, k, v]: readonly [Tensor, Tensor, Tensor],
  { ranges, queryRanges }: AttentionRanges,
  shape: attentions.AttentionShape,
): Tensor {
  const { o, lse } = attentions.attention(device, q, k, v, ranges, shape);
  if (!isRecording()) device.release(lse);
  return record({
    output: o,
    inputs: [q, k, v],
    saved: [lse],
    backward: (dO, _into, [q, k, v]) => {
      const forward = { q: q!, k: k!, v: v!, o, lse, ranges, queryRanges };
      const { dq, dk, dv } = attentions.attentionBackward(
        device,
        forward,
        dO,
        shape,
      );
      return [dq, dk, dv];
    },
  });
}

/** `act(gate) * up`. Source: https://arxiv.org/abs/2002.05202, Eq. 6. */
export function gatedUnit(
  device: Device,
  gate: Tensor,
  up: Tensor,
  activation: gated.Activation,
): Tensor {
  return record({
    output: gated.gatedUnit(device, gate, up, activation),
    inputs: [gate, up],
    reads: [gate, up],
    again: ([gate, up]) => gated.gatedUnit(device, gate!, up!, activation),
    backward: (dy, _into, [gate, up]) => {
      const { dGate, dUp } = gated.gatedUnitBackward(
        device,
        gate!,
        up!,
        dy,
        activation,
      );
      return [dGate, dUp];
    },
  });
}

/**
 * Takes one part of a fused projection: each row of `x` consists of `groups` equal pieces, of which
 * columns `[first, first + count)` are taken.
 */
export function columns(
  device: Device,
  x: Tensor,
  [first, count]: readonly [first: number, count: number],
  groups = 1,
): Tensor {
  const [rows, cols] = x.shape as [number, number];
  const parts = (x: Tensor, size: number) => ({
    ...x,
    shape: [rows * groups, size],
  });
  const taken = takeColumns(device, parts(x, cols / groups), first, count);
  return record({
    output: { ...taken, shape: [rows, groups * count] },
    inputs: [x],
    reads: [],
    backward: (dy, [into]) => {
      const dx = into ?? device.zeros(x.shape);
      addColumns(device, parts(dx, cols / groups), parts(dy, count), first);
      return [dx];
    },
  });
}

/** The rows of `x` at the given indices; a row may be taken more than once. */
export function gatherRows(
  device: Device,
  x: Tensor,
  index: Uint32Array,
): Tensor {
  const rows = device.upload(index, [index.length], "u32");
  const output = gathers.gatherRows(device, x, rows);
  device.release(rows);
  const { shape } = x;
  return record({
    output,
    inputs: [x],
    reads: [],
    backward: (dy) => {
      const dx = device.zeros(shape);
      gathers.sumRowsByKey(device, dy, gathers.groupByKey(index), dx);
      return [dx];
    },
  });
}
