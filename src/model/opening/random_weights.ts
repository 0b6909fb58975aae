/**
 * Makes random weights from a config.json alone, as transformers does: normal with deviation
 * `initializer_range`, norms 1, biases 0. Knows no file.
 */
import type { Device } from "../../../kernels/device/device.ts";
import type { Vector, Weight } from "../../autograd/parameter.ts";
import { Random } from "../../base/random.ts";
import type { ModelConfig } from "../config/config.ts";
import { trainable } from "../weights/load.ts";
import type { Model } from "../decoder/model.ts";
import { ropeTables } from "../decoder/rope_table.ts";
import { buildModel, type WeightLayout } from "../weights/weight_layout.ts";

/** The starting numbers of a tensor; they must be drawn in the order of a checkpoint. */
export function initialValues(
  { name, shape, vector }: WeightLayout,
  { initializer_range }: ModelConfig,
  random: Random,
): Float32Array<ArrayBuffer> {
  const count = shape.reduce((product, size) => product * size, 1);
  if (vector) {
    const start = name.endsWith(".bias") ? 0 : 1;
    return new Float32Array(count).fill(vector.start ?? start);
  }
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    values[i] = random.normal() * initializer_range;
  }
  return values;
}

/** Makes a model with random weights that are all trained. */
export function randomModel(
  device: Device,
  config: ModelConfig,
  seed: number,
): Model {
  const random = new Random(seed);
  const make = (layout: WeightLayout) => {
    const values = initialValues(layout, config, random);
    return trainable(device, layout, device.upload(values, layout.shape), true);
  };
  const built = buildModel(config, {
    weight: (name, shape) => make({ name, shape }) as Weight,
    vector: (name, shape, vector) => make({ name, shape, vector }) as Vector,
  });
  const cosSin = ropeTables(device, config.ropes);
  return { device, config, cosSin, ...built };
}
