/**
 * The table of losses against TRL's numbers and against central differences of itself.
 */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertThrows,
} from "@std/assert";
import {
  lossDefaults,
  type LossOptions,
} from "../../../src/training/loss/loss_options.ts";
import type {
  AnswerLogps,
  PairLogps,
} from "../../../src/training/loss/loss_terms.ts";
import {
  type LossName,
  lossNames,
  lossRows,
} from "../../../src/training/loss/losses.ts";
import {
  answerLoss,
  preferenceLoss,
  type PreferenceLossOptions,
  tokenLoss,
} from "../../../src/training/loss/preference_loss.ts";
import { test } from "../../test_case.ts";

const checks = { sanitizeOps: true, sanitizeResources: true } as const;
const pure = { ...checks, permissions: "none" } as const;

const five: PairLogps = {
  chosen: Float64Array.of(-31.2, -4.1, -12.5, -60.25, -8.3),
  rejected: Float64Array.of(-35.1, -9.7, -11.25, -50.5, -8.2),
  referenceChosen: Float64Array.of(-30.3, -6.2, -13.1, -55.75, -8.1),
  referenceRejected: Float64Array.of(-30.9, -9.1, -12.7, -58.5, -8.9),
  chosenLengths: Float64Array.of(12, 3, 5, 21, 2),
  rejectedLengths: Float64Array.of(11, 4, 9, 17, 2),
  text: Float64Array.of(-31.2, -4.1, -12.5, -60.25, -8.3),
  textLengths: Float64Array.of(12, 3, 5, 21, 2),
  weights: new Float64Array(5).fill(1),
};

/** Means per token without a reference, as ORPO and SimPO take them. */
const fiveMeans: PairLogps = {
  ...five,
  chosen: Float64Array.of(-2.6, -0.05, -2.5, -2.87, -4.15),
  rejected: Float64Array.of(-3.2, -2.4, -0.4, -2.97, -4.1),
  referenceChosen: new Float64Array(5),
  referenceRejected: new Float64Array(5),
};

function pairsOf(name: LossName): PairLogps {
  return lossRows[name].trainers?.every((one) => one !== "dpo")
    ? fiveMeans
    : five;
}

const fiveAnswers: AnswerLogps = {
  answer: five.chosen,
  referenceAnswer: five.referenceChosen,
  mismatched: five.rejected,
  referenceMismatched: five.referenceRejected,
  desirable: Uint8Array.of(1, 0, 0, 1, 0),
};

const namesOf = (of: "answers" | "tokens" | undefined) =>
  lossNames.filter((name) => lossRows[name].of === of);
const pairNames = namesOf(undefined);
const answerNames = namesOf("answers");
const tokenNames = namesOf("tokens");

function optionsOf(
  name: LossName,
  more: Partial<LossOptions> = {},
): PreferenceLossOptions {
  return { loss_type: [name], loss_weights: null, beta: 0.3, ...more };
}

/** Settings under which the slopes of a row are looked at. */
function settingsOf(name: LossName): Partial<LossOptions>[] {
  const { diverges } = lossRows[name];
  return [
    ...(name === "exo_pair" ? [] : [{}]), // no label is certain there
    {
      label_smoothing: 0.2,
      desirable_weight: 1.5,
      discopop_tau: 0.7,
      dpo_lambda: 0.6,
      chipo_rmax: 0.8,
      dr_dpo_beta: 0.4,
      rdpo_alpha: 0.3,
      center_rewards_coefficient: 0.2,
    },
    ...(diverges
      ? [
        { f_divergence_type: "forward_kl", label_smoothing: 0.1 } as const,
        { f_divergence_type: "js_divergence", label_smoothing: 0.1 } as const,
        {
          f_divergence_type: "alpha_divergence",
          label_smoothing: 0.1,
        } as const,
      ]
      : []),
  ];
}

const STEP = 1e-5;

