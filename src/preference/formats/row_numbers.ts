/**
 * Reads the numbers that a row gives its two answers: scores, a margin, and the reference model's
 * log-probabilities. A positive log-probability is refused, since it must be a score.
 */
import { withoutFloat } from "../../base/json_float.ts";
import type { PairOfNumbers, Preference } from "./preference.ts";
import type { Row } from "./turns.ts";

/**
 * Columns of the chosen answer's score; those of the rejected answer have `rejected` in place of
 * `chosen`.
 */
const SCORES = [
  "chosen_score",
  "score_chosen",
  "chosen_rating",
  "rating_chosen",
  "chosen-rating",
  "chosen_avg_rating",
  "chosen_reward",
  "reward_chosen",
];

/** The number of a value that is a number or the text of one; undefined for other values. */
export function parsedNumber(value: unknown): number | undefined {
  const number = typeof value === "string" && value.trim() !== ""
    ? Number(value)
    : withoutFloat(value);
  return typeof number === "number" && Number.isFinite(number)
    ? number
    : undefined;
}

/** The scores of two values, if both are numbers. */
export function scoresOf(
  chosen: unknown,
  rejected: unknown,
): Pick<Preference, "scores"> {
  const pair = [parsedNumber(chosen), parsedNumber(rejected)] as const;
  return pair[0] === undefined || pair[1] === undefined
    ? {}
    : { scores: { chosen: pair[0], rejected: pair[1] } };
}

/** Other names of such columns. */
const SCORE = /score|rating|reward/i;

function rowScores(row: Row): Pick<Preference, "scores"> {
  const others = Object.keys(row).filter((key) =>
    key.includes("chosen") && SCORE.test(key)
  );
  const found = [...SCORES, ...others].map((key) =>
    scoresOf(row[key], row[key.replace("chosen", "rejected")])
  );
  return found.find(({ scores }) => scores !== undefined) ?? {};
}

/** Reads `margin`, as TRL's reward trainer does. */
function rowMargin(row: Row): Pick<Preference, "margin"> {
  const margin = parsedNumber(row["margin"]);
  return margin === undefined ? {} : { margin };
}

/** @throws {TypeError} if the value is not a number; {RangeError} if it is positive */
function logpAt(row: Row, key: string): number {
  const value = parsedNumber(row[key]);
  if (value === undefined) {
    throw new TypeError(
      `"${key}" is ${
        JSON.stringify(row[key])
      }, expected the sum of the answer's log-probabilities`,
    );
  }
  if (value > 0) {
    throw new RangeError(
      `"${key}" is ${value}, expected a log-probability of at most 0; a score belongs into a column such as "chosen_score"`,
    );
  }
  return value;
}

function rowReference(row: Row): Pick<Preference, "referenceLogps"> {
  const [a, b] = ["ref_chosen_logps", "ref_rejected_logps"] as const;
  if (!(a in row) && !(b in row)) return {};
  const referenceLogps: PairOfNumbers = {
    chosen: logpAt(row, a),
    rejected: logpAt(row, b),
  };
  return { referenceLogps };
}

/**
 * The scores, margin and reference log-probabilities of a row, as far as it gives them.
 *
 * @throws {TypeError} or {RangeError} for a log-probability that is not a number or is positive
 */
export function rowNumbers(
  row: Row,
): Pick<Preference, "scores" | "margin" | "referenceLogps"> {
  return { ...rowScores(row), ...rowMargin(row), ...rowReference(row) };
}
