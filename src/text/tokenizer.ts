/**
 * Turns text into token ids and back, by a model's tokenizer.json and tokenizer_config.json. The
 * package @huggingface/tokenizers does the work. Knows no model and reads no file.
 */
import { Tokenizer as Engine } from "@huggingface/tokenizers";

import { listed, shown, worded } from "../base/shown.ts";
import { withBoundedCuts } from "./tokenizer_expressions.ts";
import { checkTokenizerShape } from "./tokenizer_shape.ts";
import {
  alikePreTokenizer,
  alikeReplacements,
  makeAlike,
} from "./tokenizer_parts.ts";

/** How a text becomes ids. */
export interface EncodeOptions {
  /**
   * Adds the special tokens that the tokenizer puts around plain text, usually a BOS. Default
   * false.
   */
  readonly addSpecialTokens?: boolean;
}

/** How ids become text. */
export interface DecodeOptions {
  /** Leaves out BOS, EOS, turn marks and the like. Default false. */
  readonly skipSpecialTokens?: boolean;
}

/** A tokenizer that is ready to use. */
export interface Tokenizer {
  /** Text to ids. Special tokens written out in the text become their ids. */
  encode(text: string, options?: EncodeOptions): number[];
  /** Ids to text; ids outside the vocabulary print nothing, as in transformers. */
  decode(ids: readonly number[], options?: DecodeOptions): string;
  /** The id of one whole token, written as in the vocabulary; undefined if there is none. */
  tokenId(token: string): number | undefined;
  /** Highest id + 1: the rows that an embedding needs at least. */
  readonly vocabSize: number;
  /**
   * Texts of the named special tokens, `bos_token`, `eos_token`, ...: what a chat template is
   * given.
   */
  readonly specialTokens: Readonly<Record<string, string>>;
  /** Text of the token that begins a text. */
  readonly bosToken: string | undefined;
  /** Text of the token that ends an answer. */
  readonly eosToken: string | undefined;
  /** Text of the padding token. Batches here are never padded; other programs read this token. */
  readonly padToken: string | undefined;
  /** Id of `bosToken`. */
  readonly bosTokenId: number | undefined;
  /** Id of `eosToken`. */
  readonly eosTokenId: number | undefined;
  /** Id of `padToken`. */
  readonly padTokenId: number | undefined;
}

/** The parsed files that make a tokenizer. */
export interface TokenizerJson {
  /** The parsed tokenizer.json. */
  readonly tokenizer: Readonly<Record<string, unknown>>;
  /** The parsed tokenizer_config.json. */
  readonly config?: Readonly<Record<string, unknown>> | undefined;
  /** The parsed special_tokens_map.json: it fills in what the config does not say. */
  readonly specialTokensMap?: Readonly<Record<string, unknown>> | undefined;
}

const NAMED = ["bos", "eos", "unk", "sep", "pad", "cls", "mask"];

function tokenText(entry: unknown): string | undefined {
  if (typeof entry === "string") return entry;
  const { content } = (entry ?? {}) as { content?: unknown };
  return typeof content === "string" ? content : undefined;
}

function namedTokens(files: TokenizerJson): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of NAMED.map((short) => `${short}_token`)) {
    // A null in the config means that there is no such token; an absent key leaves it to the map.
    const entry = files.config && name in files.config
      ? files.config[name]
      : files.specialTokensMap?.[name];
    const text = tokenText(entry);
    if (text !== undefined) found[name] = text;
  }
  return found;
}

/**
 * Kinds of vocabulary that the package has; undefined is the kind of older files, which name none.
 */
const MODEL_TYPES: readonly unknown[] = [
  "BPE",
  "Unigram",
  "WordPiece",
  undefined,
];

function refuseForeign(tokenizer: Readonly<Record<string, unknown>>): void {
  const { model } = tokenizer;
  if (typeof model !== "object" || model === null) {
    const keys = listed(Object.keys(tokenizer).map(shown), ", ");
    throw new TypeError(
      `Cannot read tokenizer.json: "model" is missing, found keys ${keys}`,
    );
  }
  const { type } = model as { type?: unknown };
  if (!MODEL_TYPES.includes(type)) {
    throw new TypeError(
      `Cannot read tokenizer.json: "model.type" is ${
        shown(type)
      }, expected "BPE", "Unigram" or "WordPiece"`,
    );
  }
}

