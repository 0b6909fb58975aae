/** What a tokenizer.json of somebody else may hold: expressions, ids and shapes. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { createTokenizer } from "../../src/text/tokenizer.ts";
import { boundedCut } from "../../src/text/tokenizer_expressions.ts";
import { test } from "../test_case.ts";

const CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const REST = String.raw`\s*[\r\n]+|\s+(?!\S)|\s+`;
const [UPPER, LOWER] = [
  String.raw`[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`,
  String.raw`[\p{Ll}\p{Lm}\p{Lo}\p{M}]`,
];
const START = String.raw`[^\r\n\p{L}\p{N}]?`;

/** The cuts of published tokenizers. */
const PUBLISHED: Readonly<Record<string, string>> = {
  "GPT-2": String
    .raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`,
  "Llama 3": String
    .raw`${CONTRACTIONS}|${START}\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|${REST}`,
  "Qwen2": String
    .raw`${CONTRACTIONS}|${START}\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|${REST}`,
  "Qwen3.5": String
    .raw`${CONTRACTIONS}|${START}[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|${REST}`,
  "GPT-4o": String
    .raw`${START}${UPPER}*${LOWER}+${CONTRACTIONS}?|${START}${UPPER}+${LOWER}*${CONTRACTIONS}?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|${REST}`,
  "Tekken": String
    .raw`${START}${UPPER}*${LOWER}+|${START}${UPPER}+${LOWER}*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|${REST}`,
  "DeepSeek V3, letters": String
    .raw`[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|${REST}`,
  "DeepSeek V3, digits": String.raw`\p{N}{1,3}`,
  "DeepSeek V3, signs of Chinese": "[一-龥぀-ゟ゠-ヿ]+",
  "DeepSeek Coder": String.raw`\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓ]+`,
  "digits": String.raw`\d{1,3}`,
  "words": String.raw`\w+|[^\w\s]+`,
  "spaces": " {2,}",
};

test("boundedCut() leaves the cuts of published tokenizers as they are", () => {
  for (const [name, source] of Object.entries(PUBLISHED)) {
    assertEquals(boundedCut(source), source, name);
  }
});

test("boundedCut() begins DeepSeek's cut of trailing space once a run", () => {
  const cut = new RegExp(boundedCut(String.raw`\s+$`), "gu");
  for (const text of ["a  ", "a b", " ", "", "a \n\n", "\n a\n\t "]) {
    const places = (found: RegExp) =>
      [...text.matchAll(found)].map(({ 0: match, index }) => [match, index]);
    assertEquals(places(cut), places(/\s+$/gu), JSON.stringify(text));
  }
  // without the mending this takes the square of the length
  const spaces = `${" ".repeat(200_000)}x`;
  assertEquals(spaces.match(cut), null);
});

test("boundedCut() refuses what may go back and forth in a text", () => {
  for (
    const source of [
      String.raw`\s+x`,
      String.raw`\w+|\d+\s*\.`,
      String.raw`\s*[\r\n]+`,
      String.raw`(?:\s|\n)+`,
      String.raw`(\w+)*`,
      String.raw`${UPPER}*${LOWER}+`,
      `${"(a|b)".repeat(20)}`,
    ]
  ) {
    assertThrows(
      () => boundedCut(source),
      TypeError,
      `Cannot read tokenizer.json: the expression "${source}" could take the square`,
    );
  }
  const { message } = assertThrows(
    () => boundedCut("x+y".repeat(1000)),
    TypeError,
  );
  assert(message.length < 600);
});

const MODEL = { type: "BPE", vocab: { a: 0, b: 1, ab: 2 }, merges: ["a b"] };

const refused = (tokenizer: Record<string, unknown>, told: string) =>
  assertThrows(
    () => createTokenizer({ tokenizer: { model: MODEL, ...tokenizer } }),
    TypeError,
    `Cannot read tokenizer.json: ${told}`,
  );

test("createTokenizer() refuses an expression wherever it stands", () => {
  const pattern = { Regex: String.raw`\s+x` };
  const split = { type: "Split", pattern, behavior: "Isolated" };
  const replace = { type: "Replace", pattern, content: "" };
  const told = 'the expression "\\s+x" could take';
  refused({ pre_tokenizer: split }, told);
  refused({
    pre_tokenizer: { type: "Sequence", pretokenizers: [split] },
  }, told);
  refused({ pre_tokenizer: { ...split, behavior: "MergedWithNext" } }, told);
  refused({ normalizer: replace }, told);
  refused({ decoder: { type: "Sequence", decoders: [replace] } }, told);
});

test("createTokenizer() refuses ids that no vocabulary has", () => {
  for (const id of [1e12, -1, 0.5, "7", null]) {
    const token = { id, content: "<s>" };
    refused({ added_tokens: [token] }, '"added_tokens[0]" is {"id":');
    const model = { ...MODEL, vocab: { a: 0, b: id } };
    refused({ model }, '"model.vocab["b"]" is');
  }
});

test("createTokenizer() names parts of another shape in words of its own", () => {
  const model = (changes: Record<string, unknown>) => ({
    model: { ...MODEL, ...changes },
  });
  refused({ model: [] }, '"model.vocab" is undefined, expected tokens');
  refused(model({ type: {} }), '"model.type" is {}, expected "BPE"');
  refused(model({ vocab: ["a"] }), '"model.vocab" is ["a"], expected tokens');
  refused(model({ vocab: null }), '"model.vocab" is null, expected tokens');
  refused(model({ merges: undefined }), '"model.merges" is undefined');
  refused(model({ merges: ["a b", 3] }), '"model.merges[1]" is 3');
  refused(
    model({ merges: ["a b", ["a", "b"]] }),
    '"model.merges[1]" is ["a","b"], expected the form of the first pair',
  );
  refused(model({ merges: [["a"]] }), '"model.merges[0]" is ["a"]');
  for (const unk_id of [2, -1, 0.5, "0", [1], { a: 1 }]) {
    refused(
      model({ type: "Unigram", vocab: [["a", 0], ["b", -1]], unk_id }),
      `"model.unk_id" is ${JSON.stringify(unk_id)}, expected the place`,
    );
  }
  refused(model({ unk_token: 3 }), '"model.unk_token" is 3, expected a token');
  refused(
    model({ type: "Unigram", vocab: [["a", 0], "b"] }),
    '"model.vocab[1]" is "b", expected a token with its score',
  );
  refused({ added_tokens: { a: 1 } }, '"added_tokens" is {"a":1}');
  refused({ added_tokens: [null] }, '"added_tokens[0]" is null');
  refused({ normalizer: 3 }, '"normalizer" is 3, expected an object');
  refused({ decoder: [] }, '"decoder" is [], expected an object');
  refused({ post_processor: {} }, '"post_processor" is {}, expected an object');
  refused(
    { pre_tokenizer: { type: "Sequence" } },
    '"pre_tokenizer.pretokenizers" is undefined, expected a list of parts',
  );
  refused(
    { pre_tokenizer: { type: "Split", pattern: "x" } },
    '"pre_tokenizer.pattern" is "x", expected "Regex" or "String"',
  );
  refused(
    { pre_tokenizer: { type: "Split", behavior: "Isolated" } },
    '"pre_tokenizer.pattern" is undefined, expected "Regex" or "String"',
  );
  refused(
    { normalizer: { type: "Replace", pattern: { Regex: "(" }, content: "" } },
    "an expression cannot be read, /(/gu: Unterminated group",
  );
  refused(
    { pre_tokenizer: { type: "Sequence", pretokenizers: [null] } },
    '"pre_tokenizer.pretokenizers[0]" is null',
  );
});

test("createTokenizer() names pieces of TemplateProcessing that are none", () => {
  const text = { Sequence: { id: "A", type_id: 0 } };
  const pieces = [null, {}, { SpecialToken: null }, {
    SpecialToken: { id: 3 },
  }];
  for (const piece of pieces) {
    for (const form of ["single", "pair"]) {
      refused({
        post_processor: { type: "TemplateProcessing", [form]: [text, piece] },
      }, `"post_processor.${form}" is [`);
    }
  }
});

test("encode() refuses a text with a piece for which there is no id", () => {
  for (const unk_id of [null, undefined]) {
    const vocab = [["a", 0], ["b", -1]];
    const model = { type: "Unigram", vocab, unk_id };
    const { encode } = createTokenizer({ tokenizer: { model } });
    assertEquals(encode("ab"), [0, 1]);
    assertThrows(
      () => encode("axb"),
      RangeError,
      'Cannot tokenize "axb": token "x" is not in the vocabulary',
    );
  }
  const model = { type: "WordPiece", vocab: { a: 0 } };
  const { encode } = createTokenizer({ tokenizer: { model } });
  assertEquals(encode("a"), [0]);
  assertThrows(
    () => encode("b"),
    RangeError,
    'Cannot tokenize "b": a word is not in the vocabulary, and there is no unk_token',
  );
});
