/**
 * Finds the GPU, or the software Vulkan adapter in its place, and opens it with all its limits.
 * Every way in which this fails is one line that says what to install or change.
 */
import { wantedVectorWidth } from "./vector_width.ts";

/** An adapter's promises that we need at least: packed weights are wide and tall textures, attention binds many buffers. */
const FLOOR: Partial<Record<keyof GPUSupportedLimits, number>> = {
  maxStorageBuffersPerShaderStage: 8,
  maxStorageTexturesPerShaderStage: 4,
  maxStorageBufferBindingSize: 1 << 27,
  maxTextureDimension2D: 8192,
};

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

/** A device that has just been opened, and whether a CPU plays its part. */
export interface OpenedAdapter {
  readonly gpu: GPUDevice;
  readonly isFallbackAdapter: boolean;
  /** Name and driver version, for messages and caches. */
  readonly description: string;
}

/**
 * Threads of llvmpipe, the CPU adapter, at least. It deals each launch out beforehand, in equal parts, and with a thread a
 * processor one waits for the other whenever anything else runs; with more, the system evens that out, but each launch
 * wakes them all: eight are no better for a step on two processors and a fifth slower for a decoded token.
 */
const FEWEST_THREADS = 4;

/** Sets a variable of the process, unless it is set or may not be. */
function prefer(name: string, value: string): void {
  const permission = { name: "env", variable: name } as const;
  if (Deno.permissions.querySync(permission).state !== "granted") return;
  if (!Deno.env.get(name)) Deno.env.set(name, value);
}

/** What drivers read from the environment when the first adapter is asked for. */
function prepareDrivers(): void {
  if (Deno.build.os !== "linux") return;
  // without these Deno silently falls back to OpenGL, at half the speed and without f16
  prefer("DENO_WEBGPU_BACKEND", "vulkan");
  prefer("XDG_RUNTIME_DIR", "/tmp");
  const width = wantedVectorWidth();
  if (width) prefer("LP_NATIVE_VECTOR_WIDTH", width);
  if (navigator.hardwareConcurrency < FEWEST_THREADS) {
    prefer("LP_NUM_THREADS", `${FEWEST_THREADS}`);
  }
}

function adviseInstall(): string {
  return Deno.build.os === "linux"
    ? 'install a Vulkan driver ("apt install mesa-vulkan-drivers libvulkan1", or run "sh setup.sh") and leave DENO_WEBGPU_BACKEND unset or "vulkan"'
    : "update the graphics driver, and leave DENO_WEBGPU_BACKEND unset";
}

/**
 * Whether an adapter runs on OpenGL: half as fast and without f16. Deno names no backend, and the software adapter has
 * one name under both. OpenGL says device 0 and sets no bound on bindings; in software Vulkan says device 0 too but sets
 * one, on NVIDIA's cards it sets none but names the device.
 */
export function isOpenGl(
  { info, limits }: {
    readonly info: Pick<GPUAdapterInfo, "device">;
    readonly limits: Pick<GPUSupportedLimits, "maxBindingsPerBindGroup">;
  },
): boolean {
  return Number(info.device) === 0 && limits.maxBindingsPerBindGroup > 2 ** 31;
}

/**
 * Opens the best adapter with its own limits.
 *
 * @throws {Error} if there is no adapter, it is an OpenGL one, or its limits are too small
 */
export async function openAdapter(): Promise<OpenedAdapter> {
  prepareDrivers();
  const adapter = await navigator.gpu?.requestAdapter({
    powerPreference: "high-performance",
  });
  if (!adapter) {
    throw new Error(
      `Cannot open a WebGPU device: no adapter was found; ${adviseInstall()}`,
    );
  }
  if (Deno.build.os === "linux" && isOpenGl(adapter)) {
    throw new Error(
      `Cannot use WebGPU adapter "${adapter.info.description}": it runs on OpenGL, expected Vulkan; ${adviseInstall()}`,
    );
  }
  const small = Object.entries(FLOOR).filter(([name, least]) =>
    adapter.limits[name as keyof GPUSupportedLimits] as number < least
  );
  if (small.length > 0) {
    const found = small.map(([name, least]) =>
      `${name} is ${
        adapter.limits[name as keyof GPUSupportedLimits]
      }, expected at least ${least}`
    );
    throw new Error(
      `Cannot use WebGPU adapter "${adapter.info.description}": ${
        found.join("; ")
      }; ${adviseInstall()}`,
    );
  }
  const gpu = await adapter.requestDevice({
    requiredFeatures: FEATURES.filter((name) => adapter.features.has(name)),
    requiredLimits: Object.fromEntries(
      WANTED.map((name) => [name, adapter.limits[name]]),
    ),
  });
  return {
    gpu,
    isFallbackAdapter: adapter.info.isFallbackAdapter ||
      /llvmpipe|swiftshader|lavapipe/i.test(adapter.info.description),
    description: [
      adapter.info.vendor,
      adapter.info.device,
      adapter.info.description,
    ].join(" "),
  };
}
