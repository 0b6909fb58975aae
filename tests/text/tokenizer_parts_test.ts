/**
 * Ids and texts of small tokenizers against those of the library in Rust, whose version stands in
 * the fixture: cuts at digits, marks and texts in all their ways, added tokens, bytes.
 */
import { assertEquals, assertThrows } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { createTokenizer } from "../../src/text/tokenizer.ts";
import { alikePreTokenizer } from "../../src/text/tokenizer_parts.ts";
import { test } from "../test_case.ts";

const FIXTURE = fromFileUrl(
  new URL("../fixtures/tokenizer_ids.json", import.meta.url),
);

/** A tokenizer.json, as what it has other than the fixture's base, with golden ids and texts. */
interface Case {
  readonly name: string;
  readonly tokenizer: Record<string, unknown>;
  readonly texts: readonly (readonly [text: string, ids: number[]])[];
  readonly decoded: readonly (readonly [ids: number[], text: string])[];
}

test("createTokenizer() gives the ids and texts of the library in Rust", {
  permissions: { read: [FIXTURE] },
}, () => {
  const { base, cases } = JSON.parse(Deno.readTextFileSync(FIXTURE));
  for (const { name, tokenizer, texts, decoded } of cases as Case[]) {
    const made = createTokenizer({ tokenizer: { ...base, ...tokenizer } });
    for (const [text, ids] of texts) {
      assertEquals(made.encode(text), ids, `${name}: ${text}`);
    }
    for (const [ids, text] of decoded) {
      assertEquals(made.decode(ids), text, `${name}: ${ids}`);
    }
  }
});

const KINDS = fromFileUrl(
  new URL("../fixtures/tokenizer_kinds.json", import.meta.url),
);

/** A case whose model stands in a list beside the cases. */
interface KindCase extends Omit<Case, "texts"> {
  readonly model: number;
  /** The ids without special tokens, and those with them where they differ. */
  readonly texts: readonly [text: string, ids: number[], all?: number[]][];
}

test(
  "createTokenizer() gives the Rust library's ids for its kinds of normalizers, cuts, models and decoders",
  {
    permissions: { read: [KINDS] },
  },
  () => {
    const { models, cases } = JSON.parse(Deno.readTextFileSync(KINDS));
    for (
      const { name, model, tokenizer, texts, decoded } of cases as KindCase[]
    ) {
      const made = createTokenizer({
        tokenizer: { ...tokenizer, model: models[model] },
      });
      for (const [text, ids, all = ids] of texts) {
        const found = [false, true].map((addSpecialTokens) =>
          made.encode(text, { addSpecialTokens })
        );
        assertEquals(found, [ids, all], `${name}: ${text}`);
      }
      for (const [ids, text] of decoded) {
        assertEquals(made.decode(ids), text, `${name}: ${ids}`);
      }
    }
  },
);

test("createTokenizer() names settings of a model that are not served", {
  permissions: "none",
}, () => {
  const model = { type: "BPE", vocab: { a: 0 }, merges: [] };
  const refused = (setting: Record<string, unknown>, told: string) =>
    assertThrows(
      () => createTokenizer({ tokenizer: { model: { ...model, ...setting } } }),
      TypeError,
      `Cannot read tokenizer.json: "model.${told}`,
    );
  refused({ dropout: 0.1 }, 'dropout" is 0.1');
  refused(
    { continuing_subword_prefix: "##" },
    'continuing_subword_prefix" is "##"',
  );
  const none = { dropout: 0, continuing_subword_prefix: "" };
  const sound = createTokenizer({
    tokenizer: { model: { ...model, ...none } },
  });
  assertEquals(sound.encode("a"), [0]);
});

test("alikePreTokenizer() refuses by name a cut that is not served", {
  permissions: "none",
}, () => {
  const refused = (behavior: string, Regex: string) =>
    assertThrows(
      () => alikePreTokenizer({ type: "Split", pattern: { Regex }, behavior }),
      TypeError,
      `with behavior "${behavior}", which is not served`,
    );
  refused("Sideways", "a");
  refused("Removed", "(a)b");
});