/** Fails unless slopes are the central differences of the sum of the losses. */
function assertSlopes(
  slopes: Float64Array,
  column: Float64Array,
  sum: (moved: Float64Array) => number,
): void {
  for (let i = 0; i < column.length; i++) {
    const at = (by: number) => sum(column.with(i, column[i]! + by));
    const slope = (at(STEP) - at(-STEP)) / (2 * STEP);
    assertAlmostEquals(slopes[i]!, slope, 2e-7 * (1 + Math.abs(slope)));
  }
}

const total = (losses: Float64Array) => losses.reduce((a, b) => a + b);

for (const name of pairNames) {
  test(
    `lossRows.${name} has the slopes of its central differences under each of its options`,
    pure,
    () => {
      for (const more of settingsOf(name)) {
        const options = optionsOf(name, more);
        const logps = pairsOf(name);
        const result = preferenceLoss(logps, options);
        const sum =
          (key: "chosen" | "rejected" | "text") => (moved: Float64Array) =>
            total(preferenceLoss({ ...logps, [key]: moved }, options).losses);
        assertSlopes(result.chosenSlopes, logps.chosen, sum("chosen"));
        assertSlopes(result.rejectedSlopes, logps.rejected, sum("rejected"));
        assertSlopes(result.textSlopes, logps.text, sum("text"));
      }
    },
  );
}

for (const name of answerNames) {
  test(
    `lossRows.${name} has the slopes of its central differences, wanted and unwanted`,
    pure,
    () => {
      for (const more of settingsOf(name)) {
        const options = optionsOf(name, more);
        assertSlopes(
          answerLoss(fiveAnswers, options).slopes,
          fiveAnswers.answer,
          (answer) =>
            total(answerLoss({ ...fiveAnswers, answer }, options).losses),
        );
      }
    },
  );
}

const fiveTokens = Float64Array.of(-0.01, -0.7, -2, -9, -45);

for (const name of tokenNames) {
  test(
    `lossRows.${name} has the slopes of its central differences, the weight of a token held`,
    pure,
    () => {
      const { losses, slopes } = tokenLoss(fiveTokens, optionsOf(name));
      for (const [i, logp] of fiveTokens.entries()) {
        const weight = name === "dft" ? Math.exp(logp) : 1;
        assertAlmostEquals(losses[i]!, -weight * logp, 1e-15);
        assertAlmostEquals(slopes[i]!, -weight, 1e-15);
      }
    },
  );
}

test("tokenLoss() adds losses by their weights", pure, () => {
  const options = {
    loss_type: ["nll", "dft"],
    loss_weights: [0.5, 2],
  } as const;
  const { losses, slopes } = tokenLoss([-0.7], options);
  const p = Math.exp(-0.7);
  assertAlmostEquals(losses[0]!, 0.7 * (0.5 + 2 * p), 1e-15);
  assertAlmostEquals(slopes[0]!, -(0.5 + 2 * p), 1e-15);
  assertThrows(
    () => tokenLoss([-0.7], { loss_type: ["kto"], loss_weights: null }),
    TypeError,
    'Cannot compute the loss "kto": found texts, expected answers with a label',
  );
});

/** The losses of a row under some options. */
function lossesAt(name: LossName, more: Partial<LossOptions>): string {
  const options = optionsOf(name, more);
  if (lossRows[name].of === "tokens") {
    return tokenLoss(five.chosen, options).losses.join();
  }
  const { losses } = lossRows[name].of === "answers"
    ? answerLoss(fiveAnswers, options)
    : preferenceLoss(pairsOf(name), options);
  return losses.join();
}

