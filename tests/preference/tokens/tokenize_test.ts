import { assert, assertEquals, assertThrows } from "@std/assert";
import { DEMONSTRATION_FORMATS } from "../../../src/preference/formats/demonstration_formats.ts";
import { PREFERENCE_FORMATS } from "../../../src/preference/formats/preference_formats.ts";
import { readRow } from "../../../src/preference/formats/format.ts";
import type { TokenPair } from "../../../src/preference/tokens/token_examples.ts";
import {
  type Encoder,
  tokenizeDemonstration,
  tokenizePreference,
} from "../../../src/preference/tokens/tokenize.ts";
import type { Row } from "../../../src/preference/formats/turns.ts";
import { fixturePath, FIXTURES } from "../../fixture_path.ts";
import {
  compared,
  referenceEntries,
  referenceJson,
  referenceRoot,
} from "../../reference_dir.ts";
import { eachCase, referenceTest } from "../../reference_test_case.ts";
import {
  readTrajectory,
  type Trajectory,
} from "../../training/run/trajectory.ts";
import { characterEncoder } from "./character_encoder.ts";
import { referenceEncoder } from "./reference_encoder.ts";
import { test } from "../../test_case.ts";

const guards = { sanitizeOps: true, sanitizeResources: true } as const;
const encoders = [fixturePath("tokenizer"), fixturePath("tokenizer_bos")];

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

function tokenize(row: Row, encoder: Encoder) {
  return tokenizePreference(readRow(row, 1, PREFERENCE_FORMATS), encoder);
}

const BATCH = "dpo_batch/dpo_batch.json";

referenceTest(
  "tokenizePreference() gives TRL's ids for the conversations of dpo_batch",
  () => {
    const { pairs, tokenized } = referenceJson(BATCH);
    const encoder = referenceEncoder(referenceRoot(BATCH));
    assert(pairs.length > 0);
    pairs.forEach((row: Row, i: number) => {
      const { tokens, moved } = tokenize(row, encoder);
      assertRow(tokens, tokenized[i]);
      assertEquals(moved, false);
    });
  },
);

referenceTest(
  "tokenizePreference() gives TRL's ids for other shapes of rows",
  (context) => {
    interface Shape {
      input: Row;
    }
    const shapes = referenceJson(BATCH).other_dataset_shapes;
    const cases = Object.entries(shapes).map(([name, rows]) => ({
      name,
      rows: rows as (Shape & TokenizedRow)[],
    }));
    return eachCase(context, cases, ({ name, rows }) => {
      const tokenizer = name.startsWith("bos") ? "tokenizer_bos" : "tokenizer";
      const encoder = referenceEncoder(referenceRoot(BATCH), tokenizer);
      assert(rows.length > 0);
      for (const row of rows) {
        assertRow(tokenize(row.input, encoder).tokens, row);
      }
    });
  },
);

/**
 * Rows of TRL that it kept, in order: dropped ones are absent, so both lists must be of one length.
 */
const wholeRuns = (trainer: Trajectory["trainer"]) =>
  referenceEntries("trajectories").filter(({ folder }) => {
    const run = readTrajectory(folder);
    return run.trainer === trainer &&
      run.dataset.length === run.tokenized.length;
  });

referenceTest(
  "tokenizePreference() gives TRL's ids for the rows of its runs",
  (context) =>
    eachCase(context, wholeRuns("DPO"), ({ folder, root }) => {
      const { dataset, tokenized } = readTrajectory(folder);
      const encoder = referenceEncoder(root);
      assert(dataset.length > 0);
      for (const [i, row] of dataset.entries()) {
        const want = tokenized[i] as unknown as TokenizedRow;
        assertRow(tokenize(row, encoder).tokens, want);
      }
    }),
);

referenceTest(
  "tokenizeDemonstration() gives TRL's ids and labels for the rows of its runs",
  (context) =>
    eachCase(context, wholeRuns("SFT"), ({ folder, root }) => {
      const { dataset, tokenized } = readTrajectory(folder);
      const encoder = referenceEncoder(root);
      for (const [i, row] of dataset.entries()) {
        const { tokens } = tokenizeDemonstration(
          readRow(row, 1, DEMONSTRATION_FORMATS),
          encoder,
        );
        assertEquals(tokens.ids, tokenized[i]!["input_ids"]);
        const labels = tokens.ids.map((id, t) =>
          t < tokens.completionStart ? -100 : id
        );
        assertEquals(labels, tokenized[i]!["labels"]);
        compared("demonstrations");
      }
    }),
);

const chat = (content: string) => [{ role: "assistant", content }];

test({
  ...guards,
  name:
    "tokenizePreference() reports a border that lies inside a token, and cuts plain text by count as TRL does",
  permissions: { read: encoders },
  fn() {
    // "She couldn't say " ends with the token " ", but in the whole the space belongs to " it"
    const row = {
      prompt: "She couldn't say ",
      chosen: "what she saw",
      rejected: "it",
    };
    const { tokens, moved } = tokenize(row, referenceEncoder(FIXTURES));
    assertEquals(moved, true);
    assertEquals(
      tokens.rejected.ids.length - tokens.rejected.completionStart,
      1,
    ); // EOS alone
    assertEquals(tokens.sharedLength, tokens.chosen.completionStart);
  },
});

test({
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

test({
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

test({
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

test({
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
