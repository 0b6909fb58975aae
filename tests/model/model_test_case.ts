/** Tests on one of the small checkpoints in `tests/fixtures/reference`, one per kernel kind. */
import type { Device } from "../../kernels/device/device.ts";
import type { DeviceKind } from "../../kernels/device/device_options.ts";
import { openModelFolder } from "../../src/files/folders/model_folder.ts";
import { readModelConfig } from "../../src/model/config/config.ts";
import { loadModel } from "../../src/model/weights/load.ts";
import type { Model } from "../../src/model/decoder/model.ts";
import { gpuTest } from "../kernels/gpu_test_case.ts";
import { fixturePath } from "../fixture_path.ts";

/**
 * Tests `body` on a folder that holds a model.
 *
 * @param model such as `models/qwen2`
 * @param options.read what the test reads beside it
 */
export async function modelTest(
  name: string,
  model: string,
  body: (device: Device, folder: string) => Promise<void>,
  { read = [], write = [], kinds = ["cpu"] }: {
    read?: readonly string[];
    write?: readonly string[];
    kinds?: readonly DeviceKind[];
  } = {},
): Promise<void> {
  const folder = fixturePath(model);
  await gpuTest(name, (device) => body(device, folder), {
    read: [folder, ...read],
    write: [...write],
    kinds,
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
