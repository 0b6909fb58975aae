/**
 * A model beside another: what is trained there it has a copy of, what is frozen both share. For LoRA that is a
 * second adapter and nothing else. Knows no training.
 */
import { scale } from "../../kernels/elementwise.ts";
import { createMatrix, packMatrix } from "../../kernels/matrix.ts";
import type { Tensor } from "../../kernels/tensor.ts";
import type { Parameter, Vector, Weight } from "../autograd/parameter.ts";
import type { Layer, Linear, Model } from "./model.ts";

/** A trained tensor of a model, and what stands for it in the second one. */
export interface SecondWeight {
  readonly parameter: Parameter;
  /** Its copy, f32. */
  readonly value: Tensor;
  /** Brings the packed form of the copy up to date, after `value` was written. */
  refresh(): void;
}

/** Copies what is trained of a model, as it is now; the copies live as long as the device. */
export function secondModel(
  model: Model,
): { readonly model: Model; readonly weights: readonly SecondWeight[] } {
  const { device } = model;
  const weights: SecondWeight[] = [];
  const copied = new Map<Weight, Weight>();
  const weight = (from: Weight): Weight => {
    const known = copied.get(from);
    if (known) return known; // a tied head stays tied
    const { name, matrix: { rows, cols }, parameter } = from;
    if (!parameter) return from;
    const value = scale(device, parameter.value, 1);
    const matrix = createMatrix(device, rows, cols, "f32");
    const refresh = () => packMatrix(device, matrix, value);
    refresh();
    weights.push({ parameter, value, refresh });
    const copy = { name, matrix };
    copied.set(from, copy);
    return copy;
  };
  const vector = ({ name, tensor, parameter }: Vector): Vector => {
    if (!parameter) return { name, tensor };
    const value = scale(device, parameter.value, 1);
    weights.push({ parameter, value, refresh() {} });
    return { name, tensor: value };
  };
  return { model: mapWeights(model, { weight, vector }), weights };
}

/** How the parts of a model become others. */
interface WeightMap {
  readonly weight: (from: Weight) => Weight;
  readonly vector: (from: Vector) => Vector;
}

function mapWeights(model: Model, map: WeightMap): Model {
  return {
    ...model,
    embed_tokens: map.weight(model.embed_tokens),
    layers: model.layers.map((layer) => mapLayer(layer, map)),
    norm: map.vector(model.norm),
    lm_head: map.weight(model.lm_head),
  };
}

function mapLayer({ norms, self_attn, mlp }: Layer, map: WeightMap): Layer {
  const part = <Members extends object>(members: Members): Members =>
    Object.fromEntries(
      Object.entries(members).map((
        [name, member]: [string, Linear | Vector | undefined],
      ) => [
        name,
        member &&
        ("weight" in member ? mapLinear(member, map) : map.vector(member)),
      ]),
    ) as Members;
  return { norms: part(norms), self_attn: part(self_attn), mlp: part(mlp) };
}

function mapLinear({ weight, bias, lora }: Linear, map: WeightMap): Linear {
  return {
    weight: map.weight(weight),
    bias: bias && map.vector(bias),
    ...(lora &&
      { lora: { ...lora, a: map.weight(lora.a), b: map.weight(lora.b) } }),
  };
}
