import { assertEquals } from "@std/assert";
import { endOfTurn, stopTokens } from "../../src/generation/stop_tokens.ts";
import { createChatTemplate } from "../../src/text/chat_template.ts";
import { createTokenizer, type Tokenizer } from "../../src/text/tokenizer.ts";
import { fixturePath } from "../fixture_path.ts";
import { test } from "../test_case.ts";

const folder = fixturePath("tokenizer");

const reading = {
  permissions: { read: [folder] },
  sanitizeOps: true,
  sanitizeResources: true,
};

function readJson(name: string): Record<string, unknown> {
  return JSON.parse(Deno.readTextFileSync(`${folder}/${name}`));
}

/** 597 is `<|endoftext|>`, 598 `<|im_start|>`, 599 `<|im_end|>`, the EOS. */
function tokenizer(): Tokenizer {
  return createTokenizer({
    tokenizer: readJson("tokenizer.json"),
    config: readJson("tokenizer_config.json"),
  });
}

const turns = (end: string) =>
  createChatTemplate(
    `{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}${end}{% endfor %}`,
  );

test("endOfTurn() is the special token behind an answer", reading, () => {
  assertEquals(endOfTurn(tokenizer(), turns("<|im_end|>\n")), 599);
  assertEquals(endOfTurn(tokenizer(), turns("\n<|endoftext|>")), 597);
});

test(
  "endOfTurn() is none where text or nothing follows an answer",
  reading,
  () => {
    assertEquals(endOfTurn(tokenizer(), turns("\n\n")), undefined);
    assertEquals(endOfTurn(tokenizer(), turns(" END <|im_end|>")), undefined);
  },
);

test(
  "stopTokens() gathers the ids of every source, single or in a list",
  reading,
  () => {
    const found = stopTokens({
      generationConfig: { eos_token_id: [3, 5] },
      config: { eos_token_id: 7 },
      tokenizer: tokenizer(),
      template: turns("<|endoftext|>"),
    });
    assertEquals([...found].sort((a, b) => a - b), [3, 5, 7, 597, 599]);
  },
);

test("stopTokens() passes over null and what is no id", reading, () => {
  const found = stopTokens({
    generationConfig: { eos_token_id: null },
    config: { eos_token_id: "2" },
    tokenizer: tokenizer(),
  });
  assertEquals([...found], [599]);
});
