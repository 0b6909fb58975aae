import { assert, assertEquals, assertThrows } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { Tokenizer } from "@huggingface/tokenizers";
import {
  byteCharacters,
  countWords,
  trainBpe,
  WORD_PATTERN,
} from "../../data/tiny/make/bpe.ts";
import { test } from "../test_case.ts";

const TINY = fromFileUrl(new URL("../../data/tiny", import.meta.url));
const PURE = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;
const READS = { ...PURE, permissions: { read: [TINY] } };

interface TokenizerFile {
  added_tokens: { id: number; content: string }[];
  model: { vocab: Record<string, number>; merges: string[] };
}

const read = (path: string): string => Deno.readTextFileSync(`${TINY}/${path}`);
const file = (): TokenizerFile => JSON.parse(read("model/tokenizer.json"));
const tokenizer = () =>
  new Tokenizer(
    JSON.parse(read("model/tokenizer.json")),
    JSON.parse(read("model/tokenizer_config.json")),
  );
const contents = (): string[] =>
  read("sft/train.jsonl").trimEnd().split("\n").flatMap((line) => {
    const row = JSON.parse(line) as { messages: { content: string }[] };
    return row.messages.map(({ content }) => content);
  });

/** The twin: applies the joins one after the other, in plain loops. */
function encodePlainly(text: string, { model }: TokenizerFile): number[] {
  const characters = byteCharacters();
  const words = text.normalize("NFC").match(new RegExp(WORD_PATTERN, "gu"));
  return (words ?? []).flatMap((word) => {
    let parts = Array.from(
      new TextEncoder().encode(word),
      (byte) => characters[byte]!,
    );
    for (const merge of model.merges) {
      const [left, right] = merge.split(" ");
      const next: string[] = [];
      for (let i = 0; i < parts.length; i++) {
        const hit = parts[i] === left && parts[i + 1] === right;
        next.push(hit ? parts[i]! + parts[++i]! : parts[i]!);
      }
      parts = next;
    }
    return parts.map((part) => model.vocab[part]!);
  });
}

test("trainBpe() joins the most frequent neighbours first", PURE, () => {
  // "aab" x 3 and "ab" x 2: a b occurs 5 times, then a ab 3 times
  const { tokens, merges } = trainBpe(new Map([["aab", 3], ["ab", 2]]), 258);
  assertEquals(merges, [["a", "b"], ["a", "ab"]]);
  assertEquals(tokens.slice(256), ["ab", "aab"]);
});

test("trainBpe() refuses a size that the text cannot fill", PURE, () => {
  assertThrows(
    () => trainBpe(new Map([["ab", 5], ["xy", 1]]), 300),
    RangeError,
    "pairs for 257 only",
  );
});

test("countWords() cuts by Qwen2's pattern after NFC", PURE, () => {
  // a decomposed e-acute becomes the two bytes C3 A9, whose stand-ins print as themselves
  assertEquals(
    [...countWords(["It's 42 cafe\u0301"])],
    [["It", 1], ["'s", 1], ["Ġ", 1], ["4", 1], ["2", 1], ["ĠcafÃ©", 1]],
  );
});

test(
  "tokenizer.json decodes what it encodes over the whole corpus",
  READS,
  () => {
    const subject = tokenizer();
    for (const text of new Set(contents())) {
      const ids = subject.encode(text).ids;
      const back = subject.decode(ids, { clean_up_tokenization_spaces: false });
      assertEquals(back, text);
    }
  },
);

test("tokenizer.json encodes as a plain merge loop does", READS, () => {
  const [subject, json] = [tokenizer(), file()];
  const outside = [
    "",
    "Zebra's  42\n\n q",
    "cafe\u0301 龘🙂\r\n",
    "I'LL don't",
  ];
  const sample = contents().filter((_, index) => index % 97 === 0);
  for (const text of [...outside, ...sample]) {
    assertEquals(subject.encode(text).ids, encodePlainly(text, json), text);
  }
});

test(
  "tokenizer.json encodes special tokens in text as single ids",
  READS,
  () => {
    const { ids } = tokenizer().encode("<|im_start|>a<|im_end|><|endoftext|>");
    const a = file().model.vocab["a"]!;
    assertEquals(ids, [1534, a, 1535, 1533]);
    assertEquals(Object.keys(file().model.vocab).length, 1533);
  },
);

test(
  "tokenizer.json compresses the corpus to under half its characters",
  READS,
  () => {
    const texts = contents();
    const subject = tokenizer();
    const tokens = texts.reduce(
      (sum, t) => sum + subject.encode(t).ids.length,
      0,
    );
    const characters = texts.reduce((sum, text) => sum + text.length, 0);
    assert(
      tokens < characters / 2,
      `${tokens} tokens, ${characters} characters`,
    );
  },
);
