/**
 * Opens the tokenizer and the chat template of a model's folder or of a tuned model's, or others
 * that the options name. Reads no weights and needs no device.
 */
import { fromFileUrl, join } from "@std/path";
import { tell } from "../../base/notes.ts";
import { listed, shown } from "../../base/shown.ts";
import {
  type ModelFiles,
  openModelFiles,
  openTokenizerFiles,
  requireTokenizer,
  type TokenizerFiles,
} from "../../files/folders/model_folder.ts";
import type { TunedFolder } from "../../files/folders/tuned_folder.ts";
import { isThere, localModelFolder } from "../../files/hub/repo_folder.ts";
import {
  type ChatTemplate,
  createChatTemplate,
  withVariables,
} from "../../text/chat_template.ts";
import { findTurnFormat } from "../../text/turn_format.ts";
import { templateFile } from "../../text/template_files.ts";
import { createTokenizer, type Tokenizer } from "../../text/tokenizer.ts";
import { type ChatSettings, variablesOf } from "../../text/chat_options.ts";
import type { Encoder } from "./tokenize.ts";
import { MODEL_FILE } from "../../files/file_names.ts";
import { disk } from "../../files/disk.ts";
import { startHash } from "../../files/disk/hash.ts";
import { readText } from "../../files/disk/whole_file.ts";

/** A model's folder without its weights, with its tokenizer and chat template. */
export interface OpenedEncoder {
  /** Config, tokenizer and template, as they are in the model's folder. */
  readonly files: ModelFiles;
  /**
   * The files of the tokenizer: those of the model's folder, or of another folder that was named.
   */
  readonly tokenizerFiles: TokenizerFiles;
  /** Tokenizer and chat template, ready to use. */
  readonly encoder: Encoder;
}

/** Where the tokenizer and the chat template come from. */
export interface EncoderOptions extends ChatSettings {
  /** A folder, or a name on the hub of a model that was downloaded. */
  readonly model_name_or_path: string;
  /** Another folder with the tokenizer; null: the model's own tokenizer. */
  readonly tokenizer_name_or_path?: string | null;
  /**
   * Name of a template in `templates/`, path of a Jinja file, or Jinja text; null: the model's own
   * template.
   */
  readonly chat_template?: string | null;
  /** What answers end with, which must be so; null or undefined: whatever they end with. */
  readonly eos_token?: string | null;
  /**
   * An adapter's folder, whose own tokenizer and templates then win over the model's; undefined: no
   * adapter.
   */
  readonly adapter?: string | undefined;
}

/** Shipped templates lie beside the sources, at a URL. */
function pathOf(file: string | URL): string {
  return file instanceof URL ? fromFileUrl(file) : file;
}

/** A hash of everything that the tokens of a text depend on. */
async function identityOf(
  { path, tokenizerConfig, specialTokensMap }: TokenizerFiles,
  templates: Pick<NamedTexts, "text" | "toolText">,
  chat: readonly unknown[],
): Promise<string> {
  const { text, toolText } = templates;
  const state = [tokenizerConfig, specialTokensMap, text];
  if (toolText !== undefined) state.push(toolText);
  if (chat.some((one) => one !== undefined)) state.push({ chat });
  return startHash("sha256")
    .update(await disk().readFile(join(path, MODEL_FILE.tokenizer)))
    .update(JSON.stringify(state)).digest("hex");
}

/**
 * Opens a model's folder, its tokenizer and its chat template, if it has one.
 *
 * @throws {Error} with one line that names what is missing or broken and what to do
 */
export async function openEncoder(
  options: EncoderOptions,
): Promise<OpenedEncoder> {
  const files = await openModelFiles(
    await localModelFolder(options.model_name_or_path),
  );
  const own = options.adapter === undefined
    ? undefined
    : await openTokenizerFiles(options.adapter);
  const source = await tokenizerSource(options, files, own);
  const { tokenizerConfig, specialTokensMap } = source;
  const ownTokenizer = createTokenizer({
    tokenizer: await requireTokenizer(source),
    config: tokenizerConfig,
    specialTokensMap,
  });
  const texts = await templateTexts(
    options,
    hasTemplates(own) ? own : source,
  );
  const { text, toolText, name } = texts;
  const system = options.system ?? undefined;
  const variables = variablesOf(options);
  const ignoreEmptyThink = options.ignore_empty_think === true || undefined;
  const told = { system, ignoreEmptyThink };
  tellUnread(Object.keys(variables ?? {}), texts);
  const { specialTokens } = ownTokenizer;
  const template = text === undefined ? undefined : withVariables(
    createChatTemplate(text, { name, specialTokens, toolSource: toolText }),
    variables,
  );
  const tokenizer = withEndToken(ownTokenizer, options.eos_token, template);
  const isOther = tokenizer !== ownTokenizer;
  const identity = await identityOf(source, { text, toolText }, [
    system,
    variables,
    ignoreEmptyThink,
    ...isOther ? [tokenizer.eosToken] : [],
  ]);
  return {
    files,
    tokenizerFiles: source,
    encoder: { tokenizer, ...template && { template }, identity, ...told },
  };
}

