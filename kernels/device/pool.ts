/**
 * Buffers and textures that are used again instead of freed, with a byte budget that refuses before
 * the driver dies. Knows sizes only: which tensor owns a buffer is the matter of scopes.
 *
 * Batches differ in length, so a request also takes what is somewhat larger, and what lies idle
 * beyond a share of the most that was ever in use is destroyed, longest idle first.
 */
import type { Faults } from "./faults.ts";

/** Thrown when an allocation would pass the byte budget. */
export class BudgetError extends RangeError {
  override name = "BudgetError";
}

/** What is pooled. */
type Pooled = GPUBuffer | GPUTexture;

/** Size and kind of a resource. */
export interface Form {
  /** What may stand in for each other, but for their sizes. */
  readonly family: string;
  readonly bytes: number;
  readonly create: (gpu: GPUDevice) => Pooled;
}

/** Bytes of buffers and textures. */
export interface DeviceMemory {
  /** Held now, in use or pooled. */
  readonly allocatedBytes: number;
  /** Held at most so far. */
  readonly peakBytes: number;
  /** In use now. */
  readonly usedBytes: number;
  /** In use at most since `forgetPeak()`, or since the start. */
  readonly peakUsedBytes: number;
  /** The largest single buffer or texture so far. */
  readonly largestBytes: number;
  /** Starts the count of `peakUsedBytes` again. */
  forgetPeak(): void;
  /**
   * What is free now.
   *
   * @internal
   */
  idle(): Form[];
  /**
   * Holds resources of these forms, free, in place of what is free now. What is destroyed and made
   * again in other sizes leaves holes in a driver's memory: 0.4 GB over six batches of rising
   * lengths.
   *
   * @internal
   */
  reserve(forms: readonly Form[]): void;
}

/** Free resources; `Device` gives them back here. */
export interface Pool {
  readonly memory: DeviceMemory;
  buffer(bytes: number): GPUBuffer;
  texture(format: GPUTextureFormat, width: number, height: number): GPUTexture;
  giveBack(resource: Pooled): void;
  /** Destroys what is free. */
  trim(): void;
  destroy(): void;
}

/**
 * Rounds up to eighths of an octave, so that batches of nearly equal length share buffers. At most
 * 12.5 % is lost.
 */
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

/**
 * A request takes what is at most so many times larger; whatever is larger, before anything is
 * destroyed for it.
 */
const LOOSEST_FIT = 2;
/** Free bytes that are kept in any case, and as a share of the most that was in use. */
const KEPT_BYTES = 64 << 20;
const KEPT_SHARE = 1 / 32;

/** What a pool is part of. */
export interface PoolHooks {
  /** Submits what is recorded, since that may use what is about to be destroyed. */
  readonly beforeDestroy: () => void;
  /** Runs what creates so many bytes. */
  readonly allocating: Faults["allocating"];
}

const ALONE: PoolHooks = {
  beforeDestroy: () => {},
  allocating: (_, create) => create(),
};

/**
 * Creates a pool whose holdings never pass `budgetBytes`.
 */
