/**
 * Numbers read from the device at once, to be written to files while it works on. Knows no file.
 */
import type { Device } from "../../../kernels/device/device.ts";
import { type DType, tensorBytes } from "../../../kernels/device/tensor.ts";
import { type ExportedTensor, fileBytes } from "../../model/saving/export.ts";

/** Read in one wait; each wait stops the device for a moment. */
const WAIT_BYTES = 64 << 20;

const F32: DType = "f32";

/** Bytes that holding all tensors takes; infinite if one of them lies otherwise on the device. */
export function heldBytes(tensors: readonly ExportedTensor[]): number {
  return tensors.reduce(
    (sum, { source }) =>
      sum + (source ? tensorBytes(source.shape, F32) : Infinity),
    0,
  );
}

/** Reads all tensors, many in a wait; what it returns no longer needs the device. */
export async function holdTensors(
  device: Device,
  tensors: readonly ExportedTensor[],
): Promise<ExportedTensor[]> {
  const held: ExportedTensor[] = [];
  for (const group of groups(tensors)) {
    const numbers = await device.readAll(group.map(({ source }) => source!));
    held.push(...group.map((tensor, i) => ({
      ...tensor,
      source: undefined,
      async *bytes() {
        yield fileBytes(numbers[i]!, tensor.dtype);
      },
    })));
  }
  return held;
}

function groups(tensors: readonly ExportedTensor[]): ExportedTensor[][] {
  const all: ExportedTensor[][] = [];
  let left = 0;
  for (const tensor of tensors) {
    const bytes = heldBytes([tensor]);
    if (all.length === 0 || bytes > left) {
      all.push([]);
      left = WAIT_BYTES;
    }
    all.at(-1)!.push(tensor);
    left -= bytes;
  }
  return all;
}
