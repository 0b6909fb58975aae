/**
 * Translates a tokenizer.json into the metadata from which llama.cpp builds its own tokenizer:
 * byte-level BPE ("gpt2") with the name of a pre-tokenizer, or SentencePiece's BPE ("llama") with
 * scores. A tokenizer for which llama.cpp would make other tokens is refused.
 */
import { worded } from "../../base/shown.ts";
import type { GgufValue } from "./gguf.ts";
import { preTokenizerName } from "./gguf_pre_tokenizers.ts";
import { sentencePieceScores } from "./gguf_scores.ts";
import type { JsonObject } from "../disk/json_file.ts";
import type { ModelFiles } from "../folders/model_folder.ts";

/** llama.cpp's numbers for the types of tokens. */
const TOKEN_TYPES = {
  normal: 1,
  unknown: 2,
  control: 3,
  userDefined: 4,
  unused: 5,
  byte: 6,
} as const;

/** The vocabulary of a tokenizer.json, by id. */
interface Vocabulary {
  readonly tokens: string[];
  readonly types: number[];
}

/** The parts of a tokenizer.json that are read here. */
interface TokenizerJson {
  readonly added_tokens?: readonly {
    readonly id: number;
    readonly content: string;
    readonly special: boolean;
  }[];
  readonly normalizer?: JsonObject | null;
  readonly pre_tokenizer?: JsonObject | null;
  readonly post_processor?: JsonObject | null;
  readonly model: {
    readonly type?: string;
    readonly vocab: Readonly<Record<string, number>>;
    readonly merges?: readonly (string | readonly [string, string])[];
    readonly byte_fallback?: boolean;
    readonly ignore_merges?: boolean;
    readonly unk_token?: string | null;
  };
}

/** The metadata of a tokenizer, with what a chat template must know about it. */
export interface GgufTokenizer {
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** Whether llama.cpp itself puts the BOS token before every text. */
  readonly addsBos: boolean;
}

/**
 * Translates a tokenizer.
 *
 * @param rows number of rows of the embedding; a row without a token gets an unused one, and tokens
 *   beyond the rows are left out
 * @throws TypeError or RangeError with one line if llama.cpp would make other tokens
 */
export function ggufTokenizer(files: ModelFiles, rows: number): GgufTokenizer {
  const json = files.tokenizer as unknown as TokenizerJson | undefined;
  if (json?.model?.vocab === undefined || json.model.type !== "BPE") {
    throw new TypeError(
      `Cannot export the tokenizer of "${files.path}": its model is ${
        JSON.stringify(json?.model?.type ?? null)
      }, expected "BPE" in tokenizer.json`,
    );
  }
  const vocabulary = readVocabulary(json, rows);
  const addsBos = beginsWithBos(json, files);
  const metadata = new Map<string, GgufValue>([
    ...(json.model.byte_fallback
      ? sentencePiece(json, vocabulary, rows)
      : byteLevel(json, rows)),
    ["tokens", { type: "string", list: vocabulary.tokens }],
    ["token_type", { type: "int32", list: vocabulary.types }],
    ...specialIds(json, files, rows),
    ["add_bos_token", { type: "bool", value: addsBos }],
    ["add_eos_token", { type: "bool", value: false }],
  ]);
  const named = new Map<string, GgufValue>(
    [...metadata].map(([key, value]) => [`tokenizer.ggml.${key}`, value]),
  );
  if (files.chatTemplate !== undefined) {
    named.set("tokenizer.chat_template", {
      type: "string",
      value: files.chatTemplate,
    });
  }
  const others = Object.entries(files.namedTemplates ?? {});
  if (others.length > 0) {
    const list = others.map(([name]) => name);
    named.set("tokenizer.chat_templates", { type: "string", list });
  }
  for (const [name, value] of others) {
    named.set(`tokenizer.chat_template.${name}`, { type: "string", value });
  }
  return { metadata: named, addsBos };
}

type Entries = [string, GgufValue][];

function byteLevel(json: TokenizerJson, rows: number): Entries {
  const { normalizer } = json;
  if (normalizer && normalizer["type"] !== "NFC") {
    throw new TypeError(
      `Cannot export tokenizer: normalizer "${
        normalizer["type"]
      }" of byte-level BPE has no like in GGUF, expected NFC or none`,
    );
  }
  const merges = mergesOf(json, rows).map(([a, b]) => `${a} ${b}`);
  return [
    ["model", { type: "string", value: "gpt2" }],
    ["pre", {
      type: "string",
      value: preTokenizerName(
        json.pre_tokenizer ?? {},
        json.model.ignore_merges === true,
      ),
    }],
    ["merges", { type: "string", list: merges }],
  ];
}