export function createPool(
  gpu: GPUDevice,
  budgetBytes: number,
  { beforeDestroy, allocating }: PoolHooks = ALONE,
): Pool {
  const held = new Map<Pooled, Form>();
  /** In the order in which they became free. */
  const free = new Set<Pooled>();
  const bySize = new Map<string, Map<number, Pooled[]>>();
  let allocatedBytes = 0;
  let peakBytes = 0;
  let freeBytes = 0;
  let mostInUse = 0;
  let peakUsedBytes = 0;
  let largestBytes = 0;

  /** Smallest first, of one size the one last used. */
  function takeFree(
    { family, bytes }: Form,
    most = bytes * LOOSEST_FIT,
  ): Pooled | undefined {
    const sizes = bySize.get(family);
    const found = sizes?.get(bytes)?.pop() ?? largerFree(sizes, bytes, most);
    if (found) forget(found);
    return found;
  }

  function largerFree(
    sizes: Map<number, Pooled[]> | undefined,
    bytes: number,
    most: number,
  ): Pooled | undefined {
    let best = Infinity;
    for (const [size, resources] of sizes ?? []) {
      const fits = size >= bytes && size <= most;
      if (fits && size < best && resources.length > 0) best = size;
    }
    return sizes?.get(best)?.pop();
  }

  function forget(resource: Pooled): void {
    free.delete(resource);
    freeBytes -= held.get(resource)!.bytes;
  }

  function destroy(resource: Pooled): void {
    const { family, bytes } = held.get(resource)!;
    const same = bySize.get(family)!.get(bytes)!;
    same.splice(same.indexOf(resource), 1);
    forget(resource);
    held.delete(resource);
    allocatedBytes -= bytes;
    resource.destroy();
  }

  /**
   * Destroys what has been free for longest until at most `most` bytes are held, or nothing is
   * free.
   */
  function shrink(most: number): void {
    if (allocatedBytes <= most || free.size === 0) return;
    beforeDestroy();
    for (const resource of free) {
      if (allocatedBytes <= most) break;
      destroy(resource);
    }
  }

  /** A short batch uses the buffers of a long one where its own would take their place. */
  function make(form: Form): Pooled {
    const { bytes } = form;
    const needed = Math.max(mostInUse, allocatedBytes - freeBytes + bytes);
    const kept = Math.max(KEPT_BYTES, needed * KEPT_SHARE);
    const most = Math.min(budgetBytes, needed + kept);
    const larger = allocatedBytes + bytes > most && takeFree(form, Infinity);
    if (larger) return larger;
    shrink(most - bytes);
    if (allocatedBytes + bytes > budgetBytes) {
      throw new BudgetError(
        `Cannot allocate ${bytes} bytes on the device: ${allocatedBytes} of ${budgetBytes} bytes are in use; lower per_device_train_batch_size or max_length, or turn gradient_checkpointing on`,
      );
    }
    return hold(form);
  }

  function hold(form: Form): Pooled {
    const { bytes } = form;
    const made = allocating(bytes, () => form.create(gpu));
    held.set(made, form);
    allocatedBytes += bytes;
    largestBytes = Math.max(largestBytes, bytes);
    peakBytes = Math.max(peakBytes, allocatedBytes);
    return made;
  }

  function take(form: Form): Pooled {
    const found = takeFree(form) ?? make(form);
    mostInUse = Math.max(mostInUse, allocatedBytes - freeBytes);
    peakUsedBytes = Math.max(peakUsedBytes, allocatedBytes - freeBytes);
    return found;
  }

  function giveBack(resource: Pooled): void {
    const { family, bytes } = held.get(resource)!;
    const sizes = bySize.get(family) ?? new Map<number, Pooled[]>();
    bySize.set(family, sizes);
    const same = sizes.get(bytes);
    if (same) same.push(resource);
    else sizes.set(bytes, [resource]);
    free.add(resource);
    freeBytes += bytes;
  }

  return {
    memory: {
      get allocatedBytes() {
        return allocatedBytes;
      },
      get peakBytes() {
        return peakBytes;
      },
      get usedBytes() {
        return allocatedBytes - freeBytes;
      },
      get peakUsedBytes() {
        return peakUsedBytes;
      },
      get largestBytes() {
        return largestBytes;
      },
      forgetPeak() {
        peakUsedBytes = allocatedBytes - freeBytes;
      },
      idle: () => Array.from(free, (resource) => held.get(resource)!),
      reserve(forms) {
        shrink(0);
        const made: Pooled[] = [];
        for (const form of forms) {
          if (allocatedBytes + form.bytes > budgetBytes) break;
          made.push(hold(form));
        }
        mostInUse = Math.max(mostInUse, allocatedBytes);
        for (const resource of made) giveBack(resource);
      },
    },
    buffer(bytes) {
      const size = Math.min(
        bucketBytes(bytes),
        Math.max(bytes, gpu.limits.maxBufferSize),
      );
      return take({
        family: "buffer",
        bytes: size,
        create: (gpu) => gpu.createBuffer({ size, usage: BUFFER_USAGE }),
      }) as GPUBuffer;
    },
    texture(format, width, height) {
      return take({
        family: `${format} ${width}`,
        bytes: width * height * TEXEL_BYTES,
        create: (gpu) =>
          gpu.createTexture({
            size: [width, height],
            format,
            usage: TEXTURE_USAGE,
          }),
      }) as GPUTexture;
    },
    giveBack,
    trim: () => shrink(0),
    destroy() {
      for (const resource of held.keys()) resource.destroy();
      for (const index of [held, free, bySize]) index.clear();
      allocatedBytes = freeBytes = 0;
    },
  };
}
