/**
 * Makes the tables of a rotary embedding on the device: cosines and sines by position, computed in
 * float64.
 */
import type { Device } from "../../../kernels/device/device.ts";
import type { Tensor } from "../../../kernels/device/tensor.ts";
import type { Rope, Ropes } from "../config/rope_config.ts";

/**
 * The table of a rotary embedding, `[positions, rotaryDim]`: for each position the cosines and then
 * the sines of its angles.
 */
export function ropeTable(device: Device, rope: Rope): Tensor {
  const { inverseFrequencies, attentionFactor, positions } = rope;
  const half = inverseFrequencies.length;
  const table = new Float32Array(positions * half * 2);
  for (let position = 0; position < positions; position++) {
    const at = position * half * 2;
    for (const [i, frequency] of inverseFrequencies.entries()) {
      table[at + i] = Math.cos(position * frequency) * attentionFactor;
      table[at + half + i] = Math.sin(position * frequency) * attentionFactor;
    }
  }
  return device.upload(table, [positions, half * 2]);
}

/**
 * The tables of a model by kind of layer. "none" is for layers that do not rotate. Kinds with the
 * same rotation share a table.
 */
export type RopeTables = Readonly<Record<keyof Ropes | "none", Tensor>>;

/** Makes the tables of a model. */
export function ropeTables(
  device: Device,
  { full, sliding }: Ropes,
): RopeTables {
  const table = ropeTable(device, full);
  return {
    full: table,
    sliding: sliding === full ? table : ropeTable(device, sliding),
    none: device.zeros([1, 0]),
  };
}
