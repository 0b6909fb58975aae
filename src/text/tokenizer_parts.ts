/**
 * Brings the package @huggingface/tokenizers to the ids of the library in Rust, from which models
 * were trained, where the two differ: parts of tokenizer.json are written in a form that both read
 * alike, or changed in the package's object. What neither does is refused by name.
 */
import { shown, worded } from "../base/shown.ts";
import type { Tokenizer as Engine } from "@huggingface/tokenizers";

type Json = Readonly<Record<string, unknown>>;

/** Rust's `is_punctuation`: ASCII's marks and Unicode's. */
const PUNCTUATION = String.raw`[!-/:-@\[-\x60{-~\p{P}]`;

/**
 * A pre-tokenizer whose cuts both libraries make alike.
 *
 * @throws {TypeError} naming a way of cutting that is not served
 */
export function alikePreTokenizer(part: unknown): unknown {
  if (typeof part !== "object" || part === null) return part;
  const json = part as Json;
  const { type, behavior = "Isolated", pattern, invert } = json;
  if (type === "Sequence" && Array.isArray(json["pretokenizers"])) {
    return {
      ...json,
      pretokenizers: json["pretokenizers"].map(alikePreTokenizer),
    };
  }
  if (type === "Digits") {
    // Rust cuts at every \p{N}, the package at 0 to 9
    return splitAt(
      String.raw`\p{N}`,
      json["individual_digits"] === true ? "Isolated" : "Contiguous",
    );
  }
  if (type === "Punctuation") return splitAt(PUNCTUATION, worded(behavior));
  const other = otherCuts(json);
  if (other !== undefined) return other;
  if (type !== "Split") return part;
  const { Regex, String: text } = (pattern ?? {}) as Json;
  const expression = typeof Regex === "string" ? Regex : escaped(worded(text));
  if (behavior === "Isolated" && !invert && typeof Regex === "string") {
    return part;
  }
  return splitAt(expression, worded(behavior), invert === true);
}

const SPACE = String.raw`\p{White_Space}`;
/** \w of the library's own expressions. */
const WORDS = String.raw`\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}`;

/** Cuts of other types as cuts by an expression; undefined if the package makes them alike. */
function otherCuts({ type, ...json }: Json): unknown {
  const sequence = (...pretokenizers: unknown[]) => ({
    type: "Sequence",
    pretokenizers,
  });
  switch (type) {
    // JavaScript's white space has U+FEFF and lacks U+0085, and its \w is ASCII's
    case "WhitespaceSplit":
      return splitAt(`${SPACE}+`, "Removed");
    case "Whitespace":
      return splitAt(`[${WORDS}]+|[^${WORDS}${SPACE}]+`, "Removed", true);
    case "BertPreTokenizer":
      return sequence(
        splitAt(`${SPACE}+`, "Removed"),
        splitAt(PUNCTUATION, "Isolated"),
      );
    case "CharDelimiterSplit":
      return splitAt(escaped(worded(json["delimiter"])), "Removed");
    case "Metaspace": {
      // the package marks the spaces and does not cut there
      const { replacement = "\u2581", split = true } = json;
      const mark = escaped(worded(replacement));
      return split === false ? undefined : sequence(
        { type, ...json, split: false },
        splitAt(mark, "MergedWithNext"),
      );
    }
  }
  return undefined;
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|\-/]/g, "\\$&");
}

/** A normalizer or decoder whose replacements are taken as they are written. */
export function alikeReplacements(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(alikeReplacements);
  if (typeof part !== "object" || part === null) return part;
  const json = part as Json;
  const { type, content } = json;
  if (type === "Replace" && typeof content === "string") {
    return { ...json, content: content.replaceAll("$", "$$$$") };
  }
  const lists = ["normalizers", "decoders"].filter((key) => key in json);
  return {
    ...json,
    ...Object.fromEntries(
      lists.map((key) => [key, alikeReplacements(json[key])]),
    ),
  };
}

