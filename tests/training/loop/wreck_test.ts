/** What rows of metrics a run is called wrecked by, and what rows it is not. */
import { assertEquals } from "@std/assert";
import { wreckOf } from "../../../src/training/loop/wreck.ts";
import type { Metrics } from "../../../src/training/method/metrics.ts";
import { test } from "../../test_case.ts";

const at = (step: number, row: Metrics): Metrics => ({ step, ...row });

/** The signs of the first wrecked row. */
const signsOf = (rows: readonly Metrics[], startingLoss?: number) =>
  wreckOf(rows, { startingLoss })?.first.signs;

test("wreckOf() compares losses with the loss before the first step", () => {
  assertEquals(signsOf([at(4, { loss: 9.8 })], Math.LN2), [
    "loss 9.8 is above 3 times the 0.693 of the start",
  ]);
  assertEquals(signsOf([at(4, { loss: 2.07 })], Math.LN2), undefined);
  assertEquals(signsOf([at(4, { loss: 2.08 })], Math.LN2), [
    "loss 2.08 is above 3 times the 0.693 of the start",
  ]);
});

test("wreckOf() takes the first row where no loss is known before it", () => {
  assertEquals(signsOf([at(1, { loss: 3 }), at(2, { loss: 8.9 })]), undefined);
  assertEquals(signsOf([at(1, { loss: 3 }), at(2, { loss: 9.1 })]), [
    "loss 9.1 is above 3 times the 3 of the start",
  ]);
  // an evaluation has a first row of its own
  const rows = [at(1, { loss: 1 }), at(2, { eval_loss: 5 })];
  assertEquals(signsOf(rows), undefined);
  assertEquals(signsOf([...rows, at(3, { eval_loss: 16 })]), [
    "eval_loss 16 is above 3 times the 5 of the start",
  ]);
});

test("wreckOf() takes no loss of 0 or below as a start", () => {
  assertEquals(signsOf([at(1, { loss: 5 })], 0), undefined);
  assertEquals(signsOf([at(1, { loss: 5 })], -1), undefined);
});

test("wreckOf() finds no loss of either sign too large, and tells one that is none", () => {
  const start = { startingLoss: 0.01, signed: true };
  const rows = [at(1, { loss: 0.9 }), at(2, { eval_loss: 0.02 })];
  assertEquals(wreckOf([...rows, at(3, { eval_loss: 0.9 })], start), undefined);
  assertEquals(wreckOf([at(1, { loss: NaN })], start)?.first.signs, [
    "loss is NaN",
  ]);
});

test("wreckOf() tells of numbers that are not finite and of wide margins", () => {
  const row = { loss: 1, grad_norm: NaN, "rewards/margins": -51, sparse: NaN };
  assertEquals(signsOf([at(1, row)], 1), [
    "grad_norm is NaN",
    "rewards/margins -51 is beyond 50",
  ]);
  assertEquals(signsOf([at(1, { "eval_rewards/margins": 50.1 })]), [
    "eval_rewards/margins 50.1 is beyond 50",
  ]);
  assertEquals(signsOf([at(1, { "rewards/margins": 50 })]), undefined);
  assertEquals(signsOf([at(1, { eval_loss: Infinity })]), [
    "eval_loss is Infinity",
  ]);
});

test("wreckOf() says whether the last rows are wrong too", () => {
  const wrong = at(2, { loss: 9 });
  const right = at(3, { loss: 0.5 });
  assertEquals(wreckOf([wrong, right], { startingLoss: 1 })?.last, undefined);
  assertEquals(wreckOf([right, wrong], { startingLoss: 1 })?.last?.step, 2);
  const evaluated = [right, at(3, { eval_loss: NaN }), at(4, { loss: 0.4 })];
  assertEquals(wreckOf(evaluated, { startingLoss: 1 })?.last?.step, 3);
});
