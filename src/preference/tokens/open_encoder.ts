/**
 * Opens what turns text into a model's tokens: the tokenizer and the chat template of its folder,
 * or others by name. Reads no weights and needs no device.
 */
import { createHash } from "node:crypto";
import { join } from "@std/path";
import {
  type ModelFiles,
  openModelFiles,
  openTokenizerFiles,
  requireTokenizer,
  type TokenizerFiles,
} from "../../files/folders/model_folder.ts";
import { localModelFolder } from "../../files/hub/repo_folder.ts";
import { createChatTemplate } from "../../text/chat_template.ts";
import { templateFile } from "../../text/template_files.ts";
import { createTokenizer } from "../../text/tokenizer.ts";
import type { Encoder } from "./tokenize.ts";
import { MODEL_FILE } from "../../files/file_names.ts";

/** A model's folder without its weights, and what turns text into its tokens. */
export interface OpenedEncoder {
  /** Config, tokenizer and template as they are on disk. */
  readonly files: ModelFiles;
  /** The folder of the tokenizer: the same, or another that was named. */
  readonly tokenizerFiles: TokenizerFiles;
  /** Ready to use. */
  readonly encoder: Encoder;
}

/** Where tokenizer and template come from. */
export interface EncoderOptions {
  /** Folder, or name on the hub of what was downloaded. */
  readonly model_name_or_path: string;
  /** Another folder for the tokenizer; null: the model's own. */
  readonly tokenizer_name_or_path?: string | null;
  /** Name in `templates/` or path of a Jinja file; null: the model's own. */
  readonly chat_template?: string | null;
}

/** A hash of all that a text's tokens depend on. */
async function identityOf(
  { path, tokenizerConfig, specialTokensMap }: TokenizerFiles,
  template: string | undefined,
): Promise<string> {
  const state = [tokenizerConfig, specialTokensMap, template];
  return createHash("sha256")
    .update(await Deno.readFile(join(path, MODEL_FILE.tokenizer)))
    .update(JSON.stringify(state)).digest("hex");
}

/**
 * Opens a model's folder, its tokenizer and its template; a model without a template gets none.
 *
 * @throws {Error} in one line, naming what is missing or broken and what to do
 */
export async function openEncoder(
  options: EncoderOptions,
): Promise<OpenedEncoder> {
  const files = await openModelFiles(
    await localModelFolder(options.model_name_or_path),
  );
  const other = options.tokenizer_name_or_path ?? null;
  const source = other === null
    ? files
    : await openTokenizerFiles(await localModelFolder(other));
  const { tokenizerConfig, specialTokensMap } = source;
  const tokenizer = createTokenizer({
    tokenizer: await requireTokenizer(source),
    ...(tokenizerConfig && { config: tokenizerConfig }),
    ...(specialTokensMap && { specialTokensMap }),
  });
  const named = options.chat_template ?? null;
  const isText = named !== null && /\{[{%]/.test(named);
  const text = named === null
    ? source.chatTemplate
    : isText
    ? named
    : await Deno.readTextFile(templateFile(named));
  const identity = await identityOf(source, text);
  if (text === undefined) {
    return { files, tokenizerFiles: source, encoder: { tokenizer, identity } };
  }
  const { specialTokens } = tokenizer;
  const name = isText
    ? "chat_template"
    : named ?? join(source.path, "chat_template");
  const template = createChatTemplate(text, { name, specialTokens });
  return {
    files,
    tokenizerFiles: source,
    encoder: { tokenizer, template, identity },
  };
}
