import { assertAlmostEquals, assertEquals } from "@std/assert";
import {
  answersOnly,
  lengthDesensitisedWeights,
  meanWeights,
  pairLogps,
  policyWeights,
  sumBySequence,
  textSums,
} from "../../../src/training/loss/token_sums.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

// two pairs: 2 chosen and 1 rejected token, then 1 and 2
const targetSequence = Uint32Array.of(0, 0, 1, 2, 3, 3);
const tokens = {
  targetSequence,
  logps: Float32Array.of(-1, -2, -4, -0.5, -3, -1),
  meanLogits: new Float32Array(6),
  entropies: new Float32Array(6),
  correct: new Float32Array(6),
  sumSquares: Float32Array.of(0.5, 0.5, 0.25, 1, 0.5, 0.5),
};

test(
  "sumBySequence() sums and counts the tokens of each sequence, weighted where told",
  pure,
  () => {
    const { sums, lengths } = sumBySequence(tokens, 5);
    assertEquals([...sums], [-3, -4, -0.5, -4, 0]);
    assertEquals([...lengths], [2, 1, 1, 2, 0]);
    const weights = Float64Array.of(1, 0.5, 1, 0, 2, 1);
    assertEquals([...sumBySequence(tokens, 4, weights).sums], [-2, -4, -0, -7]);
  },
);

test(
  "lengthDesensitisedWeights() weighs only what is beyond the shorter answer of a pair",
  pure,
  () => {
    assertEquals(
      [...lengthDesensitisedWeights(targetSequence, 4, 0.25)],
      [1, 0.25, 1, 1, 1, 0.25],
    );
  },
);

test("meanWeights() make sums the means per token", pure, () => {
  const weights = meanWeights(targetSequence, 4);
  assertEquals([...sumBySequence(tokens, 4, weights).sums], [
    -1.5,
    -4,
    -0.5,
    -2,
  ]);
});

test(
  "policyWeights() are exp of the mean log-probabilities above ln sum p^2, multiplied over a pair",
  pure,
  () => {
    const [first, second] = policyWeights(tokens, 4);
    // pair 0: (-1 - 2) / 2 + ln 2, and -4 + ln 4
    assertAlmostEquals(first!, Math.exp(-1.5 - 4) * 8, 1e-12);
    // pair 1: -0.5, and -2 + ln 2
    assertAlmostEquals(second!, Math.exp(-2.5) * 2, 1e-12);
  },
);

test(
  "answersOnly() leaves out prompts, textSums() counts them to their chosen sequence",
  pure,
  () => {
    const batch = { promptTargets: 1 }; // the last target is a token of the prompt of sequence 2
    const all = {
      ...tokens,
      targetSequence: Uint32Array.of(0, 0, 1, 2, 3, 2),
    };
    const answers = answersOnly(all, batch);
    assertEquals([...sumBySequence(answers, 4).lengths], [2, 1, 1, 1]);
    const { text, textLengths } = textSums(all, 4);
    assertEquals([[...text], [...textLengths]], [[-3, -1.5], [2, 2]]);
  },
);

test(
  "pairLogps() splits chosen and rejected, and takes no reference as 0",
  pure,
  () => {
    const both = pairLogps(
      sumBySequence(tokens, 4),
      Float64Array.of(1, 2, 3, 4),
    );
    assertEquals([...both.chosen], [-3, -0.5]);
    assertEquals([...both.rejectedLengths], [1, 2]);
    assertEquals([...both.referenceRejected], [2, 4]);
    const alone = pairLogps(sumBySequence(tokens, 4), new Float64Array());
    assertEquals([...alone.referenceChosen, ...alone.weights], [0, 0, 1, 1]);
  },
);