/** A cut by an expression in the forms that the package has: at each match, or dropping some. */
function splitAt(expression: string, behavior: string, invert = false): Json {
  const cut = (Regex: string, behavior = "Isolated", invert = false) => ({
    type: "Split",
    pattern: { Regex },
    behavior,
    invert,
  });
  const match = `(?:${expression})`;
  const others = String.raw`(?:(?!${match})[\s\S])*`;
  // the end of a text without a match is taken as a whole, not tried from each of its characters
  const before = String.raw`(?:${others}${match}|(?:(?!${match})[\s\S])+$)`;
  // an inverted cut takes the texts between the matches for the matches
  switch (behavior) {
    case "Isolated":
      return cut(expression);
    case "Contiguous":
      return cut(`${match}+`);
    case "MergedWithPrevious":
      return cut(invert ? match + others : before);
    case "MergedWithNext":
      return cut(invert ? before : match + others);
    case "Removed":
      if (invert || !/(?<!\\)\((?!\?)/.test(expression)) {
        return cut(expression, "Removed", invert);
      }
  }
  throw new TypeError(
    `Cannot read tokenizer.json: a pre-tokenizer cuts at "${expression}" with behavior "${behavior}", which is not served; expected Isolated, Contiguous, MergedWithPrevious, MergedWithNext, or Removed without groups`,
  );
}

/** @throws {TypeError} naming a setting of the model that is not served */
function refuseSettings({ type, dropout, ...model }: Json): void {
  if (typeof dropout === "number" && dropout > 0) {
    throw new TypeError(
      `Cannot read tokenizer.json: "model.dropout" is ${
        shown(dropout)
      }, by which a text has other tokens each time, expected null`,
    );
  }
  const prefix = model["continuing_subword_prefix"] ?? "";
  if (type === "BPE" && prefix !== "") {
    throw new TypeError(
      `Cannot read tokenizer.json: "model.continuing_subword_prefix" is ${
        JSON.stringify(prefix)
      } in a BPE, which is not served, expected null`,
    );
  }
}

/**
 * Changes the package's object where its ids or texts differ from Rust's.
 *
 * @throws {TypeError} naming a setting that is not served
 */
export function makeAlike(engine: Engine, model: Json): void {
  refuseSettings(model);
  const parts = engine as unknown as Parts;
  const { pre_tokenizer: cuts } = parts;
  for (const cut of [cuts, ...cuts?.tokenizers ?? []]) {
    if (cut?.config?.type === "ByteLevel") cut.pattern = GPT2;
  }
  if (model["type"] === "Unigram" && model["byte_fallback"] === true) {
    fallBackToBytes(parts);
  }
  if (parts.model.fuse_unk) fuseWithinPieces(parts);
  if (parts.added_tokens.some(({ single_word }) => single_word)) {
    for (
      const splitter of [parts.splitter_unnormalized, parts.splitter_normalized]
    ) keepWords(splitter, parts.added_tokens_map);
  }
  const { decoder } = parts;
  for (const one of [decoder, ...decoder?.decoders ?? []]) {
    if (one?.config?.type === "ByteFallback") one.decode_chain = decodeBytes;
    if (one?.config?.type === "Metaspace") keepFirstSpace(one);
  }
}

/** What is changed of the package's object; its types do not tell these. */
interface Parts {
  readonly model: {
    readonly tokens_to_ids: ReadonlyMap<string, number>;
    readonly unk_token_id: number | undefined;
    fuse_unk: boolean;
    encode: (tokens: string[]) => string[];
  };
  readonly pre_tokenizer: (Cut & { readonly tokenizers?: Cut[] }) | null;
  readonly added_tokens: readonly { readonly single_word: boolean }[];
  readonly added_tokens_map: ReadonlyMap<
    string,
    { readonly single_word: boolean }
  >;
  readonly splitter_unnormalized: Splitter;
  readonly splitter_normalized: Splitter;
  readonly decoder: (Decoder & { readonly decoders?: Decoder[] }) | null;
}

interface Splitter {
  split: (text: string) => string[];
}

interface Cut {
  readonly config?: { readonly type?: string };
  pattern: RegExp;
}

/** The expression of ByteLevel, by Unicode's white space. */
const GPT2 =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

interface Decoder {
  readonly config?: {
    readonly type?: string;
    readonly replacement?: string;
    readonly prepend_scheme?: string;
    readonly add_prefix_space?: boolean;
  };
  decode_chain: (tokens: string[]) => string[];
}

/** A piece that the vocabulary lacks becomes its bytes, if there is a token for each of them. */
function fallBackToBytes({ model }: Parts): void {
  const encode = model.encode.bind(model);
  const encoder = new TextEncoder();
  const isKnown = (token: string) => model.tokens_to_ids.has(token);
  model.encode = (tokens) =>
    encode(tokens).flatMap((token) => {
      if (isKnown(token)) return [token];
      const bytes = Array.from(encoder.encode(token), (byte) =>
        `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`);
      return bytes.every(isKnown) ? bytes : [token];
    });
}

/** Unknown characters become one unknown token within a piece; the package joins pieces too. */
function fuseWithinPieces({ model }: Parts): void {
  const encode = model.encode.bind(model);
  const { unk_token_id: unknown, tokens_to_ids: ids } = model;
  const isUnknown = (token: string | undefined) =>
    token !== undefined && (ids.get(token) ?? unknown) === unknown;
  model.fuse_unk = false;
  model.encode = (pieces) =>
    pieces.flatMap((piece) =>
      encode([piece]).filter((token, i, all) =>
        !(isUnknown(token) && isUnknown(all[i - 1]))
      )
    );
}

/** A first space is the text's own where none is put before it. */
function keepFirstSpace(decoder: Decoder): void {
  const { replacement = "\u2581", prepend_scheme, add_prefix_space } =
    decoder.config ?? {};
  const isOwn = prepend_scheme === "never" ||
    prepend_scheme === undefined && add_prefix_space === false;
  if (!isOwn) return;
  decoder.decode_chain = (tokens) =>
    tokens.map((token) => token.replaceAll(replacement, " "));
}

/** A letter, mark, digit or underscore, as \w of Rust's expressions. */
const WORD = `[${WORDS}]`;
const ENDS_IN_WORD = new RegExp(`${WORD}$`, "u");
const BEGINS_WITH_WORD = new RegExp(`^${WORD}`, "u");

/** A token with `single_word` is none where a letter or digit touches it. */
function keepWords(
  splitter: Splitter,
  added: Parts["added_tokens_map"],
): void {
  const split = splitter.split.bind(splitter);
  splitter.split = (text) => {
    const sections: string[] = [];
    let [at, joins] = [0, false];
    for (const section of split(text)) {
      const token = added.get(section);
      const end = at + section.length;
      const isInWord = token?.single_word &&
        (ENDS_IN_WORD.test(text.slice(Math.max(0, at - 2), at)) ||
          BEGINS_WITH_WORD.test(text.slice(end, end + 2)));
      const isPlain = !token || isInWord;
      if (isPlain && joins) sections.push(sections.pop()! + section);
      else sections.push(section);
      joins = isPlain === true;
      at = end;
    }
    return sections;
  };
}

/** Bytes that are no UTF-8 become a replacement character each, as in Rust. */
function decodeBytes(tokens: string[]): string[] {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const texts: string[] = [];
  let bytes: number[] = [];
  const flush = () => {
    if (bytes.length === 0) return;
    try {
      texts.push(decoder.decode(Uint8Array.from(bytes)));
    } catch {
      texts.push("\ufffd".repeat(bytes.length));
    }
    bytes = [];
  };
  for (const token of tokens) {
    const byte = /^<0x([0-9A-Fa-f]{2})>$/.exec(token)?.[1];
    if (byte !== undefined) bytes.push(parseInt(byte, 16));
    else {
      flush();
      texts.push(token);
    }
  }
  flush();
  return texts;
}
