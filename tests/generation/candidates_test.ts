/** Candidates by selection beside the same candidates by sorting the whole row. */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import {
  findCandidates,
  type Limits,
  walkTo,
} from "../../src/generation/candidates.ts";
import { seeded } from "../kernels/numbers.ts";
import { test } from "../test_case.ts";

/** `spread` up to which logits differ; half of them are rounded, so that some are equal. */
function logitsOf(count: number, seed: number, spread: number): Float32Array {
  return seeded(count, seed, spread).map((logit, i) =>
    i % 2 ? Math.round(logit) : logit
  );
}

/** The ids that are left, by sorting ids by their values. */
function kept(
  logits: Float32Array,
  weigh: (logit: number) => number,
  { top_k, top_p }: Limits,
): number[] {
  const ids = [...logits.keys()].sort((a, b) =>
    logits[b]! - logits[a]! || a - b
  );
  const least = logits[ids[top_k - 1] ?? ids.at(-1)!]!;
  const most = ids.filter((id) => logits[id]! >= least); // all equal ones
  const whole = most.reduce((sum, id) => sum + weigh(logits[id]!), 0);
  let sum = 0;
  const last = most.findIndex((id) =>
    (sum += weigh(logits[id]!)) >= top_p * whole
  );
  return top_p === 1 || last < 0 ? most : most.slice(0, last + 1);
}

test("findCandidates() leaves what sorting the whole row leaves", () => {
  const limits: Limits[] = [0, 1, 3, 40, 5000].flatMap((top_k) =>
    [1, 0.95, 0.5, 1e-9].map((top_p) => ({ top_k, top_p }))
  );
  for (
    const [count, spread] of [[1, 1], [7, 3], [500, 1], [700, 40]] as const
  ) {
    const logits = logitsOf(count, count, spread);
    const most = logits.reduce((a, b) => Math.max(a, b));
    const weigh = (logit: number) => Math.exp(logit - most);
    const bounds = [most - 8, most - 16, -Infinity];
    const row = { values: logits, weigh, bounds };
    for (const limit of limits) {
      const found = findCandidates(row, limit);
      const want = kept(logits, weigh, limit);
      let ties = found.ties;
      const got = [...logits.keys()].filter((id) =>
        logits[id]! > found.least || logits[id] === found.least && ties-- > 0
      );
      assertEquals(got, want.toSorted((a, b) => a - b));
      const total = want.reduce((sum, id) => sum + weigh(logits[id]!), 0);
      assertAlmostEquals(found.total, total, 1e-12 * total);
    }
  }
});

test("findCandidates() tells what lies on both sides of a cut", () => {
  const values = Float32Array.of(0.125, 0.5, 0.25, 0.125);
  const row = { values, weigh: (p: number) => p, bounds: [0.2, 0] };
  const { next, surplus } = findCandidates(row, { top_k: 0, top_p: 0.625 });
  assertEquals(next, 0.125);
  assertEquals(surplus, [0.125, -0.125]);
});

test("findCandidates() tells where top_k left more than it says", () => {
  const values = Float32Array.of(0.25, 0.125, 0.5, 0.125);
  const row = { values, weigh: (p: number) => p, bounds: [0] };
  const crosses = [1, 2, 3, 4, 0].map((top_k) =>
    findCandidates(row, { top_k, top_p: 1 }).crosses
  );
  assertEquals(crosses, [false, false, true, false, false]);
});

test("walkTo() ends at the token whose weight contains the point", () => {
  const values = Float32Array.of(0.25, 0.125, 0.5, 0.125);
  const row = { values, weigh: (p: number) => p, bounds: [0] };
  const candidates = findCandidates(row, { top_k: 2, top_p: 1 });
  // tokens 0 and 2 are left, with 1/3 and 2/3
  const ids = [0, 0.3, 0.34, 0.99].map((point) =>
    walkTo(point, row, candidates).id
  );
  assertEquals(ids, [0, 0, 2, 2]);
});
