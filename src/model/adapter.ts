/**
 * LoRA adapters on a model, under PEFT's names: fresh ones, and those of a file. Knows PEFT's config keys; knows
 * no path.
 */
import type { Device } from "../../kernels/device.ts";
import { createMatrix, packMatrix } from "../../kernels/matrix.ts";
import { trainedWeight, type Weight } from "../autograd/parameter.ts";
import { Random } from "../base/random.ts";
import { type FloatDtype, toFloat32 } from "../files/dtype.ts";
import type { TensorReader } from "../files/safetensors.ts";
import { type AdapterConfig, layerAdapter } from "./adapter_config.ts";
import { type Linear, linears, type Model } from "./model.ts";
import { ADAPTER_SCORE } from "./reward_head.ts";
import { matchTargets } from "./target_modules.ts";

/** The linear layers that an adapter changes, by their paths. */
export type Targets = readonly (readonly [path: string, linear: Linear])[];

/** Every linear layer of a model but the head, by its path, such as `model.layers.0.self_attn.q_proj`. */
export function linearPaths(model: Model): Targets {
  return model.layers.flatMap((layer, i) =>
    linears(layer).map(([path, linear]) =>
      [`model.layers.${i}.${path}`, linear] as const
    )
  );
}

/** The name under which PEFT saves an adapter's half of a layer. */
export function adapterName(path: string, half: "A" | "B"): string {
  return `base_model.model.${path}.lora_${half}.weight`;
}

/**
 * Puts fresh, trained adapters on a model: `a` uniform in ±1/sqrt(in) as PEFT starts it, `b` zero, so that the model
 * is its base until the first step.
 *
 * @param seed undefined: `a` is zero too, for models whose answers do not matter
 * @throws {TypeError} naming the target modules that the model does not have
 */
export function addAdapter(
  model: Model,
  config: AdapterConfig,
  seed: number | undefined,
): void {
  const random = seed === undefined ? undefined : new Random(seed);
  for (const [path, linear] of targets(model, config)) {
    const { rows, cols } = linear.weight.matrix;
    const { r } = layerAdapter(config, path);
    const bound = 1 / Math.sqrt(cols);
    const a = new Float32Array(r * cols);
    if (random) {
      for (let i = 0; i < a.length; i++) {
        a[i] = (2 * random.float() - 1) * bound;
      }
    }
    const b = new Float32Array(rows * r);
    attach([path, linear], config, {
      a: half(model.device, adapterName(path, "A"), a, [r, cols], true),
      b: half(model.device, adapterName(path, "B"), b, [rows, r], true),
    });
  }
}

/**
 * Puts the adapters of a file on a model.
 *
 * @throws {TypeError} naming every tensor that is missing, unknown or misshapen
 */
export async function loadAdapter(
  model: Model,
  config: AdapterConfig,
  reader: TensorReader,
  { trained = false }: { trained?: boolean } = {},
): Promise<void> {
  const found = targets(model, config);
  checkAdapter(found, config, reader);
  for (const [path, linear] of found) {
    const { rows, cols } = linear.weight.matrix;
    const read = async (side: "A" | "B", shape: readonly number[]) => {
      const name = adapterName(path, side);
      const { dtype } = reader.tensors.get(name)!;
      const values = toFloat32(await reader.read(name), dtype as FloatDtype);
      return half(model.device, name, values, shape, trained);
    };
    const { r } = layerAdapter(config, path);
    attach([path, linear], config, {
      a: await read("A", [r, cols]),
      b: await read("B", [rows, r]),
    });
  }
}

function targets(
  model: Model,
  { target_modules, layers_to_transform: layers }: AdapterConfig,
): Targets {
  const number = (path: string) => Number(/\.layers\.(\d+)\./.exec(path)?.[1]);
  const all = linearPaths(model)
    .filter(([path]) => layers === null || layers.includes(number(path)));
  const paths = new Set(
    matchTargets(target_modules, all.map(([path]) => path)),
  );
  return all.filter(([path]) => paths.has(path));
}

function half(
  device: Device,
  name: string,
  values: Float32Array,
  shape: readonly number[],
  trained: boolean,
): Weight {
  const value = device.upload(values, shape);
  if (trained) return trainedWeight(device, name, value);
  const matrix = createMatrix(device, shape[0]!, shape[1]!, "f32");
  packMatrix(device, matrix, value);
  return { name, matrix };
}

function attach(
  [path, linear]: Targets[number],
  config: AdapterConfig,
  halves: { a: Weight; b: Weight },
): void {
  linear.lora = {
    ...halves,
    scale: layerAdapter(config, path).scale,
    dropout: config.lora_dropout,
  };
}

function checkAdapter(
  found: Targets,
  config: AdapterConfig,
  reader: TensorReader,
): void {
  const problems: string[] = [];
  const wanted = new Set<string>();
  for (const [path, { weight: { matrix } }] of found) {
    const { r } = layerAdapter(config, path);
    const shapes = { A: [r, matrix.cols], B: [matrix.rows, r] };
    for (const side of ["A", "B"] as const) {
      const name = adapterName(path, side);
      wanted.add(name);
      const info = reader.tensors.get(name);
      const shape = shapes[side].join(", ");
      if (!info) {
        problems.push(`tensor "${name}" is missing, expected shape [${shape}]`);
      } else if (info.shape.join(", ") !== shape) {
        problems.push(
          `tensor "${name}" has shape [${
            info.shape.join(", ")
          }], expected [${shape}]`,
        );
      } else if (!["F32", "F16", "BF16"].includes(info.dtype)) {
        problems.push(
          `tensor "${name}" has type ${info.dtype}, expected F32, F16 or BF16`,
        );
      }
    }
  }
  for (const name of reader.tensors.keys()) {
    if (!wanted.has(name) && !(config.rewardHead && name === ADAPTER_SCORE)) {
      problems.push(`tensor "${name}" belongs to no adapted layer`);
    }
  }
  if (problems.length > 0) {
    throw new TypeError(
      `Cannot load "${reader.files.join('", "')}": ${problems.join("; ")}`,
    );
  }
}