/**
 * The tokenizer with the end token that was asked for.
 *
 * @throws {RangeError} if it is neither the tokenizer's own nor what the template closes answers
 *   with, so that answers would end with something else
 */
function withEndToken(
  tokenizer: Tokenizer,
  eosToken: string | null = null,
  template: ChatTemplate | undefined,
): Tokenizer {
  if (eosToken === null || eosToken === tokenizer.eosToken) return tokenizer;
  const eosTokenId = tokenizer.tokenId(eosToken);
  const end = template && findTurnFormat(template, tokenizer.eosToken)?.end;
  if (eosTokenId !== undefined && end?.trim() === eosToken) {
    return { ...tokenizer, eosToken, eosTokenId };
  }
  throw new RangeError(
    `Cannot end answers with eos_token "${eosToken}": ${
      eosTokenId === undefined
        ? "the tokenizer has no such token"
        : `the tokenizer's end token is ${shown(tokenizer.eosToken ?? null)}${
          end === undefined ? "" : `, the chat template's ${shown(end)}`
        }`
    }; leave it out, or name another chat_template, or change tokenizer_config.json`,
  );
}

/** Tells which variables the template's text does not name, so that they change nothing. */
function tellUnread(
  variables: readonly string[],
  { text = "", toolText = "" }: NamedTexts,
): void {
  const words = new Set(`${text} ${toolText}`.match(/[\p{L}\p{N}_]+/gu));
  const unread = variables.filter((variable) => !words.has(variable));
  if (unread.length === 0) return;
  tell(
    `the chat template does not read ${
      listed(unread.map((one) => `"${one}"`))
    }: it changes nothing`,
  );
}

/**
 * Where the tokenizer comes from: the folder that the options name, else the adapter's if it has a
 * tokenizer, else the model's. An adapter's that differs from its base's is told.
 */
async function tokenizerSource(
  { tokenizer_name_or_path: other = null }: EncoderOptions,
  files: ModelFiles,
  own: TokenizerFiles | undefined,
): Promise<TokenizerFiles> {
  if (other !== null) {
    return await openTokenizerFiles(await localModelFolder(other));
  }
  if (own?.tokenizer === undefined) return files;
  if (tokensOf(own) !== tokensOf(files)) {
    tell(
      `the adapter "${own.path}" has a tokenizer of its own, which differs from its base's: it is used`,
    );
  }
  return own;
}

/** What the ids of a text depend on, in a form that is the same however it was written. */
function tokensOf({ tokenizer = {} }: TokenizerFiles): string {
  const { padding: _, truncation: __, version: ___, ...rest } = tokenizer;
  // merges are texts in older files and pairs in newer ones
  return JSON.stringify(
    rest,
    (key, value) =>
      key === "merges" && Array.isArray(value)
        ? value.map((one) => Array.isArray(one) ? one.join(" ") : one)
        : value,
  );
}

/** Jinja texts of a chat template, and what messages call it. */
interface NamedTexts {
  /** Undefined: there is none. */
  readonly text: string | undefined;
  /** The text for conversations with tools; undefined: the same. */
  readonly toolText: string | undefined;
  readonly name: string;
}

/** The template that the options name, else that of a folder: the adapter's, else the model's. */
async function templateTexts(
  { chat_template: named = null }: EncoderOptions,
  { path, chatTemplate, namedTemplates = {} }: TokenizerFiles,
): Promise<NamedTexts> {
  if (named === null) {
    return {
      text: chatTemplate ?? namedTemplates["tool_use"],
      toolText: namedTemplates["tool_use"],
      name: join(path, "chat_template"),
    };
  }
  const only = (text: string, name: string) => ({
    text,
    toolText: undefined,
    name,
  });
  if (/\{[{%]/.test(named)) return only(named, "chat_template");
  const listed = Object.hasOwn(namedTemplates, named)
    ? namedTemplates[named]
    : undefined;
  return only(listed ?? await readText(pathOf(templateFile(named))), named);
}

function hasTemplates(
  files: TokenizerFiles | undefined,
): files is TokenizerFiles {
  return files?.chatTemplate !== undefined ||
    files?.namedTemplates !== undefined;
}

/**
 * Opens the tokenizer and the chat template of a tuned model. An adapter may bring
 * either; what it lacks is its base's.
 *
 * @param options.base folder or name of the base model
 * @param options.chat_template name or path of another template; null: the model's own
 * @throws {Error} as `openEncoder()` does
 */
export async function openTunedEncoder(
  tuned: TunedFolder,
  options: ChatSettings & {
    readonly base: string;
    readonly chat_template: string | null;
  },
): Promise<OpenedEncoder> {
  const { base, ...chat } = options;
  const file = (name: string) => join(tuned.path, name);
  if (tuned.kind === "adapter") {
    return await openEncoder({
      ...chat,
      model_name_or_path: base,
      adapter: tuned.path,
    });
  }
  return await openEncoder({
    ...chat,
    model_name_or_path: tuned.path,
    tokenizer_name_or_path: await isThere(file(MODEL_FILE.tokenizer))
      ? null
      : base,
  });
}
