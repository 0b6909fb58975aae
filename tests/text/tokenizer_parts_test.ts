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
