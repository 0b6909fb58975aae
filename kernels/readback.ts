/** Bytes from the device to the CPU: any number of tensors in one wait. Knows no shape. */
import type { Recorder } from "./recorder.ts";

/** Where bytes lie on the device. */
export interface ByteRange {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  /** A multiple of 4. */
  readonly size: number;
}

/** Waits for all recorded work and copies the ranges out; one wait costs 11 ms on a software adapter. */
export async function readBack(
  gpu: GPUDevice,
  recorder: Recorder,
  ranges: readonly ByteRange[],
): Promise<ArrayBuffer[]> {
  const total = ranges.reduce((sum, { size }) => sum + size, 0);
  const staging = gpu.createBuffer({
    label: "readback",
    size: Math.max(4, total),
    usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
  });
  let at = 0;
  const places = ranges.map(({ buffer, offset, size }) => {
    const place = at;
    at += size;
    recorder.copy((encoder) =>
      encoder.copyBufferToBuffer(buffer, offset, staging, place, size)
    );
    return [place, at] as const;
  });
  recorder.flush();
  await staging.mapAsync(GPUMapMode.READ);
  const mapped = staging.getMappedRange();
  const parts = places.map(([begin, end]) => mapped.slice(begin, end));
  staging.destroy();
  return parts;
}
