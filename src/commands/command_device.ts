/**
 * The device of a command: it leaves some memory to the rest of the machine, and runs the tile of
 * the matrix products that is fastest on it. Knows no command.
 */
import type { Device } from "../../kernels/device/device.ts";
import { freeMemory, openDevice } from "../../kernels/device/open_deno.ts";
import {
  tuneProducts,
  type Tuning,
} from "../../kernels/matmul/tune_products.ts";
import { keptTexts } from "../files/disk/kept_texts.ts";
import { CACHE_FOLDER } from "../files/file_names.ts";

/** Callbacks of every command that uses a device. */
export interface DeviceHooks {
  /**
   * Called with the tile of the matrix products that runs, if there is enough work to look for one.
   */
  readonly onTuned?: ((tuning: Tuning) => void) | undefined;
}

/** Share of the free memory that a command may take. llvmpipe itself keeps to no limit. */
const SHARE = 0.9;

/**
 * Opens the device with a budget of bytes, so that work which does not fit is refused before it
 * starts.
 *
 * @param limit in GB; null is nine tenths of the memory that is free, where the process may ask for
 *   it
 */
export async function openCommandDevice(
  limit: number | null = null,
): Promise<Device> {
  return await openDevice({ budgetBytes: budgetOf(limit, freeMemory()) });
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
