import { assert, assertEquals, assertThrows } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { createStreamDecoder } from "../../src/text/stream_decoder.ts";
import { createTokenizer, type Tokenizer } from "../../src/text/tokenizer.ts";
import { compared, referencePath } from "../reference_dir.ts";

const guards = { sanitizeOps: true, sanitizeResources: true } as const;
const realdata = fromFileUrl(
  new URL("../../../shared/realdata", import.meta.url),
);

function json(path: string) {
  return JSON.parse(Deno.readTextFileSync(path));
}

function exists(path: string | undefined): path is string {
  if (path === undefined) return false;
  const granted = Deno.permissions.querySync({ name: "read", path });
  try {
    return granted.state === "granted" && Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

function load(folder: string): Tokenizer {
  return createTokenizer({
    tokenizer: json(`${folder}/tokenizer.json`),
    config: json(`${folder}/tokenizer_config.json`),
  });
}

const reference = referencePath("tokenizer");
const withBos = referencePath("tokenizer_bos");
const qwen2 = `${realdata}/qwen2-tokenizer`;
const stories = `${realdata}/stories260k-hf`;

Deno.test({
  ...guards,
  name:
    "encode() and decode() agree with transformers on the reference tokenizer",
  permissions: { read: reference ? [reference] : [] },
  ignore: !exists(reference),
  fn() {
    const tokenizer = load(reference ?? "");
    const { cases } = json(`${reference}/cases.json`);
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
    assertEquals([
      tokenizer.vocabSize,
      tokenizer.eosTokenId,
      tokenizer.padTokenId,
    ], [600, 599, 597]);
    assertEquals([tokenizer.bosToken, tokenizer.bosTokenId], [
      undefined,
      undefined,
    ]);
    assertEquals(tokenizer.tokenId("<|im_start|>"), 598);
    assertEquals(tokenizer.tokenId("<|no_such|>"), undefined);
  },
});

Deno.test({
  ...guards,
  name: "encode() adds a BOS only when asked to",
  permissions: { read: withBos ? [withBos] : [] },
  ignore: !exists(withBos),
  fn() {
    const tokenizer = load(withBos ?? "");
    const plain = tokenizer.encode("Water boils");
    assertEquals(tokenizer.encode("Water boils", { addSpecialTokens: true }), [
      597,
      ...plain,
    ]);
    assertEquals(tokenizer.specialTokens.bos_token, "<|endoftext|>");
  },
});

Deno.test({
  ...guards,
  name: "decode() gives nothing for no ids and for ids outside the vocabulary",
  permissions: { read: reference ? [reference] : [] },
  ignore: !exists(reference),
  fn() {
    const tokenizer = load(reference ?? "");
    assertEquals(tokenizer.decode([]), "");
    assertEquals(tokenizer.decode([600, 99999]), "");
    assertEquals(tokenizer.decode([411, 600]), tokenizer.decode([411]));
    assertEquals(tokenizer.decode([599], { skipSpecialTokens: true }), "");
  },
});

Deno.test({
  ...guards,
  name:
    "encode() agrees with transformers on the real Qwen2 vocabulary (shared/realdata/qwen2-tokenizer)",
  permissions: { read: [qwen2] },
  ignore: !exists(qwen2),
  fn() {
    const tokenizer = load(qwen2);
    const cases = json(`${qwen2}/reference-ids.json`);
    const list: { text: string; ids: number[] }[] = Array.isArray(cases)
      ? cases
      : cases.cases;
    assert(list.length >= 60);
    for (const { text, ids } of list) {
      assertEquals(tokenizer.encode(text), ids, text);
      compared("tokenizer");
    }
  },
});

Deno.test({
  ...guards,
  name:
    "encode() agrees with transformers on stories260k (shared/realdata/stories260k-hf)",
  permissions: { read: [stories] },
  ignore: !exists(stories),
  fn() {
    const tokenizer = load(stories);
    const { texts, prompt, prompt_ids, greedy_ids, greedy_text } = json(
      `${stories}/expected.json`,
    );
    for (const { text, ids } of [...texts, { text: prompt, ids: prompt_ids }]) {
      assertEquals(
        tokenizer.encode(text, { addSpecialTokens: true }),
        ids,
        text,
      );
      compared("tokenizer");
    }
    assertEquals(
      tokenizer.decode(greedy_ids, { skipSpecialTokens: true }),
      greedy_text,
    );
  },
});

for (
  const [name, folder] of [["reference", reference], [
    "stories260k",
    stories,
  ]] as const
) {
  Deno.test({
    ...guards,
    name:
      `createStreamDecoder() emits whole characters that add up to decode() with the ${name} tokenizer`,
    permissions: { read: folder ? [folder] : [] },
    ignore: !exists(folder),
    fn() {
      const tokenizer = load(folder ?? "");
      for (
        const text of [
          "今天天气很好。🙂 café",
          " two  spaces\n\nand 👩‍👩‍👧",
          "plain words",
          "",
        ]
      ) {
        const ids = tokenizer.encode(text, { addSpecialTokens: true });
        const decoder = createStreamDecoder(tokenizer, {
          skipSpecialTokens: true,
        });
        const pieces = ids.map((id) => decoder.push(id));
        assert(pieces.every((piece) => !piece.includes("\ufffd")), text);
        assertEquals(
          pieces.join("") + decoder.flush(),
          tokenizer.decode(ids, { skipSpecialTokens: true }),
          text,
        );
      }
    },
  });
}

Deno.test({
  ...guards,
  name: "flush() shows a character that never ended as U+FFFD",
  permissions: { read: reference ? [reference] : [] },
  ignore: !exists(reference),
  fn() {
    const tokenizer = load(reference ?? "");
    const ids = tokenizer.encode("a 🙂").slice(0, -1);
    const decoder = createStreamDecoder(tokenizer);
    const shown = ids.map((id) => decoder.push(id)).join("");
    assertEquals(shown.trimEnd(), "a");
    assertEquals(shown + decoder.flush(), tokenizer.decode(ids));
    assertEquals(decoder.flush(), "");
  },
});

Deno.test({
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
