/** Copies the files beside the weights of a model's folder: config, tokenizer, chat template. */
import { join } from "@std/path";
import { MODEL_FILE } from "../file_names.ts";
import { disk } from "../disk.ts";
import { isThere } from "../hub/repo_folder.ts";
import { writeFileAtomic } from "../disk/atomic.ts";
import { readFileIfThere } from "../disk/whole_file.ts";

/** The files of a tokenizer. */
export const TOKENIZER_FILES: readonly string[] = [
  MODEL_FILE.tokenizer,
  MODEL_FILE.tokenizerConfig,
  MODEL_FILE.specialTokensMap,
  "added_tokens.json",
  "vocab.json",
  "merges.txt",
  "tokenizer.model",
];

/** The files that are copied if they exist. */
const TEXT_FILES = [
  MODEL_FILE.config,
  MODEL_FILE.generationConfig,
  ...TOKENIZER_FILES,
  MODEL_FILE.chatTemplate,
  MODEL_FILE.chatTemplateJson,
  MODEL_FILE.toolTemplate,
];

/** Copies a model's text files byte for byte; files that do not exist are skipped. */
export async function copyTextFiles(
  from: string,
  to: string,
  names: readonly string[] = TEXT_FILES,
): Promise<void> {
  for (const name of names) {
    const bytes = await readFileIfThere(join(from, name));
    if (bytes !== undefined) await writeFileAtomic(join(to, name), bytes);
  }
}

/**
 * Puts the tokenizer of a folder in the place of another one's, all of its files.
 *
 * @returns whether there is one
 */
export async function replaceTokenizer(
  from: string,
  to: string,
): Promise<boolean> {
  if (!await isThere(join(from, MODEL_FILE.tokenizer))) return false;
  for (const name of TOKENIZER_FILES) {
    const old = join(to, name);
    if (await isThere(old)) await disk().remove(old);
  }
  await copyTextFiles(from, to, TOKENIZER_FILES);
  return true;
}
