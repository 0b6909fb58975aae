import {
  assert,
  assertEquals,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import { Random } from "../../src/base/random.ts";
import { test } from "../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

/** sfc32 as published, in integers without bounds. */
function* sfc32(seed: bigint): Generator<number> {
  const mask = 0xffffffffn;
  let [a, b, c, counter] = [seed & mask, seed >> 32n & mask, 0n, 1n];
  for (let i = 0;; i++) {
    const sum = (a + b + counter) & mask;
    counter = (counter + 1n) & mask;
    a = b ^ (b >> 9n);
    b = (c + (c << 3n)) & mask;
    c = (((c << 21n) | (c >> 11n)) + sum) & mask;
    if (i >= 12) yield Number(sum);
  }
}

test("uint32() gives the published sequence of sfc32", pure, () => {
  for (const seed of [0, 42, -1, 2 ** 40 + 5]) {
    const random = new Random(seed);
    const twin = sfc32(BigInt.asUintN(64, BigInt(seed)));
    for (let i = 0; i < 50; i++) {
      assertEquals(random.uint32(), twin.next().value);
    }
  }
});

test(
  "state continues a sequence exactly after a trip through JSON",
  pure,
  () => {
    const random = new Random(7);
    random.normal();
    const state = JSON.parse(JSON.stringify(random.state));
    const ahead = [random.float(), random.normal(), random.below(1000)];
    const again = new Random(state);
    assertEquals([again.float(), again.normal(), again.below(1000)], ahead);
  },
);

test("state refuses what is not four unsigned integers", pure, () => {
  assertThrows(
    () => new Random([1, 2, 3, -4]),
    TypeError,
    "Cannot set the random state: found [1,2,3,-4]",
  );
  assertThrows(() => new Random(0.5), RangeError, "Cannot seed a generator");
});

test(
  "float() stays in [0, 1) with mean 1/2 and variance 1/12",
  pure,
  () => {
    const random = new Random(1);
    const draws = Array.from({ length: 20_000 }, () => random.float());
    assert(draws.every((x) => x >= 0 && x < 1));
    const mean = draws.reduce((a, b) => a + b) / draws.length;
    const variance = draws.reduce((a, x) => a + (x - mean) ** 2, 0) / 20_000;
    // four standard errors: 4 * sqrt(1/12/20000) = 0.0082; of the variance 4 * sqrt(1/180/20000) =
    // 0.0021
    assert(Math.abs(mean - 0.5) < 0.0082, `mean ${mean}`);
    assert(Math.abs(variance - 1 / 12) < 0.0021, `variance ${variance}`);
  },
);

test("normal() has mean 0, variance 1 and no skew", pure, () => {
  const random = new Random(2);
  const draws = Array.from({ length: 20_000 }, () => random.normal());
  const moment = (k: number) => draws.reduce((a, x) => a + x ** k, 0) / 20_000;
  // four standard errors: sqrt(1/n), sqrt(2/n), sqrt(15/n) times 4
  assert(Math.abs(moment(1)) < 0.0283, `mean ${moment(1)}`);
  assert(Math.abs(moment(2) - 1) < 0.04, `variance ${moment(2)}`);
  assert(Math.abs(moment(3)) < 0.11, `third moment ${moment(3)}`);
});

test("below() gives each integer about equally often", pure, () => {
  const random = new Random(3);
  const counts = new Uint32Array(7);
  for (let i = 0; i < 7000; i++) counts[random.below(7)]!++;
  // standard error sqrt(7000 * 1/7 * 6/7) = 29.3
  assert(counts.every((n) => Math.abs(n - 1000) < 118), counts.join());
  assertThrows(() => random.below(0), RangeError, "Cannot draw an integer");
});

test(
  "below() draws again where the remainder would favour small integers",
  pure,
  () => {
    const random = new Random(6);
    const n = 3 * 2 ** 30; // a bare remainder would fall below 2^30 half of the time, not a third
    let low = 0;
    for (let i = 0; i < 9000; i++) if (random.below(n) < 2 ** 30) low++;
    // standard error sqrt(9000 * 1/3 * 2/3) = 44.7
    assert(Math.abs(low - 3000) < 179, `${low} of 9000`);
  },
);

test(
  "shuffle() keeps every item and depends on the seed alone",
  pure,
  () => {
    const items = () => Array.from({ length: 50 }, (_, i) => i);
    const once = new Random(4).shuffle(items());
    assertEquals(new Random(4).shuffle(items()), once);
    assertEquals(once.toSorted((a, b) => a - b), items());
    assertNotEquals(new Random(5).shuffle(items()), once);
  },
);
