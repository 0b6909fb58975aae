/**
 * Opens what WebGPU found with all its limits, or says in one line which limit is too small. The
 * same on every platform: how a GPU is found on this one, its own file knows.
 */

/** Least limits: packed weights are wide and tall textures, attention binds many buffers. */
const FLOOR: Partial<Record<keyof GPUSupportedLimits, number>> = {
  maxStorageBuffersPerShaderStage: 8,
  maxStorageTexturesPerShaderStage: 4,
  maxStorageBufferBindingSize: 1 << 27,
  maxTextureDimension2D: 8192,
};

/** Limits that are asked for as large as they are: WebGPU's defaults are small. */
const WANTED = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxStorageTexturesPerShaderStage",
  "maxTextureDimension2D",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
  "maxComputeWorkgroupSizeZ",
] as const;

const FEATURES: readonly GPUFeatureName[] = ["timestamp-query", "shader-f16"];

/** A GPU that is open, and what `Device` wants to know of it. */
export interface OpenedGpu {
  /** WebGPU's own handle. */
  readonly gpu: GPUDevice;
  /** Whether a CPU plays its part, as llvmpipe does. */
  readonly isCpu: boolean;
  /** Name and driver version, for messages and caches. */
  readonly description: string;
}

/**
 * Opens a GPU with its own limits.
 *
 * @param found what `navigator.gpu.requestAdapter()` gave
 * @param advice what to do if it does not suffice
 * @throws {Error} if its limits are too small
 */
export async function openGpu(
  found: GPUAdapter,
  advice = "take another GPU or another driver",
): Promise<OpenedGpu> {
  const { info, limits, features } = found;
  const small = Object.entries(FLOOR).flatMap(([name, least]) => {
    const limit = limits[name as keyof GPUSupportedLimits] as number;
    return limit < least
      ? [`${name} is ${limit}, expected at least ${least}`]
      : [];
  });
  if (small.length > 0) {
    throw new Error(
      `Cannot use WebGPU adapter "${info.description}": ${
        small.join("; ")
      }; ${advice}`,
    );
  }
  const gpu = await found.requestDevice({
    requiredFeatures: FEATURES.filter((name) => features.has(name)),
    requiredLimits: Object.fromEntries(
      WANTED.map((name) => [name, limits[name]]),
    ),
  });
  return {
    gpu,
    isCpu: info.isFallbackAdapter ||
      /llvmpipe|swiftshader|lavapipe/i.test(info.description),
    description: [info.vendor, info.device, info.description].join(" "),
  };
}
