/** What runs left, loaded again and scored on the scene's pairs. */
import type { Device } from "../../../kernels/device/device.ts";
import { openModelFolder } from "../../../src/files/folders/model_folder.ts";
import { readModelConfig } from "../../../src/model/config/config.ts";
import { loadModel } from "../../../src/model/weights/load.ts";
import type { Model } from "../../../src/model/decoder/model.ts";
import { preferenceBatch } from "../../../src/preference/tokens/batch.ts";
import { loadPairs } from "../../../src/preference/loading/load.ts";
import { openEncoder } from "../../../src/preference/tokens/open_encoder.ts";
import { sequenceLogps } from "../../../src/training/loop/batch_logps.ts";
import { MODEL, type Scene } from "../run/run_scene.ts";

/** Loads a folder's model, not trained. */
export async function load(device: Device, folder: string): Promise<Model> {
  const { config, weights } = await openModelFolder(folder);
  return await loadModel(device, readModelConfig(config), weights);
}

/** Mean log-probabilities of the answers to all pairs, as the run's last evaluation has them. */
export async function meanLogps(
  { path }: Scene,
  model: Model,
): Promise<{ chosen: number; rejected: number }> {
  const { encoder } = await openEncoder({ model_name_or_path: MODEL });
  const { examples } = await loadPairs([{ path: path("pairs.jsonl") }], {
    encoder,
    split: "test",
  });
  const sums = await sequenceLogps(model, [preferenceBatch(examples)]);
  const mean = (side: number) =>
    sums.filter((_, i) => i % 2 === side).reduce((a, b) => a + b) /
    examples.length;
  return { chosen: mean(0), rejected: mean(1) };
}
