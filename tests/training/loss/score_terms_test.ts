/**
 * Scores of the data as margin and weight of pairs: what they make of a loss, and where they are
 * refused.
 */
import { assert, assertAlmostEquals, assertThrows } from "@std/assert";
import { readOptions } from "../../../src/base/read_options.ts";
import { tokenPair } from "../../../src/preference/tokens/token_examples.ts";
import type { LossName } from "../../../src/training/loss/losses.ts";
import type { TargetStatistics } from "../../../src/training/loss/token_sums.ts";
import type { GivenOptions } from "../../../src/training/method/method.ts";
import { methods } from "../../../src/training/method/methods.ts";
import { trainSchema } from "../../../src/training/options/train_schema.ts";
import { checkScores } from "../../../src/training/loss/score_terms.ts";
import { PAIRS, type Recipe, runTest, writeRows } from "../run/run_scene.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

/** Two pairs of one trained token an answer. */
const EXAMPLES = [[9, 4], [7, 6]].map(([chosen, rejected], i) =>
  tokenPair(
    { ids: [1, 2], completionStart: 1 },
    { ids: [1, 3], completionStart: 1 },
    i + 1,
    { scores: { chosen: chosen!, rejected: rejected! } },
  )
);
const REFERENCE = Float64Array.of(-1, -2, -3, -1.5);
const LOGPS = [-0.8, -2.5, -2.7, -1.9];

/** Only the methods of pairs take scores. */
type ScoredOptions = GivenOptions & {
  readonly trainer?: "dpo" | "reward";
};

function scored(
  { trainer = "dpo", ...options }: ScoredOptions,
  logps = LOGPS,
) {
  const objective = methods[trainer].objective({
    beta: 0.5,
    loss_type: ["sigmoid"],
    loss_weights: null,
    ...options,
  });
  const batch = objective.batch(EXAMPLES);
  const zeros = new Float64Array(4);
  const statistics: TargetStatistics = {
    logps,
    meanLogits: zeros,
    entropies: zeros,
    correct: zeros,
    sumSquares: zeros,
    targetSequence: batch.targetSequence,
  };
  const whole = { parts: 1, targets: 4 };
  return objective.score(batch, statistics, REFERENCE, whole);
}

test({
  ...pure,
  name:
    "objective() asks for score_margin per point and weighs by score_weighting per point",
  fn() {
    const logistic = (x: number) => Math.log1p(Math.exp(-x));
    // beta * (log-ratio of chosen - of rejected): 0.5 * (0.2 + 0.5), 0.5 * (0.3 + 0.4)
    const margins = [0.35, 0.35];
    const gaps = [5, 1];
    const mean = (of: (i: number) => number) => (of(0) + of(1)) / 2;
    assertAlmostEquals(
      scored({ score_margin: 0.2 }).loss,
      mean((i) => logistic(margins[i]! - 0.2 * gaps[i]!)),
      1e-12,
    );
    assertAlmostEquals(
      scored({ score_weighting: 0.25 }).loss,
      mean((i) => 0.25 * gaps[i]! * logistic(margins[i]!)),
      1e-12,
    );
    const plain = scored({}).metrics;
    const asked = scored({ score_margin: 0.2 }).metrics;
    assertAlmostEquals(asked["rewards/margins"]!, plain["rewards/margins"]!);
  },
});

test({
  ...pure,
  name: "slopes with scores are those of central differences",
  fn() {
    const step = 1e-5;
    for (const name of ["sigmoid", "hinge", "robust"] as LossName[]) {
      const options = {
        score_margin: 0.3,
        score_weighting: 0.7,
        loss_type: [name],
        label_smoothing: 0.1,
      };
      const { slopes } = scored(options);
      for (const i of LOGPS.keys()) {
        const at = (by: number) =>
          scored(options, LOGPS.with(i, LOGPS[i]! + by)).loss;
        const want = (at(step) - at(-step)) / (2 * step);
        assertAlmostEquals(slopes[i]!, want, 1e-6, `${name} ${i}`);
      }
    }
  },
});

test({
  ...pure,
  name:
    "checkScores() names pairs without scores, and those that would weigh less than nothing",
  fn() {
    const bare = tokenPair(EXAMPLES[0]!.chosen, EXAMPLES[0]!.rejected, 8);
    const turned = { line: 5, scores: { chosen: 1, rejected: 2 } };
    const none = { score_margin: 0, score_weighting: null };
    const margin = { ...none, score_margin: 1 };
    const weighting = { ...none, score_weighting: 1 };
    checkScores([bare], none);
    checkScores([...EXAMPLES, turned], margin);
    assertThrows(
      () => checkScores([...EXAMPLES, bare], margin),
      TypeError,
      'Cannot use "score_margin": 1 of 3 pairs have no scores, first that of line 8',
    );
    assertThrows(
      () => checkScores([turned, bare], weighting),
      TypeError,
      "line 8",
    );
    assertThrows(
      () => checkScores([...EXAMPLES, turned], weighting),
      RangeError,
      "first in that of line 5; leave them out with min_score_margin 0",
    );
  },
});

test({
  ...pure,
  name: "scores are refused where a loss does not know them",
  fn() {
    const options = { model_name_or_path: "m", dataset: "d", output_dir: "o" };
    const read = (more: Recipe) =>
      readOptions(trainSchema, [{ ...options, ...more }]);
    assertThrows(
      () => read({ score_margin: 1, loss_type: ["ipo", "sft"] }),
      Error,
      '"score_margin" is not defined for "ipo", it is for "sigmoid", ',
    );
    assertThrows(
      () => read({ score_weighting: 1, loss_type: ["aot"] }),
      Error,
      '"score_weighting" weighs pairs one by one',
    );
    const { warnings } = read({ score_margin: 1, trainer: "kto" });
    assert(warnings.some((line) => line.includes("score_margin")));
  },
});

await runTest(
  "runTraining() asks for a margin by the scores of the data",
  async ({ path, train }) => {
    const rows = PAIRS.map((pair, i) => ({
      ...pair,
      chosen_score: 5 + i,
      rejected_score: 3,
    }));
    writeRows(path("scored.jsonl"), rows);
    const recipe = {
      dataset: path("scored.jsonl"),
      max_steps: 1,
      shuffle: false,
      gradient_accumulation_steps: 1,
      score_margin: 0.5,
    };
    const { rows: [row] } = await train("run", recipe);
    // the first row's margin is 0 before the first step: ln(1 + exp(0.5 * 2))
    assertAlmostEquals(row!["loss"]!, Math.log1p(Math.E), 1e-5);
  },
);
