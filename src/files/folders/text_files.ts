/** The files beside the weights that make a model's folder complete: config, tokenizer, chat template. */
import { join } from "@std/path";

/** The files of a tokenizer. */
export const TOKENIZER_FILES: readonly string[] = [
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
  "vocab.json",
  "merges.txt",
  "tokenizer.model",
];

/** What is copied if it is there. */
const TEXT_FILES = [
  "config.json",
  "generation_config.json",
  ...TOKENIZER_FILES,
  "chat_template.jinja",
];

/** Copies a model's text files, byte for byte; those that are not there are left out. */
export async function copyTextFiles(
  from: string,
  to: string,
  names: readonly string[] = TEXT_FILES,
): Promise<void> {
  for (const name of names) {
    try {
      await Deno.writeFile(
        join(to, name),
        await Deno.readFile(join(from, name)),
      );
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}
