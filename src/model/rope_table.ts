/** Cosines and sines of the rotary embedding by position, computed in float64, kept on the device. */
import type { Device } from "../../kernels/device.ts";
import type { Tensor } from "../../kernels/tensor.ts";
import type { Rope } from "./rope_config.ts";

/** `[positions, head_dim]`: of each position the cosines, then the sines of its angles. */
export function ropeTable(
  device: Device,
  rope: Rope,
  positions: number,
): Tensor {
  const half = rope.inverseFrequencies.length;
  const table = new Float32Array(positions * half * 2);
  for (let position = 0; position < positions; position++) {
    const at = position * half * 2;
    for (const [i, frequency] of rope.inverseFrequencies.entries()) {
      table[at + i] = Math.cos(position * frequency);
      table[at + half + i] = Math.sin(position * frequency);
    }
  }
  return device.upload(table, [positions, half * 2]);
}
