/** Slopes per token: the step's loss falls along them as its differences say. */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { lossDefaults } from "../../../src/training/loss/loss_options.ts";
import {
  answerLoss,
  preferenceLoss,
} from "../../../src/training/loss/preference_loss.ts";
import {
  answerTokenSlopes,
  pairTokenSlopes,
  textTokenSlopes,
} from "../../../src/training/loss/token_slopes.ts";
import {
  half,
  pairLogps,
  sumBySequence,
} from "../../../src/training/loss/token_sums.ts";
import { test } from "../../test_case.ts";

/** The step of the differences; their error is its square, about. */
const STEP = 1e-4;
const TOLERANCE = 1e-6;

/** How `loss` moves with each of its arguments. */
function differences(
  logps: Float64Array,
  loss: (logps: Float64Array) => number,
): number[] {
  return [...logps.keys()].map((t) => {
    const [above, below] = [STEP, -STEP].map((step) =>
      loss(logps.map((logp, i) => i === t ? logp + step : logp))
    );
    return (above! - below!) / (2 * STEP);
  });
}

function assertSlopes(found: Float32Array, wanted: readonly number[]): void {
  assertEquals(found.length, wanted.length);
  for (const [t, slope] of wanted.entries()) {
    assertAlmostEquals(found[t]!, slope, TOLERANCE);
  }
}

/**
 * Two pairs: two tokens chosen and one rejected, then one of each; the last token is a chosen
 * prompt's.
 */
const PAIRS = Uint32Array.of(0, 0, 1, 2, 3, 2);
const ANSWER_TOKENS = 5;
const LOGPS = Float64Array.of(-0.4, -1.1, -2.3, -0.9, -1.7, -0.2);

test(
  "pairTokenSlopes() are the differences of the step's share, with weights of tokens and text",
  () => {
    const weights = Float64Array.of(1, 0.5, 1, 1, 1);
    const parts = 3;
    const lossOf = (logps: Float64Array) => {
      const answers = {
        logps: logps.subarray(0, ANSWER_TOKENS),
        targetSequence: PAIRS.subarray(0, ANSWER_TOKENS),
      };
      const text = sumBySequence({ logps, targetSequence: PAIRS }, 4);
      return preferenceLoss(
        pairLogps(sumBySequence(answers, 4, weights), [], {
          text: half(text.sums, 0),
          textLengths: half(text.lengths, 0),
        }),
        { ...lossDefaults, loss_type: ["sigmoid", "sft"], loss_weights: null },
      );
    };
    assertSlopes(
      pairTokenSlopes(PAIRS, lossOf(LOGPS), weights, { parts }),
      // the mean of two pairs' losses, a third of the step
      differences(LOGPS, (logps) => {
        const [first, second] = lossOf(logps).losses;
        return (first! + second!) / 2 / parts;
      }),
    );
  },
);

test(
  "answerTokenSlopes() are the differences of the step's share, and 0 for other rows' answers",
  () => {
    const targetSequence = PAIRS.subarray(0, ANSWER_TOKENS);
    const parts = 2;
    const lossOf = (logps: Float64Array) => {
      const { sums } = sumBySequence({ logps, targetSequence }, 4);
      return answerLoss({
        answer: half(sums, 0),
        mismatched: new Float64Array(2), // no gradient flows through the KL
        referenceAnswer: Float64Array.of(-1, -2),
        referenceMismatched: new Float64Array(2),
        desirable: Uint8Array.of(1, 0),
      }, { ...lossDefaults, loss_type: ["kto"], loss_weights: null });
    };
    const logps = LOGPS.subarray(0, ANSWER_TOKENS);
    assertSlopes(
      answerTokenSlopes(targetSequence, lossOf(logps), { parts }),
      differences(logps, (moved) => {
        const [first, second] = lossOf(moved).losses;
        return (first! + second!) / 2 / parts;
      }),
    );
  },
);

test("textTokenSlopes() count each token of the step alike", () => {
  // the loss is the sum of 4 tokens' losses over all 8 of the step
  assertEquals(
    textTokenSlopes(Float64Array.of(-1, -1, -0.5, -1), { targets: 8 }),
    Float32Array.of(-1 / 8, -1 / 8, -1 / 16, -1 / 8),
  );
});
