/**
 * Finds llama.cpp's name for the pre-tokenizer of a byte-level BPE, which cuts a text before tokens
 * are merged. It is recognized by its exact regular expression, since a similar one would give
 * other tokens.
 */
import { own } from "../../base/own.ts";
import type { JsonObject } from "../disk/json_file.ts";

/**
 * The regular expression of GPT-4's kind: contractions, words with one sign before them, runs of
 * signs, line ends, spaces. The part for digits is an argument.
 */
const wordwise = (digits: string) =>
  String
    .raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|${digits}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;

/** Descriptions of pre-tokenizers (`split REGEX`, `digits`, `gpt2`) -> llama.cpp's names. */
const NAMES: Readonly<Record<string, string>> = {
  [`split ${wordwise(String.raw`\p{N}`)}`]: "qwen2",
  [`split ${wordwise(String.raw`\p{N}{1,3}`)}`]: "smaug-bpe",
  "gpt2": "gpt-2",
  "digits + gpt2": "smollm",
};

/** Names that apply if a whole word that is a token is taken without merging, as in Llama 3. */
const WHOLE_WORDS: Readonly<Record<string, string>> = {
  "smaug-bpe": "llama-bpe",
};

/**
 * The name of a pre-tokenizer.
 *
 * @param wholeWords `ignore_merges` of tokenizer.json
 * @throws TypeError naming the pre-tokenizer that was found
 */
export function preTokenizerName(
  json: JsonObject,
  wholeWords: boolean,
): string {
  const parts = json["type"] === "Sequence"
    ? json["pretokenizers"] as JsonObject[]
    : [json];
  const found = parts.map(partName).filter((part) => part !== "").join(" + ");
  const plain = own(NAMES, found);
  const name = plain !== undefined && wholeWords ? WHOLE_WORDS[plain] : plain;
  if (name !== undefined) return name;
  throw new TypeError(
    `Cannot export tokenizer: llama.cpp's name for its pre-tokenizer "${found}"${
      wholeWords ? " with ignore_merges" : ""
    } is not known, served are ${
      [...Object.values(NAMES), ...Object.values(WHOLE_WORDS)].join(", ")
    }`,
  );
}

function partName(part: JsonObject): string {
  const { type, pattern, behavior, invert } = part;
  if (type === "ByteLevel" && part["add_prefix_space"] !== true) {
    return part["use_regex"] === false ? "" : "gpt2";
  }
  if (type === "Digits" && part["individual_digits"] === true) return "digits";
  const { Regex } = (pattern ?? {}) as { Regex?: string };
  if (type === "Split" && behavior === "Isolated" && !invert && Regex) {
    return `split ${Regex}`;
  }
  return JSON.stringify(part);
}
