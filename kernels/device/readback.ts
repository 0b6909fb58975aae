/** Bytes from the device to the CPU: any number of tensors in one wait. */
import type { Answers } from "./answers.ts";
import type { Faults } from "./faults.ts";
import type { Recorder } from "./recorder.ts";
import { type Tensor, tensorBytes } from "./tensor.ts";

/**
 * Waits for all recorded work and copies the tensors' bytes out; one wait costs 11 ms on llvmpipe.
 */
export async function readBack(
  gpu: GPUDevice,
  { recorder, faults, answers }: {
    readonly recorder: Recorder;
    readonly faults: Faults;
    readonly answers: Answers;
  },
  tensors: readonly Tensor[],
): Promise<ArrayBuffer[]> {
  const sizes = tensors.map(({ shape, dtype }) => tensorBytes(shape, dtype));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const size = Math.max(4, total);
  const staging = faults.allocating(size, () =>
    gpu.createBuffer({
      label: "readback",
      size,
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    }));
  let at = 0;
  const places = tensors.map(({ buffer, byteOffset = 0 }, i) => {
    const place = at;
    const size = sizes[i]!;
    at += size;
    recorder.copy((encoder) =>
      encoder.copyBufferToBuffer(buffer, byteOffset, staging, place, size)
    );
    return [place, at] as const;
  });
  recorder.flush();
  try {
    await answers.wait(() => staging.mapAsync(GPUMapMode.READ));
    const mapped = staging.getMappedRange();
    return places.map(([begin, end]) => mapped.slice(begin, end));
  } finally {
    staging.destroy();
  }
}
