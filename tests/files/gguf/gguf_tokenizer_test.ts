/** Tokenizers as llama.cpp is told of them, and those that it would take for another. */
import { assertEquals, assertThrows } from "@std/assert";
import { preTokenizerName } from "../../../src/files/gguf/gguf_pre_tokenizers.ts";
import { sentencePieceScores } from "../../../src/files/gguf/gguf_scores.ts";
import { ggufTokenizer } from "../../../src/files/gguf/gguf_tokenizer.ts";
import type { JsonObject } from "../../../src/files/disk/json_file.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

const QWEN2 = String
  .raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;
const LLAMA3 = QWEN2.replace(String.raw`|\p{N}|`, String.raw`|\p{N}{1,3}|`);

const split = (Regex: string) => ({
  type: "Sequence",
  pretokenizers: [
    { type: "Split", pattern: { Regex }, behavior: "Isolated", invert: false },
    { type: "ByteLevel", add_prefix_space: false, use_regex: false },
  ],
});
const byteLevel = { type: "ByteLevel", add_prefix_space: false };
const digits = { type: "Digits", individual_digits: true };

test(
  "preTokenizerName() knows a cut by its regular expression",
  pure,
  () => {
    assertEquals(preTokenizerName(split(QWEN2), false), "qwen2");
    assertEquals(preTokenizerName(split(LLAMA3), true), "llama-bpe");
    assertEquals(preTokenizerName(split(LLAMA3), false), "smaug-bpe");
    assertEquals(preTokenizerName(byteLevel, false), "gpt-2");
    const both = { type: "Sequence", pretokenizers: [digits, byteLevel] };
    assertEquals(preTokenizerName(both, false), "smollm");
  },
);

test(
  "preTokenizerName() refuses a cut that it does not know, in words",
  pure,
  () => {
    const refused = (json: JsonObject, whole: boolean, found: string) =>
      assertThrows(() => preTokenizerName(json, whole), TypeError, found);
    refused(split("a+"), false, '"split a+" is not known');
    refused(split(QWEN2), true, "with ignore_merges is not known");
    refused({ ...byteLevel, add_prefix_space: true }, false, "ByteLevel");
  },
);

const TOKENS = ["a", "b", "c", "ab", "abc"];
const all = TOKENS.map(() => true);

test(
  "sentencePieceScores() ranks tokens by their first merge, others below",
  pure,
  () => {
    const merges: [string, string][] = [["a", "b"], ["ab", "c"]];
    const scores = sentencePieceScores(
      ["<s>", ...TOKENS],
      [false, ...all],
      merges,
    );
    assertEquals(scores, [0, -3, -4, -5, 0, -1].map((x) => x + 0));
  },
);

test(
  "sentencePieceScores() refuses merges that no score tells",
  pure,
  () => {
    const scores = (tokens: string[], merges: [string, string][]) => () =>
      sentencePieceScores(tokens, tokens.map(() => true), merges);
    assertThrows(
      scores([...TOKENS, "bc"], [["a", "b"], ["ab", "c"], ["b", "c"]]),
      RangeError,
      'never join "a" and "bc"',
    );
    assertThrows(
      scores([...TOKENS, "bc"], [
        ...[["ab", "c"], ["b", "c"], ["a", "bc"], ["a", "b"]] as [
          string,
          string,
        ][],
      ]),
      RangeError,
      'that make "bc" stand among those of others',
    );
  },
);

const vocab = { a: 0, b: 1, ab: 2, "<unk>": 3, "<0x0A>": 4 };
const added_tokens = [
  { id: 5, content: "<s>", special: true },
  { id: 6, content: "<think>", special: false },
];

function files(tokenizer: JsonObject, tokenizerConfig: JsonObject = {}) {
  return {
    path: "x",
    tokenizer,
    tokenizerConfig,
    chatTemplate: "{{ x }}",
    config: { eos_token_id: [6, 5] },
  };
}

/** The value of a key, whatever its type. */
function valueOf(found: ReturnType<typeof ggufTokenizer>, key: string) {
  const value = found.metadata.get(`tokenizer.ggml.${key}`);
  return value && ("list" in value ? value.list : value.value);
}

