import { assert, assertEquals, assertThrows } from "@std/assert";
import { DEMONSTRATION_FORMATS } from "../../../src/preference/formats/demonstration_formats.ts";
import { PREFERENCE_FORMATS } from "../../../src/preference/formats/preference_formats.ts";
import { readRow } from "../../../src/preference/formats/format.ts";
import type { TokenPair } from "../../../src/preference/tokens/token_examples.ts";
import {
  tokenizeDemonstration,
  tokenizePreference,
} from "../../../src/preference/tokens/tokenize.ts";
import type { Row } from "../../../src/preference/formats/turns.ts";
import { compared } from "../../reference_dir.ts";
import {
  characterEncoder,
  readable,
  referenceEncoder,
  referenceJson,
} from "./reference_encoder.ts";

const guards = { sanitizeOps: true, sanitizeResources: true } as const;
const encoders = readable("tokenizer", "tokenizer_bos");
const dpoBatch = readable("dpo_batch/dpo_batch.json");

interface TokenizedRow {
  prompt_ids: number[];
  chosen_ids: number[];
  rejected_ids: number[];
}

function assertRow(pair: TokenPair, want: TokenizedRow): void {
  for (const name of ["chosen", "rejected"] as const) {
    const { ids, completionStart } = pair[name];
    assertEquals(ids.slice(0, completionStart), want.prompt_ids);
    assertEquals(ids.slice(completionStart), want[`${name}_ids`]);
  }
  compared("pairs");
}

function tokenize(row: Row, folder: string) {
  return tokenizePreference(
    readRow(row, 1, PREFERENCE_FORMATS),
    referenceEncoder(folder),
  );
}

Deno.test({
  ...guards,
  name:
    "tokenizePreference() gives TRL's ids for the conversations of dpo_batch",
  permissions: { read: [...encoders, ...dpoBatch] },
  ignore: dpoBatch.length === 0 || encoders.length < 2,
  fn() {
    const { pairs, tokenized } = referenceJson("dpo_batch/dpo_batch.json");
    assert(pairs.length > 0);
    pairs.forEach((row: Row, i: number) => {
      const { tokens, moved } = tokenize(row, "tokenizer");
      assertRow(tokens, tokenized[i]);
      assertEquals(moved, false);
    });
  },
});

for (
  const shape of [
    "plain_text_explicit_prompt",
    "plain_text_implicit_prompt",
    "conversational_implicit_prompt",
    "bos_tokenizer_plain_text",
    "bos_tokenizer_conversational",
  ]
) {
  Deno.test({
    ...guards,
    name: `tokenizePreference() gives TRL's ids for ${shape}`,
    permissions: { read: [...encoders, ...dpoBatch] },
    ignore: dpoBatch.length === 0 || encoders.length < 2,
    fn() {
      const rows =
        referenceJson("dpo_batch/dpo_batch.json").other_dataset_shapes[shape];
      assert(rows.length > 0);
      for (const row of rows) {
        const { tokens } = tokenize(
          row.input,
          shape.startsWith("bos") ? "tokenizer_bos" : "tokenizer",
        );
        assertRow(tokens, row);
      }
    },
  });
}

for (
  const name of ["qwen2_full", "llama_lora", "qwen2_uneven_accumulation_ipo"]
) {
  const trajectory = `trajectories/${name}/trajectory.json`;
  Deno.test({
    ...guards,
    name: `tokenizePreference() gives TRL's ids for the rows of ${name}`,
    permissions: { read: [...encoders, ...readable(trajectory)] },
    ignore: readable(trajectory).length === 0 || encoders.length < 2,
    fn() {
      const { dataset, tokenized } = referenceJson(trajectory);
      assert(dataset.length > 0);
      dataset.forEach((row: Row, i: number) =>
        assertRow(tokenize(row, "tokenizer").tokens, tokenized[i])
      );
    },
  });
}

