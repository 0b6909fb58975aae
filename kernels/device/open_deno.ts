/**
 * Opens the device of this machine on Deno: the environment that drivers read, the GPU or the
 * software Vulkan in its place. Every way in which this fails is one line that says what to install
 * or change.
 *
 * The one file of kernels/ that speaks to Deno. A page does not reach it: it has `open_page.ts`.
 */
import { fromFileUrl, join } from "@std/path";
import { Device } from "./device.ts";
import type { DeviceOptions } from "./device_options.ts";
import { openGpu } from "./open_gpu.ts";

/**
 * Threads of llvmpipe, which plays a GPU on the CPU, at least. It deals each launch out beforehand,
 * in equal parts, and with a thread a processor one waits for the other whenever anything else
 * runs; with more, the system evens that out, but each launch wakes them all: eight are no better
 * for a step on two processors and a fifth slower for a decoded token.
 */
const FEWEST_THREADS = 4;

/** Written by setup.sh: Deno may not look at the processor without all permissions. */
const VECTOR_WIDTH_FILE = new URL("../../.cache/vector_width", import.meta.url);

/** Where Mesa keeps what it compiled: a folder for each width, which Mesa makes itself. */
const SHADER_CACHE = new URL("../../.cache/", import.meta.url);

/**
 * How wide the vectors of llvmpipe are to be, in bits, for its LP_NATIVE_VECTOR_WIDTH. By itself it
 * stops at 256; on a processor with AVX-512 twice that makes a training step a quarter faster.
 *
 * @returns undefined where no file says so: llvmpipe then does as it likes
 */
export function wantedVectorWidth(
  file: URL = VECTOR_WIDTH_FILE,
): "512" | undefined {
  if (file.protocol !== "file:") return undefined;
  const permission = { name: "read", path: file } as const;
  if (Deno.permissions.querySync(permission).state !== "granted") {
    return undefined;
  }
  try {
    return Deno.readTextFileSync(file).trim() === "512" ? "512" : undefined;
  } catch {
    return undefined;
  }
}

/** Sets a variable of the process, unless it is set or may not be. */
function prefer(name: string, value: string): void {
  const permission = { name: "env", variable: name } as const;
  if (Deno.permissions.querySync(permission).state !== "granted") return;
  if (!Deno.env.get(name)) Deno.env.set(name, value);
}

function readVariable(name: string): string | undefined {
  const permission = { name: "env", variable: name } as const;
  if (Deno.permissions.querySync(permission).state !== "granted") {
    return undefined;
  }
  return Deno.env.get(name) || undefined;
}

/**
 * The folder of Mesa's shader cache for vectors of so many bits. Mesa 22.3.6 does not know
 * LP_NATIVE_VECTOR_WIDTH there: it runs code that was compiled for one width at another, and sums
 * over lanes are wrong without a word.
 *
 * @param given the user's own MESA_SHADER_CACHE_DIR; the folder then lies in it
 */
export function shaderCacheFolder(
  width: string,
  given?: string,
): string | undefined {
  const name = `mesa_${width}_bits`;
  if (given !== undefined) {
    // a process that this one started inherits the folder
    return given.split(/[\\/]/).at(-1) === name ? given : join(given, name);
  }
  return SHADER_CACHE.protocol === "file:"
    ? join(fromFileUrl(SHADER_CACHE), name)
    : undefined;
}

/** Gives the width of llvmpipe's vectors a shader cache of its own, if it is told. */
function separateShaders(): void {
  const name = "MESA_SHADER_CACHE_DIR";
  const width = readVariable("LP_NATIVE_VECTOR_WIDTH");
  const permission = { name: "env", variable: name } as const;
  if (
    width === undefined ||
    Deno.permissions.querySync(permission).state !== "granted"
  ) return;
  const folder = shaderCacheFolder(width, readVariable(name));
  if (folder !== undefined) Deno.env.set(name, folder);
}

/** Sets what drivers read from the environment when a GPU is asked for the first time. */
function prepareDrivers(): void {
  if (Deno.build.os !== "linux") return;
  // without these Deno silently falls back to OpenGL, at half the speed and without f16
  prefer("DENO_WEBGPU_BACKEND", "vulkan");
  prefer("XDG_RUNTIME_DIR", "/tmp");
  const wanted = wantedVectorWidth();
  if (wanted) prefer("LP_NATIVE_VECTOR_WIDTH", wanted);
  separateShaders();
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
 * Whether a GPU is driven through OpenGL: half as fast and without f16. Deno names no backend, and
 * llvmpipe has one name under both. OpenGL says device 0 and sets no bound on bindings; llvmpipe
 * under Vulkan says device 0 too but sets one, NVIDIA's cards under Vulkan set none but name the
 * device.
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
 * Opens the best GPU of this machine.
 *
 * @throws {Error} if there is none, it is driven through OpenGL, or its limits are too small
 */
export async function openDevice(options: DeviceOptions = {}): Promise<Device> {
  prepareDrivers();
  const found = await navigator.gpu?.requestAdapter({
    powerPreference: "high-performance",
  });
  if (!found) {
    throw new Error(
      `Cannot open a WebGPU device: no adapter was found; ${adviseInstall()}`,
    );
  }
  if (Deno.build.os === "linux" && isOpenGl(found)) {
    throw new Error(
      `Cannot use WebGPU adapter "${found.info.description}": it runs on OpenGL, expected Vulkan; ${adviseInstall()}`,
    );
  }
  return Device.of(await openGpu(found, adviseInstall()), options);
}

/** Bytes of memory that are free on this machine; undefined where the process may not ask. */
export function freeMemory(): number | undefined {
  const permission = { name: "sys", kind: "systemMemoryInfo" } as const;
  if (Deno.permissions.querySync(permission).state !== "granted") {
    return undefined;
  }
  return Deno.systemMemoryInfo().available;
}
