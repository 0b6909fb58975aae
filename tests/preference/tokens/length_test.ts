import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  checkLimits,
  fitPair,
  fitSequence,
  type LengthLimits,
  type LengthPolicy,
} from "../../../src/preference/tokens/length.ts";
import {
  type TokenDemonstration,
  type TokenPair,
  tokenPair,
} from "../../../src/preference/tokens/token_examples.ts";
import { compared, referenceJson } from "../../reference_dir.ts";
import { eachCase, referenceTest } from "../../reference_test_case.ts";
import { test } from "../../test_case.ts";

const guards = { sanitizeOps: true, sanitizeResources: true } as const;
const pure = { ...guards, permissions: "none" } as const;

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
  test({
    ...pure,
    name: `fitPair() ${name}: ${JSON.stringify(limits)}`,
    fn: () => assertEquals(fitted(limits), want),
  });
}

test({
  ...pure,
  name: "fitSequence() drops what has no token left to train",
  fn() {
    const sequence: TokenDemonstration = {
      ids: [1, 2, 3],
      completionStart: 2,
      line: 4,
    };
    assertEquals(fitSequence(sequence, { policy: "keep_end", maxLength: 2 }), {
      kept: { ids: [2, 3], completionStart: 1, line: 4, spans: undefined },
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

test({
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

/** A variant of `dpo_batch`: how it cuts, and what was left. */
interface Truncation {
  readonly name: string;
  readonly options: {
    readonly truncation_mode: LengthPolicy;
    readonly max_length: number;
  };
  readonly kept_examples: readonly number[];
  readonly metrics: { readonly num_tokens: number };
}

type TokenizedPair = Readonly<
  Record<"prompt_ids" | "chosen_ids" | "rejected_ids", number[]>
>;

function referencePair(
  { prompt_ids, chosen_ids, rejected_ids }: TokenizedPair,
  line: number,
): TokenPair {
  const half = (ids: number[]) => ({
    ids: [...prompt_ids, ...ids],
    completionStart: prompt_ids.length,
  });
  return tokenPair(half(chosen_ids), half(rejected_ids), line);
}

const lengthOf = ({ chosen, rejected }: TokenPair) =>
  chosen.ids.length + rejected.ids.length;

referenceTest(
  "fitPair() keeps the rows and tokens that TRL keeps in the variants of dpo_batch",
  async (context) => {
    const { tokenized, variants } = referenceJson("dpo_batch/dpo_batch.json");
    const whole: TokenPair[] = tokenized.map(referencePair);
    const cases: Truncation[] = variants;
    let cuts = 0;
    await eachCase(context, cases, ({ options, kept_examples, metrics }) => {
      const { truncation_mode: policy, max_length: maxLength } = options;
      const kept = whole.flatMap((pair) => {
        const result = fitPair(pair, { policy, maxLength });
        return "kept" in result ? [result.kept] : [];
      });
      assertEquals(kept.map(({ line }) => line), [...kept_examples]);
      const tokens = kept.reduce((sum, pair) => sum + lengthOf(pair), 0);
      assertEquals(tokens, metrics.num_tokens);
      const all = whole.reduce((sum, pair) => sum + lengthOf(pair), 0);
      if (tokens < all) cuts++;
      compared("truncations");
    });
    assert(cuts > 0, "no variant cuts or drops a row");
  },
);
