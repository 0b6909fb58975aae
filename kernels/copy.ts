/** Copies between tensors on the device, at the memory's speed. Knows no op. */
import type { Device } from "./device.ts";
import { elements, type Tensor } from "./tensor.ts";

/** Copies `count` 4-byte elements, by default all of `from`, from and to the given elements. */
export function copyTensor(
  device: Device,
  from: Tensor,
  to: Tensor,
  range: { from?: number; to?: number; count?: number } = {},
): void {
  const count = range.count ?? elements(from.shape);
  device.record((encoder) =>
    encoder.copyBufferToBuffer(
      from.buffer,
      (from.byteOffset ?? 0) + (range.from ?? 0) * 4,
      to.buffer,
      (to.byteOffset ?? 0) + (range.to ?? 0) * 4,
      count * 4,
    )
  );
}
