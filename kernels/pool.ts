/**
 * Buffers and textures that are used again instead of freed, with a byte budget that refuses before the
 * driver dies. Knows sizes only: which tensor owns a buffer is the matter of scopes.
 */

/** Thrown when an allocation would pass the byte budget. */
export class BudgetError extends RangeError {
  override name = "BudgetError";
}

/** Free resources by key; `Device` gives them back here. */
export interface Pool {
  /** Bytes held, in use or free. */
  readonly allocatedBytes: number;
  readonly peakBytes: number;
  buffer(bytes: number): GPUBuffer;
  texture(format: GPUTextureFormat, width: number, height: number): GPUTexture;
  giveBack(resource: GPUBuffer | GPUTexture): void;
  /** Destroys what is free. */
  trim(): void;
  destroy(): void;
}

/** Rounds up to eighths of an octave, so that batches of nearly equal length share buffers. At most 12.5 % is lost. */
export function bucketBytes(bytes: number): number {
  if (bytes <= 256) return 256;
  const step = Math.max(256, 2 ** (Math.floor(Math.log2(bytes - 1)) - 3));
  return Math.ceil(bytes / step) * step;
}

const BUFFER_USAGE = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC |
  GPUBufferUsage.COPY_DST;
const TEXTURE_USAGE = GPUTextureUsage.STORAGE_BINDING |
  GPUTextureUsage.COPY_DST |
  GPUTextureUsage.COPY_SRC;
const TEXEL_BYTES = 16;

/** Creates a pool whose holdings never pass `budgetBytes`. */
export function createPool(gpu: GPUDevice, budgetBytes: number): Pool {
  const free = new Map<string, (GPUBuffer | GPUTexture)[]>();
  const sizes = new Map<
    GPUBuffer | GPUTexture,
    { key: string; bytes: number }
  >();
  let allocatedBytes = 0;
  let peakBytes = 0;

  function trim(): void {
    for (const resources of free.values()) {
      for (const resource of resources.splice(0)) {
        allocatedBytes -= sizes.get(resource)!.bytes;
        sizes.delete(resource);
        resource.destroy();
      }
    }
  }

  function take<T extends GPUBuffer | GPUTexture>(
    key: string,
    bytes: number,
    create: () => T,
  ): T {
    const found = free.get(key)?.pop();
    if (found) return found as T;
    if (allocatedBytes + bytes > budgetBytes) trim();
    if (allocatedBytes + bytes > budgetBytes) {
      throw new BudgetError(
        `Cannot allocate ${bytes} bytes on the device: ${allocatedBytes} of ${budgetBytes} bytes are in use; lower per_device_train_batch_size or max_length, or turn gradient_checkpointing on`,
      );
    }
    const made = create();
    sizes.set(made, { key, bytes });
    allocatedBytes += bytes;
    peakBytes = Math.max(peakBytes, allocatedBytes);
    return made;
  }

  return {
    get allocatedBytes() {
      return allocatedBytes;
    },
    get peakBytes() {
      return peakBytes;
    },
    buffer(bytes) {
      const size = Math.min(
        bucketBytes(bytes),
        Math.max(bytes, gpu.limits.maxBufferSize),
      );
      return take(
        `${size}`,
        size,
        () => gpu.createBuffer({ size, usage: BUFFER_USAGE }),
      );
    },
    texture(format, width, height) {
      return take(
        `${format} ${width} ${height}`,
        width * height * TEXEL_BYTES,
        () =>
          gpu.createTexture({
            size: [width, height],
            format,
            usage: TEXTURE_USAGE,
          }),
      );
    },
    giveBack(resource) {
      const { key } = sizes.get(resource)!;
      const resources = free.get(key);
      if (resources) resources.push(resource);
      else free.set(key, [resource]);
    },
    trim,
    destroy() {
      for (const resource of sizes.keys()) resource.destroy();
      sizes.clear();
      free.clear();
      allocatedBytes = 0;
    },
  };
}
