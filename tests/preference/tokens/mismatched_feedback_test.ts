import { assertEquals } from "@std/assert";
import {
  feedbackBatch,
  mismatchFeedback,
} from "../../../src/preference/tokens/mismatched_feedback.ts";
import type { TokenFeedback } from "../../../src/preference/tokens/token_examples.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

function row(
  prompt: readonly number[],
  answer: readonly number[],
  line: number,
): TokenFeedback {
  const ids = [...prompt, ...answer];
  const sequence = { ids, completionStart: prompt.length };
  return { sequence, label: line % 2 === 1, line };
}

const ROWS = [
  row([10], [1, 2], 1),
  row([20, 21], [3], 2),
  row([30], [4, 5, 6], 3),
  row([40], [7], 4),
  row([50], [8], 5),
];

test(
  "mismatchFeedback() gives each row the answer before it in its group, the first the last one's",
  pure,
  () => {
    const mismatched = mismatchFeedback(ROWS, { group: 3 }).map((one) =>
      one.mismatched.ids
    );
    assertEquals(mismatched, [
      [10, 4, 5, 6],
      [20, 21, 1, 2],
      [30, 3],
      [40, 8],
      [50, 7],
    ]);
    const short = mismatchFeedback(ROWS, { group: 3, maxLength: 3 });
    assertEquals(short[0]!.mismatched, { ids: [10, 4, 5], completionStart: 1 });
  },
);

test(
  "mismatchFeedback() passes over answers to the same prompt while there is another",
  pure,
  () => {
    const rows = [row([1], [5], 1), row([1], [6], 2), row([2], [7], 3)];
    const ids = (group: number) =>
      mismatchFeedback(rows, { group }).map((one) => one.mismatched.ids);
    assertEquals(ids(3), [[1, 7], [1, 7], [2, 6]]);
    assertEquals(ids(2), [[1, 6], [1, 5], [2, 7]]);
  },
);

test(
  "mismatchFeedback() without groups leaves the bare prompts",
  pure,
  () => {
    const [first] = mismatchFeedback(ROWS, { group: 0 });
    assertEquals(first!.mismatched, { ids: [10], completionStart: 1 });
    assertEquals([first!.label, first!.line, first!.sequence.ids.length], [
      true,
      1,
      3,
    ]);
  },
);

test(
  "feedbackBatch() lays out the prompt once, then the answer, then the mismatched one",
  pure,
  () => {
    const batch = feedbackBatch(
      mismatchFeedback(ROWS.slice(0, 2), { group: 2 }),
    );
    assertEquals([...batch.tokens], [10, 1, 2, 3, 20, 21, 3, 1, 2]);
    assertEquals([...batch.targetSequence], [0, 0, 1, 2, 3, 3]);
    assertEquals([...batch.desirable!], [1, 0]);
    assertEquals([batch.sequences, batch.attendedTokens], [4, 6]);
    const bare = feedbackBatch(
      mismatchFeedback(ROWS.slice(0, 2), { group: 0 }),
    );
    assertEquals([...bare.targetSequence], [0, 0, 2]);
    assertEquals(bare.sequences, 4);
  },
);