test(
  "lossRows says of each loss truly whether label_smoothing, f_divergence_type and the other pairs change it",
  pure,
  () => {
    for (const name of lossNames) {
      const row = lossRows[name];
      const changes = (a: Partial<LossOptions>, b: Partial<LossOptions>) =>
        lossesAt(name, a) !== lossesAt(name, b);
      assertEquals(
        changes({ label_smoothing: 0.1 }, { label_smoothing: 0.25 }),
        row.smooths === true,
        name,
      );
      // the log-likelihood of a text has no ratio, and simpo's trainer no divergence of the options
      if (name !== "sft" && name !== "simpo") {
        assertEquals(
          changes({ label_smoothing: 0.1 }, {
            label_smoothing: 0.1,
            f_divergence_type: "forward_kl",
          }),
          row.diverges === true,
          name,
        );
      }
      if (row.of !== undefined) continue;
      const first = (by: number) =>
        preferenceLoss(
          {
            ...pairsOf(name),
            chosen: pairsOf(name).chosen.with(4, -8.3 + by),
            text: five.text.with(4, -8.3 + by),
          },
          optionsOf(name, { label_smoothing: 0.1 }),
        ).losses[0];
      assertEquals(first(0) !== first(-90), row.couples === true, name);
    }
  },
);

test(
  "lossRows.sigmoid at label_smoothing 1/2 is least at margin 0",
  pure,
  () => {
    const loss = (margin: number) =>
      preferenceLoss({
        ...five,
        chosen: five.referenceChosen.map((x) => x + margin),
        rejected: five.referenceRejected,
      }, optionsOf("sigmoid", { label_smoothing: 0.5 })).losses[0] ?? NaN;
    assertAlmostEquals(loss(0), Math.LN2, 1e-15);
    assert(loss(0) < loss(0.1) && loss(0) < loss(-0.1));
  },
);

for (const name of pairNames.filter((name) => name !== "sft")) {
  test(
    `lossRows.${name} stays a number where log-probabilities are far apart`,
    pure,
    () => {
      for (const far of [-4000, -40]) {
        const chosen = five.chosen.map(() => far);
        for (
          const logps of [{ ...five, chosen }, { ...five, rejected: chosen }]
        ) {
          const { losses, chosenSlopes, rejectedSlopes } = preferenceLoss(
            logps,
            optionsOf(name, { label_smoothing: 0.1 }),
          );
          for (const column of [losses, chosenSlopes, rejectedSlopes]) {
            assert(column.every((x) => !Number.isNaN(x)), `${name} ${column}`);
          }
        }
      }
    },
  );
}

test(
  "lossRows.dpop punishes a chosen answer that became rarer, by dpop_lambda, and is sigmoid where it did not",
  pure,
  () => {
    const at = (dpop_lambda: number) =>
      preferenceLoss(five, optionsOf("dpop", { dpop_lambda })).losses;
    const plain = preferenceLoss(five, optionsOf("sigmoid")).losses;
    assertEquals(at(0), plain);
    // pair 0: log-ratios -0.9 and -4.2; 0.3 * (-0.9 + 4.2 - 5 * 0.9) = -0.36
    assertAlmostEquals(at(5)[0]!, Math.log1p(Math.exp(0.36)), 1e-12);
    assertEquals(at(5)[1], plain[1]);
  },
);

