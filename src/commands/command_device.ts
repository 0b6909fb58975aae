/**
 * The device of a command: it leaves some memory to the rest of the machine, and runs the tile of
 * the matrix products that is fastest on it. Knows no command.
 */
import type { Device } from "../../kernels/device/device.ts";
import type { DeviceWatch } from "../../kernels/device/device_options.ts";
import { freeMemory, openDevice } from "../../kernels/device/open_deno.ts";
import {
  tuneProducts,
  type Tuning,
} from "../../kernels/matmul/tune_products.ts";
import { keptTexts } from "../files/disk/kept_texts.ts";
import { CACHE_FOLDER } from "../files/file_names.ts";

export type { DeviceWatch } from "../../kernels/device/device_options.ts";

/** Callbacks of every command that uses a device. */
export interface DeviceHooks {
  /**
   * Called with the tile of the matrix products that runs, if there is enough work to look for one.
   */
  readonly onTuned?: ((tuning: Tuning) => void) | undefined;
}

/** Share of the free memory that a command may take. llvmpipe itself keeps to no limit. */
const SHARE = 0.9;

/** Options of a command that bound what its device does. */
export interface DeviceBounds {
  /**
   * GB that it may hold; null is nine tenths of the memory that is free, where the process may ask
   * for it.
   */
  readonly memory_limit?: number | null;
  /** Seconds that it may take for an answer; null leaves that to the device. */
  readonly step_timeout?: number | null;
}

/**
 * Opens the device with a budget of bytes, so that work which does not fit is refused before it
 * starts.
 */
export async function openCommandDevice(
  { memory_limit = null, step_timeout = null }: DeviceBounds = {},
  watch?: DeviceWatch,
): Promise<Device> {
  return await openDevice({
    budgetBytes: budgetOf(memory_limit, freeMemory()),
    answerSeconds: step_timeout ?? undefined,
    watch,
  });
}

/** Bytes that a command may hold on the device. */
export function budgetOf(
  limit: number | null,
  freeBytes: number | undefined,
): number {
  if (limit !== null) return limit * 1e9;
  return freeBytes === undefined ? Infinity : freeBytes * SHARE;
}

/** Chooses the fastest tile for so many operations, and remembers it for the next command. */
export function productTuner(
  device: Device,
  { retune, onTuned }: DeviceHooks & { readonly retune: boolean },
): (operations: number) => Promise<void> {
  return async (operations) => {
    const tuning = await tuneProducts(device, {
      store: keptTexts(CACHE_FOLDER.kernels),
      retune,
      operations,
    });
    if (tuning.origin !== "untuned") onTuned?.(tuning);
  };
}
