/**
 * Opens the tokenizer and the chat template of a tuned model: those in its folder, or else those of
 * its base model. Reads no weights.
 */
import { join } from "@std/path";
import { isThere } from "../../files/hub/repo_folder.ts";
import type { TunedFolder } from "../../files/folders/tuned_folder.ts";
import { type OpenedEncoder, openEncoder } from "./open_encoder.ts";
import { MODEL_FILE } from "../../files/file_names.ts";

/**
 * Opens the tokenizer and the chat template of a tuned model. An adapter has the tokenizer of its
 * base and the template that it was trained with.
 *
 * @param options.base folder or name of the base model
 * @param options.chat_template name or path of another template; null: the model's own
 * @throws {Error} as `openEncoder()` does
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