/** The formulas of papers, written out for one pair of `five` or `fiveMeans`. */
const PAPERS: readonly [
  name: LossName,
  options: Partial<LossOptions>,
  loss: (i: number) => number,
][] = [
  ["dpo_shift", { dpo_lambda: 0.6 }, (i) => {
    const { ratio } = termsOf(five, i);
    return cost(0.3 * ratio.chosen - 0.6 * 0.3 * ratio.rejected);
  }],
  ["chipo", { chipo_rmax: null }, (i) => {
    const { ratio } = termsOf(five, i);
    const phi = (z: number) => z + Math.log(z);
    const h = 0.3 * phi(Math.exp(ratio.chosen)) -
      0.3 * phi(Math.exp(ratio.rejected));
    return cost(h);
  }],
  ["chipo", { chipo_rmax: 0.2 }, (i) => {
    const { ratio } = termsOf(five, i);
    const phi = (z: number) => z + Math.log(z);
    const h = 0.3 *
      (phi(Math.exp(ratio.chosen)) - phi(Math.exp(ratio.rejected)));
    return cost(Math.min(0.4, Math.max(-0.4, h)));
  }],
  ["r_dpo", { rdpo_alpha: 0.07 }, (i) => {
    const { ratio } = termsOf(five, i);
    const h = 0.3 * ratio.chosen - 0.3 * ratio.rejected;
    const [long, other] = [five.chosenLengths[i]!, five.rejectedLengths[i]!];
    return cost(h - (0.07 * long - 0.07 * other));
  }],
  ["dr_dpo", { dr_dpo_beta: 0.5 }, () => {
    const likely = [0, 1, 2, 3, 4].map((i) => {
      const { ratio } = termsOf(five, i);
      return logistic(0.3 * (ratio.chosen - ratio.rejected)) ** 2;
    });
    return -0.5 * Math.log(likely.reduce((a, b) => a + b) / 5);
  }],
  [
    "simper",
    {},
    (i) => Math.exp(fiveMeans.rejected[i]!) - Math.exp(fiveMeans.chosen[i]!),
  ],
];

const logistic = (x: number) => 1 / (1 + Math.exp(-x));
const cost = (x: number) => x < -700 ? -x : Math.log1p(Math.exp(-x));

function termsOf(logps: PairLogps, i: number) {
  return {
    ratio: {
      chosen: logps.chosen[i]! - logps.referenceChosen[i]!,
      rejected: logps.rejected[i]! - logps.referenceRejected[i]!,
    },
  };
}

for (const [name, options, formula] of PAPERS) {
  test(
    `lossRows.${name} is the formula of its paper: ${JSON.stringify(options)}`,
    pure,
    () => {
      const { losses } = preferenceLoss(
        pairsOf(name),
        optionsOf(name, options),
      );
      for (const [i, loss] of losses.entries()) {
        assertAlmostEquals(loss, formula(i), 1e-12);
      }
    },
  );
}

test(
  "lossRows of DPO's kin are DPO where their own option does nothing",
  pure,
  () => {
    const { losses } = preferenceLoss(five, optionsOf("sigmoid"));
    const kin: readonly [LossName, Partial<LossOptions>][] = [
      ["dpo_shift", { dpo_lambda: 1 }],
      ["r_dpo", { rdpo_alpha: 0 }],
    ];
    for (const [name, options] of kin) {
      assertEquals(
        preferenceLoss(five, optionsOf(name, options)).losses,
        losses,
      );
    }
    const soft = preferenceLoss(
      five,
      optionsOf("dr_dpo", { dr_dpo_beta: 1e6 }),
    );
    assertAlmostEquals(total(soft.losses), total(losses), 1e-4);
  },
);

test(
  "lossRows.orpo stays finite where an answer is certain",
  pure,
  () => {
    const certain = { ...fiveMeans, chosen: new Float64Array(5) };
    const result = preferenceLoss(certain, optionsOf("orpo"));
    assert(result.losses.every((x) => Math.abs(x) < 1e-6));
    assert(result.chosenSlopes.every(Number.isFinite));
  },
);

test(
  "lossDefaults are TRL's: beta 0.1, no smoothing, reverse_kl, tau 0.05, gamma 0.5, weights 1",
  pure,
  () => {
    const {
      dpop_lambda: _dpop,
      chipo_rmax: _chipo,
      dpo_lambda: _shift,
      dr_dpo_beta: _drDpo,
      rdpo_alpha: _rDpo,
      ...trl
    } = lossDefaults;
    assertEquals(trl, {
      beta: 0.1,
      label_smoothing: 0,
      f_divergence_type: "reverse_kl",
      f_alpha_divergence_coef: 0.5,
      discopop_tau: 0.05,
      simpo_gamma: 0.5,
      desirable_weight: 1,
      undesirable_weight: 1,
      center_rewards_coefficient: 0,
    });
  },
);
