/**
 * Makes a second model beside a model. It shares the frozen weights and has copies of the trained
 * ones; for LoRA that is a second adapter and nothing else. Knows no training.
 */
import { scale } from "../../../kernels/rows/elementwise.ts";
import { createMatrix, packMatrix } from "../../../kernels/matrix/matrix.ts";
import type { Device } from "../../../kernels/device/device.ts";
import { type Tensor, tensorBytes } from "../../../kernels/device/tensor.ts";
import type { Lora } from "../../autograd/lora.ts";
import type { Parameter, Vector, Weight } from "../../autograd/parameter.ts";
import { frozenGains } from "../weights/adapter_parts.ts";
import type {
  Layer,
  Linear,
  Model,
  Norm,
  PlainNorm,
  XieluVectors,
} from "../decoder/model.ts";

/** A trained tensor of a model, and its copy in the second model. */
export interface SecondWeight {
  readonly parameter: Parameter;
  /** The copy, f32. */
  readonly value: Tensor;
}

/** A second model, which only runs forward. */
export interface SecondModel {
  readonly model: Model;
  readonly weights: readonly SecondWeight[];
  /** Computes everything that depends on the copies again; to be called after they were written. */
  refresh(): void;
}

/**
 * Makes the second model with copies of the current trained values. The copies live as long as the
 * device.
 */
export function secondModel(model: Model): SecondModel {
  const { device } = model;
  const weights: SecondWeight[] = [];
  const refreshes: (() => void)[] = [];
  const copied = new Map<Weight, Weight>();
  const weight = (from: Weight): Weight => {
    const known = copied.get(from);
    if (known) return known; // a tied head stays tied to the embedding
    const { name, matrix: { rows, cols }, parameter } = from;
    if (!parameter) return from;
    const value = scale(device, parameter.value, 1);
    const matrix = createMatrix(device, rows, cols, "f32");
    refreshes.push(() => packMatrix(device, matrix, value));
    weights.push({ parameter, value });
    const copy = { name, matrix };
    copied.set(from, copy);
    return copy;
  };
  const vector = ({ name, tensor, parameter }: Vector): Vector => {
    if (!parameter) return { name, tensor };
    const value = scale(device, parameter.value, 1);
    weights.push({ parameter, value });
    return { name, tensor: value };
  };
  const lora = (from: Lora, of: Weight): Lora => {
    const { a, b, scale, dora } = from;
    const copy = { ...from, a: weight(a), b: weight(b) };
    if (!dora || !a.parameter || !b.parameter) return copy;
    const valueOf = (parameter: Parameter) =>
      weights.find((one) => one.parameter === parameter)!.value;
    const parts = {
      a: valueOf(a.parameter),
      b: valueOf(b.parameter),
      scale,
      m: vector(dora.m),
      squares: dora.squares,
    };
    const gains = device.allocate(dora.squares.shape);
    refreshes.push(() => writeGains(device, of, parts, gains));
    return { ...copy, dora: { m: parts.m, squares: dora.squares, gains } };
  };
  const second = mapWeights(model, { weight, vector, lora });
  const refresh = () => refreshes.forEach((one) => one());
  refresh();
  return { model: second, weights, refresh };
}

/**
 * Computes DoRA's gains of a layer, which are not computed in each pass if the adapter is not
 * trained.
 */
function writeGains(
  device: Device,
  of: Weight,
  { m, ...parts }: Omit<Parameters<typeof frozenGains>[2], "m"> & {
    readonly m: Vector;
  },
  into: Tensor,
): void {
  const gains = frozenGains(device, of, { ...parts, m: m.tensor });
  const bytes = tensorBytes(into.shape, "f32");
  device.record((encoder) =>
    encoder.copyBufferToBuffer(
      gains.buffer,
      gains.byteOffset ?? 0,
      into.buffer,
      into.byteOffset ?? 0,
      bytes,
    )
  );
  device.release(gains);
}

/** How the parts of a model are replaced. */
interface WeightMap {
  readonly weight: (from: Weight) => Weight;
  readonly vector: (from: Vector) => Vector;
  /** @param of the weight that the adapter belongs to */
  readonly lora: (from: Lora, of: Weight) => Lora;
}

function mapWeights(model: Model, map: WeightMap): Model {
  const { score } = model;
  return {
    ...model,
    score: score && map.weight(score),
    embed_tokens: map.weight(model.embed_tokens),
    layers: model.layers.map((layer) => mapLayer(layer, map)),
    norm: mapNorm(model.norm, map),
    lm_head: map.weight(model.lm_head),
  };
}

function mapLayer({ norms, self_attn, mlp }: Layer, map: WeightMap): Layer {
  const part = <Members extends object>(members: Members): Members =>
    Object.fromEntries(
      Object.entries(members).map((
        [name, member]: [string, LayerMember | undefined],
      ) => [name, member && mapMember(member, map)]),
    ) as Members;
  return { norms: part(norms), self_attn: part(self_attn), mlp: part(mlp) };
}

/** A part of a block. */
type LayerMember = Linear | Norm | PlainNorm | XieluVectors;

function mapMember(member: LayerMember, map: WeightMap): LayerMember {
  if ("weight" in member) return mapLinear(member, map);
  if (!("alpha_p" in member)) return mapNorm(member, map);
  const { alpha_p, alpha_n, beta, eps } = member;
  return {
    alpha_p: map.vector(alpha_p),
    alpha_n: map.vector(alpha_n),
    beta: map.vector(beta),
    eps: map.vector(eps),
  };
}

function mapNorm(norm: Norm | PlainNorm, { vector }: WeightMap) {
  if ("size" in norm) return norm;
  return { ...vector(norm), bias: norm.bias && vector(norm.bias) };
}

function mapLinear({ weight, bias, lora }: Linear, map: WeightMap): Linear {
  return {
    weight: map.weight(weight),
    bias: bias && map.vector(bias),
    lora: lora && map.lora(lora, weight),
  };
}
