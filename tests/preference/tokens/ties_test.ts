/** Pairs whose answers are the same to the model. */
import { assertEquals } from "@std/assert";
import { createTokenizer } from "../../../src/text/tokenizer.ts";
import { tieOf } from "../../../src/preference/tokens/ties.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

/** A token for each character, and two special ones. */
const ALPHABET = [..."abcdefghi \n", "\u0301", "\u00e9", "\uff0c", ","];
const tokenizer = createTokenizer({
  tokenizer: {
    model: {
      type: "BPE",
      vocab: Object.fromEntries(ALPHABET.map((c, id) => [c, id])),
      merges: [],
    },
    decoder: { type: "Fuse" },
    added_tokens: ["</s>", "<|end|>"].map((content, i) => ({
      id: ALPHABET.length + i,
      content,
      special: true,
      normalized: false,
    })),
  },
  config: { eos_token: "</s>" },
});

const sequence = (text: string) => ({
  ids: tokenizer.encode(text),
  completionStart: 1,
});
const tie = (chosen: string, rejected: string) =>
  tieOf(
    { chosen: sequence(chosen), rejected: sequence(rejected) },
    tokenizer,
  );

const EQUAL = "answers equal as tokens";
const ALIKE = "answers equal but for end tokens or a Unicode form";
const LONG = "abc def ghi ".repeat(5);

const PAIRS: readonly [chosen: string, rejected: string, tie?: string][] = [
  ["abc</s>", "abc</s>", EQUAL],
  ["abc", "abc</s>", ALIKE], // a cut took the end of one
  ["abc</s></s>", "abc</s>", ALIKE],
  ["abc<|end|>\n<|end|>\n", "abc<|end|>\n", ALIKE],
  ["abce\u0301 a</s>", "abc\u00e9 a</s>", ALIKE],
  [`${LONG}e\u0301${LONG}</s>`, `${LONG}\u00e9${LONG}</s>`, ALIKE],
  [`${LONG}e\u0301${LONG}a`, `${LONG}\u00e9${LONG}b`],
  ["abc\uff0c</s>", "abc,</s>"], // full width is a difference
  ["abc ", "abc"],
  ["abc<|end|>", "abc</s>"], // two ways to end
  ["abc</s>", "abd</s>"],
];

for (const [chosen, rejected, wanted] of PAIRS) {
  test({
    ...pure,
    name: `tieOf() tells of ${JSON.stringify([chosen, rejected])}: ${wanted}`,
    fn: () => assertEquals(tie(chosen, rejected), wanted),
  });
}
