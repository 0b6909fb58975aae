/**
 * The command `random-model`: a checkpoint with random weights from any config.json. Needs no
 * device, prints nothing.
 */
import { readJsonObject } from "../files/disk/json_file.ts";
import { modelConfigPath } from "../files/folders/model_folder.ts";
import {
  checkOutputFolder,
  lockOutputFolder,
} from "../files/folders/output_folder.ts";
import { configOfFloats } from "../files/stored_codes/unpacked_weights.ts";
import { copyTextFiles } from "../files/folders/text_files.ts";
import { localModelFolder } from "../files/hub/repo_folder.ts";
import { writeRandomCheckpoint } from "../model/opening/random_checkpoint.ts";
import {
  type RandomModelOptions,
  randomModelSchema,
} from "../model/opening/random_model_options.ts";
import { defineCommand } from "./command.ts";

/**
 * `deno task random-model`
 *
 * @internal
 */
export const randomModelCommand = defineCommand({
  name: "random-model",
  summary:
    "Writes a checkpoint with random weights from any config.json. Touches no GPU.",
  schema: randomModelSchema,
});

/** What `randomModel()` takes beside its options. */
export interface RandomModelHooks {
  /** Bytes written, of all. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Writes the checkpoint, with the tokenizer's files beside it.
 *
 * @returns How many numbers it has
 * @throws {Error} In one line; never over another model
 */
export async function randomModel(
  options: RandomModelOptions,
  hooks: RandomModelHooks = {},
): Promise<number> {
  const { output_dir, dtype, seed, tokenizer_name_or_path } = options;
  const { path, folder } = await modelConfigPath(options.config);
  // random weights are floats, whatever codes the config's own checkpoint has
  const config = configOfFloats(await readJsonObject(path));
  const tokenizer = tokenizer_name_or_path === null
    ? folder
    : await localModelFolder(tokenizer_name_or_path);
  await using _lock = await lockOutputFolder(output_dir);
  await checkOutputFolder(output_dir, { otherwise: "remove what is there" });
  await copyTextFiles(tokenizer, output_dir);
  return await writeRandomCheckpoint(output_dir, {
    config,
    dtype,
    seed,
    ...hooks,
  });
}