function sentencePiece(
  json: TokenizerJson,
  vocabulary: Vocabulary,
  rows: number,
): Entries {
  const { tokens, types } = vocabulary;
  const isNormal = types.map((type) => type === TOKEN_TYPES.normal);
  return [
    ["model", { type: "string", value: "llama" }],
    ["pre", { type: "string", value: "default" }],
    ["scores", {
      type: "float32",
      list: sentencePieceScores(tokens, isNormal, mergesOf(json, rows)),
    }],
    ["add_space_prefix", { type: "bool", value: prependsSpace(json) }],
  ];
}

/** The merges whose tokens have a row. */
function mergesOf({ model }: TokenizerJson, rows: number): [string, string][] {
  return (model.merges ?? []).map((merge): [string, string] => {
    const [a = "", b = ""] = typeof merge === "string"
      ? merge.split(" ")
      : merge;
    return [a, b];
  }).filter((pair) => !(model.vocab[pair.join("")]! >= rows));
}

function readVocabulary(json: TokenizerJson, rows: number): Vocabulary {
  const { vocab, unk_token, byte_fallback } = json.model;
  const tokens = Array.from({ length: rows }, (_, id) => `[PAD${id}]`);
  const types = tokens.map((): number => TOKEN_TYPES.unused);
  const put = (id: number, token: string, type: number) => {
    if (id >= rows) return; // the model cannot read it: llama.cpp's converter leaves it out too
    tokens[id] = token;
    types[id] = type;
  };
  for (const [token, id] of Object.entries(vocab)) {
    const isByte = byte_fallback && /^<0x[0-9A-F]{2}>$/.test(token);
    put(id, token, isByte ? TOKEN_TYPES.byte : TOKEN_TYPES.normal);
  }
  for (const { id, content, special } of json.added_tokens ?? []) {
    put(id, content, special ? TOKEN_TYPES.control : TOKEN_TYPES.userDefined);
  }
  const unknown = unk_token == null ? undefined : vocab[unk_token];
  if (unknown !== undefined && byte_fallback) {
    types[unknown] = TOKEN_TYPES.unknown;
  }
  return { tokens, types };
}

/** The ids of the named special tokens, from the tokenizer or else from the config. */
function specialIds(
  json: TokenizerJson,
  files: ModelFiles,
  rows: number,
): Entries {
  const added = new Map(
    json.added_tokens?.map(({ content, id }) => [content, id]),
  );
  const entries: Entries = [];
  const names = { bos: "bos", eos: "eos", unk: "unknown", pad: "padding" };
  for (const [short, name] of Object.entries(names)) {
    const text = tokenText(files, `${short}_token`);
    const configured = [files.config[`${short}_token_id`]].flat()[0];
    const id = text === undefined
      ? configured
      : added.get(text) ?? json.model.vocab[text];
    if (typeof id !== "number" || id >= rows) continue;
    entries.push([`${name}_token_id`, { type: "uint32", value: id }]);
  }
  return entries;
}

function tokenText(files: ModelFiles, name: string): string | undefined {
  const entry = files.tokenizerConfig && name in files.tokenizerConfig
    ? files.tokenizerConfig[name]
    : files.specialTokensMap?.[name];
  const text = typeof entry === "object" && entry !== null
    ? (entry as { content?: unknown }).content
    : entry;
  return typeof text === "string" ? text : undefined;
}

/**
 * Whether plain text gets the BOS token, by the tokenizer's post-processor or else by the config.
 */
function beginsWithBos(json: TokenizerJson, files: ModelFiles): boolean {
  const bos = tokenText(files, "bos_token");
  if (bos === undefined) return false;
  const post = json.post_processor ?? {};
  const all = [post, ...(post["processors"] as JsonObject[] | undefined ?? [])];
  const template = all.find(({ type }) => type === "TemplateProcessing");
  if (!template) return files.tokenizerConfig?.["add_bos_token"] === true;
  const [first] = template["single"] as {
    readonly SpecialToken?: { readonly id: string };
  }[];
  return first?.SpecialToken?.id === bos;
}

/**
 * Whether a text begins as if a space stood before it. @throws TypeError for what SentencePiece
 * does not do
 */
function prependsSpace(json: TokenizerJson): boolean {
  const { normalizer, pre_tokenizer } = json;
  const parts = [
    ...(normalizer?.["type"] === "Sequence"
      ? normalizer["normalizers"] as JsonObject[]
      : normalizer
      ? [normalizer]
      : []),
    ...(pre_tokenizer ? [pre_tokenizer] : []),
  ];
  const served = ["Prepend", "Replace", "Metaspace", "Split"];
  const others = parts.filter(({ type }) => !served.includes(worded(type)));
  if (others.length > 0) {
    throw new TypeError(
      `Cannot export tokenizer: "${
        others.map(({ type }) => type).join('", "')
      }" of SentencePiece's BPE has no like in GGUF, expected ${
        served.join(", ")
      }`,
    );
  }
  return parts.some(({ type, prepend_scheme, add_prefix_space }) =>
    type === "Prepend" ||
    type === "Metaspace" && prepend_scheme !== "never" &&
      add_prefix_space !== false
  );
}
