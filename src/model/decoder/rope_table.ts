/**
 * Makes the tables of a rotary embedding on the device: cosines and sines by position, computed in
 * float64.
 */
import type { Device } from "../../../kernels/device/device.ts";
import type { Tensor } from "../../../kernels/device/tensor.ts";
import { formatBytes } from "../../base/units.ts";
import type { Rope, Ropes } from "../config/rope_config.ts";

/** The most bytes of a table: 2 million positions of heads of 128, twice what models have. */
const MOST_BYTES = 2 ** 30;

/**
 * The table of a rotary embedding, `[positions, rotaryDim]`: for each position the cosines and then
 * the sines of its angles.
 */
export function ropeTable(device: Device, rope: Rope): Tensor {
  const { inverseFrequencies, attentionFactor, positions, reversed } = rope;
  const way = reversed ? -attentionFactor : attentionFactor;
  const half = inverseFrequencies.length;
  const bytes = positions * half * 2 * Float32Array.BYTES_PER_ELEMENT;
  if (bytes > MOST_BYTES) {
    throw new RangeError(
      `Cannot load model: a table of its ${positions} positions would take ${
        formatBytes(bytes)
      }, expected at most ${
        formatBytes(MOST_BYTES)
      }; give config.json a smaller max_position_embeddings`,
    );
  }
  const table = new Float32Array(positions * half * 2);
  for (let position = 0; position < positions; position++) {
    const at = position * half * 2;
    for (const [i, frequency] of inverseFrequencies.entries()) {
      table[at + i] = Math.cos(position * frequency) * attentionFactor;
      table[at + half + i] = Math.sin(position * frequency) * way;
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
