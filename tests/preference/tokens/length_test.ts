import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  checkLimits,
  fitPair,
  fitSequence,
  type LengthLimits,
} from "../../../src/preference/tokens/length.ts";
import { tokenPair } from "../../../src/preference/tokens/token_examples.ts";
import { compared } from "../../reference_dir.ts";
import { readable, referenceJson } from "./reference_encoder.ts";

const guards = { sanitizeOps: true, sanitizeResources: true } as const;
const pure = { ...guards, permissions: "none" } as const;
const dpoBatch = readable("dpo_batch/dpo_batch.json");

/** Prompt 1..5, chosen + 4 tokens, rejected + 2. */
const prompt = [1, 2, 3, 4, 5];
const pair = tokenPair(
  { ids: [...prompt, 11, 12, 13, 14], completionStart: 5 },
  { ids: [...prompt, 21, 22], completionStart: 5 },
  9,
);

function fitted(limits: LengthLimits): unknown {
  const result = fitPair(pair, limits);
  if ("dropped" in result) return result.dropped;
  const { chosen, rejected, sharedLength } = result.kept;
  return [
    chosen.ids.join(" "),
    chosen.completionStart,
    rejected.ids.join(" "),
    rejected.completionStart,
    sharedLength,
  ];
}

const CASES: readonly [name: string, limits: LengthLimits, want: unknown][] = [
  ["keeps what fits", { maxLength: 9 }, [
    "1 2 3 4 5 11 12 13 14",
    5,
    "1 2 3 4 5 21 22",
    5,
    5,
  ]],
  ["drops by default", { maxLength: 8 }, "longer than max_length"],
  ["cuts both prompts by the same number", {
    policy: "prompt_start",
    maxLength: 7,
  }, ["3 4 5 11 12 13 14", 3, "3 4 5 21 22", 3, 3]],
  ["keeps a prompt token before a long answer", {
    policy: "prompt_start",
    maxLength: 4,
  }, "answer longer than max_length"],
  ["cuts answers at their end", { policy: "completion_end", maxLength: 8 }, [
    "1 2 3 4 5 11 12 13",
    5,
    "1 2 3 4 5 21 22",
    5,
    5,
  ]],
  ["drops a prompt that leaves no answer", {
    policy: "completion_end",
    maxLength: 5,
  }, "prompt fills max_length"],
  ["keep_start is TRL's", { policy: "keep_start", maxLength: 6 }, [
    "1 2 3 4 5 11",
    5,
    "1 2 3 4 5 21",
    5,
    5,
  ]],
  ["keep_start drops a prompt of max_length", {
    policy: "keep_start",
    maxLength: 5,
  }, "prompt fills max_length"],
  ["keep_end cuts each by itself", { policy: "keep_end", maxLength: 7 }, [
    "3 4 5 11 12 13 14",
    3,
    "1 2 3 4 5 21 22",
    5,
    0,
  ]],
  ["keep_end may leave no prompt", { policy: "keep_end", maxLength: 3 }, [
    "12 13 14",
    0,
    "5 21 22",
    1,
    0,
  ]],
  [
    "drops a long prompt",
    { maxPromptLength: 4 },
    "prompt longer than max_prompt_length",
  ],
  ["cuts a long prompt", { policy: "prompt_start", maxPromptLength: 2 }, [
    "4 5 11 12 13 14",
    2,
    "4 5 21 22",
    2,
    2,
  ]],
];

for (const [name, limits, want] of CASES) {
  Deno.test({
    ...pure,
    name: `fitPair() ${name}: ${JSON.stringify(limits)}`,
    fn: () => assertEquals(fitted(limits), want),
  });
}

Deno.test({
  ...pure,
  name: "fitPair() drops answers that became equal by a cut",
  fn() {
    const alike = tokenPair({ ids: [1, 2, 3], completionStart: 1 }, {
      ids: [1, 2, 4],
      completionStart: 1,
    }, 1);
    assertEquals(fitPair(alike, { policy: "completion_end", maxLength: 2 }), {
      dropped: "answers equal after the cut",
    });
  },
});

Deno.test({
  ...pure,
  name: "fitSequence() drops what has no token left to train",
  fn() {
    const sequence = { ids: [1, 2, 3], completionStart: 2, line: 4 };
    assertEquals(fitSequence(sequence, { policy: "keep_end", maxLength: 2 }), {
      kept: { ids: [2, 3], completionStart: 1, line: 4 },
    });
    assertEquals(
      fitSequence(sequence, { policy: "keep_start", maxLength: 2 }),
      { dropped: "prompt fills max_length" },
    );
    assertEquals(fitSequence({ ids: [1], completionStart: 0 }, {}), {
      dropped: "no token to train",
    });
  },
});

Deno.test({
  ...pure,
  name: "checkLimits() tells all limits that leave no room",
  fn: () => {
    assertThrows(
      () => checkLimits({ maxLength: 1, maxPromptLength: 0 }),
      RangeError,
      "max_length is 1",
    );
    assertThrows(
      () => checkLimits({ maxLength: 1, maxPromptLength: 0 }),
      RangeError,
      "max_prompt_length is 0",
    );
  },
});

Deno.test({
  ...guards,
  name:
    "fitPair() keeps the rows and tokens that TRL keeps in the truncation variants of dpo_batch",
  permissions: { read: dpoBatch },
  ignore: dpoBatch.length === 0,
  fn() {
    const { tokenized, variants } = referenceJson("dpo_batch/dpo_batch.json");
    let truncations = 0;
    for (const { name, options, kept_examples, metrics } of variants) {
      const { truncation_mode: policy, max_length: maxLength } = options;
      const kept: number[] = [];
      let tokens = 0;
      tokenized.forEach((row: Record<string, number[]>, i: number) => {
        const { prompt_ids: p = [], chosen_ids: c = [], rejected_ids: r = [] } =
          row;
        const halves = [c, r].map((ids) => ({
          ids: [...p, ...ids],
          completionStart: p.length,
        }));
        const result = fitPair(tokenPair(halves[0]!, halves[1]!, i), {
          policy,
          maxLength,
        });
        if (!("kept" in result)) return;
        kept.push(i);
        tokens += result.kept.chosen.ids.length +
          result.kept.rejected.ids.length;
      });
      assertEquals(kept, kept_examples, name);
      assertEquals(tokens, metrics.num_tokens, name);
      if (maxLength < 100) truncations++;
      compared("truncations");
    }
    assert(truncations >= 4);
  },
});
