/** Cosines and sines of a rotary embedding by position, computed in float64, kept on the device. */
import type { Device } from "../../../kernels/device/device.ts";
import type { Tensor } from "../../../kernels/device/tensor.ts";
import type { Rope, Ropes } from "../config/rope_config.ts";

/** `[positions, rotaryDim]`: of each position the cosines, then the sines of its angles. */
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
 * The tables of a model's layers by kind, those that do not turn included: one where two kinds turn
 * alike.
 */
export type RopeTables = Readonly<Record<keyof Ropes | "none", Tensor>>;

/** Makes the tables. */
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