function engineOf(files: TokenizerJson): Engine {
  refuseForeign(files.tokenizer);
  checkTokenizerShape(files.tokenizer);
  const absent = {
    decoder: null,
    post_processor: null,
    pre_tokenizer: null,
    normalizer: null,
  };
  const { tokenizer } = files;
  const part = (name: string) => withBoundedCuts(tokenizer[name] ?? null);
  const [normalizer, decoder] = [part("normalizer"), part("decoder")];
  const pre_tokenizer = alikePreTokenizer(part("pre_tokenizer"));
  try {
    const engine = new Engine(
      {
        added_tokens: [],
        ...absent,
        ...tokenizer,
        pre_tokenizer,
        normalizer: alikeReplacements(normalizer),
        decoder: alikeReplacements(decoder),
      },
      { ...files.config, clean_up_tokenization_spaces: false },
    );
    makeAlike(engine, tokenizer["model"] as Record<string, unknown>);
    return engine;
  } catch (error) {
    const start = "Cannot read tokenizer.json: ";
    if (error instanceof Error && error.message.startsWith(start)) throw error;
    throw new TypeError(start + faultIn(error), { cause: error });
  }
}

/** What is wrong, by an error of the package; the language's own say nothing about the file. */
function faultIn(error: unknown): string {
  const said = error instanceof Error ? error.message : worded(error);
  if (error instanceof SyntaxError) {
    const fault = said.replace(/^Invalid regular expression: /, "");
    return `an expression cannot be read, ${fault}`;
  }
  return error instanceof TypeError || error instanceof RangeError
    ? "a part of it has another shape than in published tokenizers"
    : said;
}

/**
 * How many pieces of text are remembered with their tokens, and the longest such piece in
 * characters: some tokenizers take a whole text as one piece.
 */
const CACHED_PIECES = 200_000;
const CACHED_LENGTH = 128;

/**
 * The package remembers the tokens of 10,000 pieces and moves each hit to the end of its map, which
 * costs more than it saves: with a plain map the second pass over a text is 14 times faster.
 */
function rememberMore(model: Engine["model"]): void {
  if (model === null || !("cache" in model)) return;
  const known = new Map<string, unknown>();
  model.cache = {
    get: (piece: string) => known.get(piece),
    put(piece: string, tokens: unknown) {
      if (piece.length > CACHED_LENGTH) return;
      if (known.size >= CACHED_PIECES) known.clear();
      known.set(piece, tokens);
    },
    clear: () => known.clear(),
  };
}

function vocabSizeOf(engine: Engine): number {
  let highest = -1;
  for (const id of engine.get_vocab(true).values()) {
    highest = Math.max(highest, id);
  }
  return highest + 1;
}

/**
 * Makes a tokenizer from the parsed files of a model folder.
 *
 * @throws {TypeError} if tokenizer.json is not a tokenizer, or names a part that the package does
 *   not have
 */
export function createTokenizer(files: TokenizerJson): Tokenizer {
  const engine = engineOf(files);
  rememberMore(engine.model);
  const specialTokens = namedTokens(files);
  const idOf = (name: string): number | undefined => {
    const text = specialTokens[name];
    return text === undefined ? undefined : engine.token_to_id(text);
  };
  return {
    encode: (text, { addSpecialTokens = false } = {}) =>
      encode(engine, text, addSpecialTokens),
    decode(ids, { skipSpecialTokens = false } = {}) {
      const known = ids.filter((id) => engine.id_to_token(id) !== undefined);
      if (known.length === 0) return "";
      return run(
        () => engine.decode(known, { skip_special_tokens: skipSpecialTokens }),
        () => `Cannot decode ${known.length} tokens`,
      );
    },
    tokenId: (token) => engine.token_to_id(token),
    vocabSize: vocabSizeOf(engine),
    specialTokens,
    bosToken: specialTokens.bos_token,
    eosToken: specialTokens.eos_token,
    padToken: specialTokens.pad_token,
    bosTokenId: idOf("bos_token"),
    eosTokenId: idOf("eos_token"),
    padTokenId: idOf("pad_token"),
  };
}

/** Runs the package; the language's errors are told as a fault of tokenizer.json. */
function run<T>(work: () => T, what: () => string): T {
  try {
    return work();
  } catch (error) {
    const fault = `with this tokenizer.json: ${faultIn(error)}`;
    throw new TypeError(`${what()} ${fault}`, { cause: error });
  }
}

function encode(
  engine: Engine,
  text: string,
  addSpecialTokens: boolean,
): number[] {
  const fault = () => `Cannot tokenize "${text.slice(0, 40)}"`;
  const { ids, tokens } = run(
    () => engine.encode(text, { add_special_tokens: addSpecialTokens }),
    fault,
  );
  // the package leaves an id empty where it knows none, and the token too if that is unk_token
  const lost = ids.findIndex((id) => !(Number.isInteger(id) && id >= 0));
  if (lost >= 0) {
    const token: unknown = tokens[lost];
    const piece = typeof token === "string"
      ? `token ${shown(token)}`
      : "a word";
    throw new RangeError(
      `${fault()}: ${piece} is not in the vocabulary, and there is no unk_token`,
    );
  }
  return ids;
}
