/**
 * Tokenizer and chat template of a tuned model: what training left in its folder, else those of its
 * base. Reads no weights.
 */
import { join } from "@std/path";
import { isThere } from "../../files/hub/repo_folder.ts";
import type { TunedFolder } from "../../files/folders/tuned_folder.ts";
import { type OpenedEncoder, openEncoder } from "./open_encoder.ts";
import { MODEL_FILE } from "../../files/file_names.ts";

/**
 * Opens what turns text into a tuned model's tokens. An adapter has its base's tokens, and the
 * template it was trained with.
 *
 * @param options.base folder or name of the base
 * @param options.chat_template name or path of a template for all; null: the model's own
 * @throws {Error} in one line, as `openEncoder()` does
 */
export async function openTunedEncoder(
  tuned: TunedFolder,
  options: { readonly base: string; readonly chat_template: string | null },
): Promise<OpenedEncoder> {
  const file = (name: string) => join(tuned.path, name);
  if (tuned.kind === "adapter") {
    const left = file(MODEL_FILE.chatTemplate);
    const chat_template = options.chat_template ??
      (await isThere(left) ? left : null);
    return await openEncoder({
      model_name_or_path: options.base,
      chat_template,
    });
  }
  return await openEncoder({
    model_name_or_path: tuned.path,
    tokenizer_name_or_path: await isThere(file(MODEL_FILE.tokenizer))
      ? null
      : options.base,
    chat_template: options.chat_template,
  });
}
