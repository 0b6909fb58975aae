/** Losses by name and weight, over pairs and over single answers. */
import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import type { LossName } from "../../../src/training/loss/losses.ts";
import {
  answerLoss,
  preferenceLoss,
} from "../../../src/training/loss/preference_loss.ts";
import { pairLogps } from "../../../src/training/loss/token_sums.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

// five pairs, chosen and rejected in turn
const five = pairLogps({
  sums: [-31.2, -35.1, -4.1, -9.7, -12.5, -11.25, -60.25, -50.5, -8.3, -8.2],
  lengths: [12, 11, 3, 4, 5, 9, 21, 17, 2, 2],
}, [-30.3, -30.9, -6.2, -9.1, -13.1, -12.7, -55.75, -58.5, -8.1, -8.9]);

const fiveAnswers = {
  answer: five.chosen,
  referenceAnswer: five.referenceChosen,
  mismatched: five.rejected,
  referenceMismatched: five.referenceRejected,
  desirable: Uint8Array.of(1, 0, 0, 1, 0),
};

function optionsOf(name: LossName) {
  return { loss_type: [name], loss_weights: null, beta: 0.3 };
}

test(
  "preferenceLoss() weighs losses and pairs: loss_weights, weights of the pairs",
  pure,
  () => {
    const of = (name: LossName, i: number) =>
      preferenceLoss(five, optionsOf(name)).losses[i]!;
    const weights = Float64Array.of(1, 0.5, 0, 2, 1);
    const mixed = preferenceLoss({ ...five, weights }, {
      loss_type: ["sigmoid", "hinge"],
      loss_weights: [0.5, 2],
      beta: 0.3,
    });
    for (let i = 0; i < 5; i++) {
      assertAlmostEquals(
        mixed.losses[i]!,
        weights[i]! * (0.5 * of("sigmoid", i) + 2 * of("hinge", i)),
        1e-12,
      );
    }
    assertEquals(mixed.chosenSlopes[2], -0);
  },
);

test(
  "preferenceLoss() refuses columns of different lengths and losses of single answers",
  pure,
  () => {
    assertThrows(
      () =>
        preferenceLoss(
          { ...five, rejected: Float64Array.of(1) },
          optionsOf("sigmoid"),
        ),
      RangeError,
      "Cannot compute the loss: found columns of 5, 1, 5, 5, 5, 5, 5, 5, 5 numbers, expected one length",
    );
    assertThrows(
      () => preferenceLoss(five, optionsOf("kto")),
      TypeError,
      'Cannot compute the loss "kto": found pairs, expected answers with a label',
    );
    assertThrows(
      () => answerLoss(fiveAnswers, optionsOf("ipo")),
      TypeError,
      'Cannot compute the loss "ipo": found answers with a label, expected pairs',
    );
  },
);
