import { assert, assertEquals, assertThrows } from "@std/assert";
import { createStreamDecoder } from "../../src/text/stream_decoder.ts";
import { createTokenizer, type Tokenizer } from "../../src/text/tokenizer.ts";
import { fixturePath } from "../fixture_path.ts";
import { compared, referencePath } from "../reference_dir.ts";
import { onRealData, referenceTest } from "../reference_test_case.ts";
import { test } from "../test_case.ts";

function json(path: string) {
  return JSON.parse(Deno.readTextFileSync(path));
}

function load(folder: string): Tokenizer {
  return createTokenizer({
    tokenizer: json(`${folder}/tokenizer.json`),
    config: json(`${folder}/tokenizer_config.json`),
  });
}

/** ChatML's marks are 597 `<|endoftext|>`, 598 `<|im_start|>` and 599 `<|im_end|>`. */
const fixture = fixturePath("tokenizer");
const withBos = fixturePath("tokenizer_bos");
const guards = { permissions: { read: [fixture, withBos] } };

referenceTest("encode() and decode() agree with transformers", () => {
  const folder = referencePath("tokenizer");
  const tokenizer = load(folder);
  const { cases } = json(`${folder}/cases.json`);
  assert(cases.length > 0);
  for (const { text, ids, decoded, decoded_skip_special } of cases) {
    assertEquals(tokenizer.encode(text), ids, text);
    assertEquals(tokenizer.decode(ids), decoded, text);
    assertEquals(
      tokenizer.decode(ids, { skipSpecialTokens: true }),
      decoded_skip_special,
      text,
    );
    compared("tokenizer");
  }
});

test("createTokenizer() knows the size and the special tokens", guards, () => {
  const tokenizer = load(fixture);
  assertEquals(
    [tokenizer.vocabSize, tokenizer.eosTokenId, tokenizer.padTokenId],
    [600, 599, 597],
  );
  assertEquals(
    [tokenizer.bosToken, tokenizer.bosTokenId],
    [undefined, undefined],
  );
  assertEquals(tokenizer.tokenId("<|im_start|>"), 598);
  assertEquals(tokenizer.tokenId("<|no_such|>"), undefined);
});

test("encode() adds a BOS only when asked to", guards, () => {
  const tokenizer = load(withBos);
  const plain = tokenizer.encode("Water boils");
  assertEquals(
    tokenizer.encode("Water boils", { addSpecialTokens: true }),
    [597, ...plain],
  );
  assertEquals(tokenizer.specialTokens.bos_token, "<|endoftext|>");
});

test(
  "decode() gives nothing for no ids and for ids outside the vocabulary",
  guards,
  () => {
    const tokenizer = load(fixture);
    assertEquals(tokenizer.decode([]), "");
    assertEquals(tokenizer.decode([600, 99999]), "");
    assertEquals(tokenizer.decode([411, 600]), tokenizer.decode([411]));
    assertEquals(tokenizer.decode([599], { skipSpecialTokens: true }), "");
  },
);

referenceTest(
  "encode() agrees with transformers on real vocabularies",
  async (context) => {
    await onRealData(context, "qwen2-tokenizer", (folder) => {
      const tokenizer = load(folder);
      const cases = json(`${folder}/reference-ids.json`);
      const list: { text: string; ids: number[] }[] = Array.isArray(cases)
        ? cases
        : cases.cases;
      assert(list.length > 0);
      for (const { text, ids } of list) {
        assertEquals(tokenizer.encode(text), ids, text);
        compared("tokenizer");
      }
    });
    await onRealData(context, "stories260k-hf", (folder) => {
      const tokenizer = load(folder);
      const { texts, prompt, prompt_ids, greedy_ids, greedy_text } = json(
        `${folder}/expected.json`,
      );
      for (
        const { text, ids } of [...texts, { text: prompt, ids: prompt_ids }]
      ) {
        const found = tokenizer.encode(text, { addSpecialTokens: true });
        assertEquals(found, ids, text);
        compared("tokenizer");
      }
      assertEquals(
        tokenizer.decode(greedy_ids, { skipSpecialTokens: true }),
        greedy_text,
      );
    });
  },
);

const CAPTIONS = [
  "今天天气很好。🙂 café",
  " two  spaces\n\nand 👩‍👩‍👧",
  "plain words",
  "",
];

function checkStream(tokenizer: Tokenizer): void {
  for (const text of CAPTIONS) {
    const ids = tokenizer.encode(text, { addSpecialTokens: true });
    const decoder = createStreamDecoder(tokenizer, { skipSpecialTokens: true });
    const pieces = ids.map((id) => decoder.push(id));
    assert(pieces.every((piece) => !piece.includes("\ufffd")), text);
    assertEquals(
      pieces.join("") + decoder.flush(),
      tokenizer.decode(ids, { skipSpecialTokens: true }),
      text,
    );
  }
}

test(
  "createStreamDecoder() emits whole characters that add up to decode()",
  guards,
  () => {
    checkStream(load(fixture));
  },
);

referenceTest(
  "createStreamDecoder() emits whole characters of a real vocabulary",
  (context) =>
    onRealData(
      context,
      "stories260k-hf",
      (folder) => checkStream(load(folder)),
    ),
);

test({
  ...guards,
  name: "flush() shows a character that never ended as U+FFFD",
  fn() {
    const tokenizer = load(fixture);
    const ids = tokenizer.encode("a 🙂").slice(0, -1);
    const decoder = createStreamDecoder(tokenizer);
    const shown = ids.map((id) => decoder.push(id)).join("");
    assertEquals(shown.trimEnd(), "a");
    assertEquals(shown + decoder.flush(), tokenizer.decode(ids));
    assertEquals(decoder.flush(), "");
  },
});

test({
  ...guards,
  name: "createTokenizer() names what is missing or unknown in tokenizer.json",
  permissions: "none",
  fn() {
    assertThrows(
      () => createTokenizer({ tokenizer: { version: "1.0" } }),
      TypeError,
      '"model" is missing, found keys "version"',
    );
    assertThrows(
      () =>
        createTokenizer({ tokenizer: { model: { type: "Morse", vocab: {} } } }),
      TypeError,
      "Morse",
    );
  },
});
