/** Tests on a checkpoint of the reference: one per kernel variant, skipped by name where it is not there. */
import { dirname } from "@std/path";
import type { Device } from "../../kernels/device/device.ts";
import type { Variant } from "../../kernels/device/device_options.ts";
import { openModelFolder } from "../../src/files/folders/model_folder.ts";
import { readModelConfig } from "../../src/model/config/config.ts";
import { loadModel } from "../../src/model/weights/load.ts";
import type { Model } from "../../src/model/decoder/model.ts";
import { gpuTest } from "../kernels/gpu_test_case.ts";
import { compared, referencePath } from "../reference_dir.ts";

/**
 * Tests `body` on a folder that holds a model.
 *
 * @param model such as `models/qwen2` or `../realdata/stories260k-hf`
 * @param options.read what the test reads beside it
 */
export async function modelTest(
  name: string,
  model: string,
  body: (device: Device, folder: string) => Promise<void>,
  { read = [], write = [], variants = ["panel"] }: {
    read?: readonly (string | undefined)[];
    write?: readonly string[];
    variants?: readonly Variant[];
  } = {},
): Promise<void> {
  const config = referencePath(`${model}/config.json`);
  if (config === undefined || read.includes(undefined)) {
    Deno.test({
      name: `${name} (skipped: no ${model} in the reference)`,
      ignore: true,
      fn() {},
    });
    return;
  }
  const folder = dirname(config);
  await gpuTest(name, async (device) => {
    await body(device, folder);
    compared("model runs");
  }, {
    read: [folder, ...read.filter((path) => path !== undefined)],
    write: [...write],
    variants,
  });
}

/** Loads a folder's model as it is, not trained. */
export async function openTestModel(
  device: Device,
  folder: string,
): Promise<Model> {
  const { config, weights } = await openModelFolder(folder);
  return await loadModel(device, readModelConfig(config), weights);
}