const sft = "trajectories/qwen2_sft/trajectory.json";
Deno.test({
  ...guards,
  name:
    "tokenizeDemonstration() gives TRL's ids and labels for the rows of qwen2_sft",
  permissions: { read: [...encoders, ...readable(sft)] },
  ignore: readable(sft).length === 0 || encoders.length < 2,
  fn() {
    const { dataset, tokenized } = referenceJson(sft);
    const encoder = referenceEncoder();
    dataset.forEach((row: Row, i: number) => {
      const { tokens } = tokenizeDemonstration(
        readRow(row, 1, DEMONSTRATION_FORMATS),
        encoder,
      );
      assertEquals(tokens.ids, tokenized[i].input_ids);
      const labels = tokens.ids.map((id, t) =>
        t < tokens.completionStart ? -100 : id
      );
      assertEquals(labels, tokenized[i].labels);
      compared("demonstrations");
    });
  },
});

const chat = (content: string) => [{ role: "assistant", content }];

Deno.test({
  ...guards,
  name:
    "tokenizePreference() reports a border that lies inside a token, and cuts plain text by count as TRL does",
  permissions: { read: encoders },
  ignore: encoders.length < 2,
  fn() {
    // "She couldn't say " ends with the token " ", but in the whole the space belongs to " it"
    const row = {
      prompt: "She couldn't say ",
      chosen: "what she saw",
      rejected: "it",
    };
    const { tokens, moved } = tokenize(row, "tokenizer");
    assertEquals(moved, true);
    assertEquals(
      tokens.rejected.ids.length - tokens.rejected.completionStart,
      1,
    ); // EOS alone
    assertEquals(tokens.sharedLength, tokens.chosen.completionStart);
  },
});

Deno.test({
  ...guards,
  name:
    "tokenizePreference() takes the longest common prefix where the template renders the prompt otherwise alone",
  permissions: "none",
  fn() {
    const template =
      "{% for m in messages %}{{ m.content }}|{% endfor %}{% if add_generation_prompt %}<go>{% endif %}";
    const preference = {
      prompt: [{ role: "user", content: "q" }],
      chosen: chat("good"),
      rejected: chat("bad"),
      line: 3,
    };
    const { tokens, moved } = tokenizePreference(
      preference,
      characterEncoder(template),
    );
    assertEquals(moved, true);
    // "q|<go>" and "q|good|" share "q|": the answers are trained from their first character
    assertEquals([
      tokens.chosen.completionStart,
      tokens.rejected.completionStart,
    ], [2, 2]);
    assertEquals([tokens.sharedLength, tokens.line], [2, 3]);
  },
});

Deno.test({
  ...guards,
  name:
    "tokenizePreference() never shares past the prompt though the answers begin alike",
  permissions: "none",
  fn() {
    const preference = {
      prompt: [{ role: "user", content: "q" }],
      chosen: chat("same a"),
      rejected: chat("same b"),
      line: 1,
    };
    const { tokens, moved } = tokenizePreference(
      preference,
      characterEncoder(),
    );
    assertEquals(moved, false);
    assertEquals(tokens.sharedLength, tokens.chosen.completionStart);
  },
});

Deno.test({
  ...guards,
  name:
    "tokenizePreference() says what to do where a conversation meets a model without a template",
  permissions: "none",
  fn() {
    const { tokenizer } = characterEncoder();
    const preference = {
      prompt: [{ role: "user", content: "q" }],
      chosen: chat("a"),
      rejected: chat("b"),
      line: 1,
    };
    assertThrows(
      () => tokenizePreference(preference, { tokenizer }),
      RangeError,
      "chat_template",
    );
  },
});

Deno.test({
  ...guards,
  name:
    "tokenizeDemonstration() trains every token of plain text and ends it with one EOS",
  permissions: "none",
  fn() {
    const encoder = characterEncoder();
    const eos = encoder.tokenizer.eosTokenId ?? -1;
    for (const completion of ["abc", "abc</s>"]) {
      const { tokens } = tokenizeDemonstration({
        prompt: "",
        completion,
        line: 1,
      }, encoder);
      assertEquals(tokens, {
        ids: [0, 1, 2, eos],
        completionStart: 0,
        line: 1,
      });
    }
    const whole = tokenizeDemonstration(
      { prompt: "ab", completion: "c", line: 1 },
      encoder,
      { completionOnly: false },
    );
    assertEquals(whole.tokens.completionStart, 0);
  },
});
