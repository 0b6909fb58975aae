/**
 * Tokens drawn by rounded probabilities are those of the exact ones, also where the random number
 * lies at the border of two tokens.
 */
import { assert, assertEquals } from "@std/assert";
import { Random } from "../../src/base/random.ts";
import { drawSurely } from "../../src/generation/drawing.ts";
import { createSampler } from "../../src/generation/sampler.ts";
import { softmax } from "../reference/softmax.ts";
import { seeded } from "../kernels/numbers.ts";
import { test } from "../test_case.ts";

/** The probabilities of a device whose errors are the largest that `softmax()` allows. */
function rounded(exact: Float64Array, random: Random): Float32Array {
  const most = exact.reduce((a, b) => Math.max(a, b));
  return Float32Array.from(exact, (p) => {
    const error = 2 ** -23 * (5 + 4 * Math.log(most / p));
    return p * (1 + (random.float() < 0.5 ? -error : error));
  });
}

/** Every second logit is hardly smaller than the one before it. */
function inNearPairs(logits: Float32Array): Float32Array {
  return logits.map((logit, i) => i % 2 ? logits[i - 1]! - 2e-7 : logit);
}

/** Points at, just below and just above every border of two tokens, and some others. */
function points(exact: Float64Array, random: Random): number[] {
  let sum = 0;
  const borders = [...exact].flatMap((p) => {
    sum += p;
    return [sum, sum * (1 - 1e-7), sum * (1 + 1e-7)];
  });
  const others = Array.from({ length: 40 }, () => random.float());
  return [0, ...borders, ...others].filter((point) => point >= 0 && point < 1);
}

/** The sampler's token for a random number of our own. */
function exactly(
  logits: Float32Array,
  limits: { top_k: number; top_p: number },
  point: number,
): Promise<number> {
  using _ = replaced(Random.prototype, "float", () => point);
  const { drawing } = createSampler({ temperature: 1, ...limits });
  // probabilities that are not believed: the logits decide
  return drawing!.draw(
    new Float32Array(logits.length),
    () => Promise.resolve(logits),
  );
}

function replaced<T, K extends keyof T>(owner: T, key: K, value: T[K]) {
  const before = owner[key];
  owner[key] = value;
  return { [Symbol.dispose]: () => void (owner[key] = before) };
}

test("drawSurely() gives the exact token or none, at every border", async () => {
  const random = new Random(3);
  let sure = 0;
  let unsure = 0;
  for (const [count, spread] of [[2, 0.1], [9, 3], [60, 8], [60, 0]] as const) {
    const logits = inNearPairs(seeded(count, 17, spread));
    const exact = softmax(logits, count);
    const limits = [0, 3, 8].flatMap((top_k) =>
      [1, 0.9, exact[0]!].map((top_p) => ({ top_k, top_p }))
    );
    for (const limit of limits) {
      for (const point of points(exact, random)) {
        const got = drawSurely(rounded(exact, random), limit, point);
        if (got === undefined) unsure++;
        else {
          sure++;
          assertEquals(got, await exactly(logits, limit, point));
        }
      }
    }
  }
  assert(sure > 300 && unsure > 300, `${sure} sure, ${unsure} unsure`);
});

test("drawSurely() is sure of nearly every token that is drawn at random", () => {
  const random = new Random(5);
  const exact = softmax(seeded(5000, 11, 12), 5000);
  const times = 400;
  for (const limit of [{ top_k: 0, top_p: 1 }, { top_k: 50, top_p: 0.9 }]) {
    let sure = 0;
    for (let i = 0; i < times; i++) {
      const id = drawSurely(rounded(exact, random), limit, random.float());
      if (id !== undefined) sure++;
    }
    assert(sure > 0.95 * times, `${sure} of ${times}`);
  }
});

test("drawSurely() does not believe what is no distribution", () => {
  const limits = { top_k: 0, top_p: 1 };
  for (const row of [[NaN, NaN], [0.6, 0.6], [0, 0], [Infinity, 0]]) {
    assertEquals(drawSurely(Float32Array.from(row), limits, 0.5), undefined);
  }
});

test("drawSurely() is not sure of equal probabilities at the edge of top_k", () => {
  const row = Float32Array.of(0.5, 0.25, 0.25);
  const drawn = [1, 2, 3].map((top_k) =>
    drawSurely(row, { top_k, top_p: 1 }, 0.1)
  );
  assertEquals(drawn, [0, undefined, 0]);
});