test(
  "ggufTokenizer() tells tokens, their kinds and special ids of byte-level BPE",
  pure,
  () => {
    const found = ggufTokenizer(
      files({
        added_tokens,
        pre_tokenizer: split(QWEN2),
        model: { type: "BPE", vocab, merges: ["a b"] },
      }, { bos_token: { content: "<s>" }, add_bos_token: true }),
      8,
    );
    assertEquals(valueOf(found, "model"), "gpt2");
    assertEquals(valueOf(found, "pre"), "qwen2");
    assertEquals(valueOf(found, "merges"), ["a b"]);
    assertEquals(valueOf(found, "tokens"), [
      "a",
      "b",
      "ab",
      "<unk>",
      "<0x0A>",
      "<s>",
      "<think>",
      "[PAD7]",
    ]);
    assertEquals(valueOf(found, "token_type"), [1, 1, 1, 1, 1, 3, 4, 5]);
    assertEquals(valueOf(found, "bos_token_id"), 5);
    assertEquals(valueOf(found, "eos_token_id"), 6); // config.json's first
    assertEquals([found.addsBos, valueOf(found, "add_bos_token")], [
      true,
      true,
    ]);
    assertEquals(found.metadata.get("tokenizer.chat_template"), {
      type: "string",
      value: "{{ x }}",
    });
  },
);

test(
  "ggufTokenizer() tells bytes, scores and the space before a text of SentencePiece's BPE",
  pure,
  () => {
    const model = {
      type: "BPE",
      vocab,
      merges: [["a", "b"]],
      byte_fallback: true,
      unk_token: "<unk>",
    };
    const post_processor = {
      type: "TemplateProcessing",
      single: [{ SpecialToken: { id: "<s>" } }, { Sequence: { id: "A" } }],
    };
    const normalizer = { type: "Prepend", prepend: "▁" };
    const given = { added_tokens, model, normalizer, post_processor };
    const found = ggufTokenizer(files(given, { bos_token: "<s>" }), 7);
    assertEquals(valueOf(found, "model"), "llama");
    assertEquals(valueOf(found, "token_type"), [1, 1, 1, 2, 6, 3, 4]);
    assertEquals(valueOf(found, "add_space_prefix"), true);
    assertEquals(found.addsBos, true);
    const none = { ...given, normalizer: null, post_processor: null };
    const plain = ggufTokenizer(files(none, { bos_token: "<s>" }), 7);
    assertEquals([valueOf(plain, "add_space_prefix"), plain.addsBos], [
      false,
      false,
    ]);
  },
);

test(
  "ggufTokenizer() refuses other models and normalizers",
  pure,
  () => {
    const refused = (tokenizer: JsonObject, rows: number, found: string) =>
      assertThrows(() => ggufTokenizer(files(tokenizer), rows), Error, found);
    const model = { type: "BPE", vocab, merges: [] };
    const plain = { model, added_tokens, pre_tokenizer: byteLevel };
    refused(
      { model: { ...model, type: "Unigram" } },
      8,
      'its model is "Unigram"',
    );
    refused({ ...plain, normalizer: { type: "Lowercase" } }, 8, "Lowercase");
    const bytes = {
      ...plain,
      model: { ...model, merges: ["a b"], byte_fallback: true },
    };
    refused(bytes, 8, '"ByteLevel" of SentencePiece');
  },
);

test(
  "ggufTokenizer() leaves out tokens that the embedding has no row of",
  pure,
  () => {
    const model = { type: "BPE", vocab: { a: 0, b: 1, c: 2, ab: 3, bc: 5 } };
    const merges = ["a b", "b c"];
    const tokenizer = {
      model: { ...model, merges },
      added_tokens: [
        { id: 4, content: "<end>", special: true },
        { id: 6, content: "<picture>", special: true },
      ],
      pre_tokenizer: byteLevel,
    };
    const config = { eos_token: "<end>", pad_token: "<picture>" };
    const { metadata } = ggufTokenizer(
      { ...files(tokenizer), tokenizerConfig: config },
      5,
    );
    const list = (key: string) => {
      const value = metadata.get(`tokenizer.ggml.${key}`);
      return value && "list" in value ? value.list : value?.value;
    };
    assertEquals(list("tokens"), ["a", "b", "c", "ab", "<end>"]);
    assertEquals(list("merges"), ["a b"]);
    assertEquals([list("eos_token_id"), list("padding_token_id")], [
      4,
      undefined,
    ]);
  },
);
