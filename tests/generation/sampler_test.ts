import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  createSampler,
  GREEDY,
  likeliest,
  type Sampling,
} from "../../src/generation/sampler.ts";
import { fillSampling } from "../../src/generation/sampling_defaults.ts";
import { test } from "../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

const LOGITS = Float32Array.of(0.5, 2, -1, 2, 1, -Infinity, 0);

/** How often each token is drawn in `count` draws. */
function shares(sampling: Sampling, count = 20_000): number[] {
  const sampler = createSampler(sampling, 7);
  const found = new Array<number>(LOGITS.length).fill(0);
  for (let i = 0; i < count; i++) found[sampler(LOGITS)]!++;
  return found.map((times) => times / count);
}

/** The softmax of the kept tokens, in plain loops. */
function softmax(temperature: number, kept: readonly number[]): number[] {
  const weights = [...LOGITS].map((logit, id) =>
    kept.includes(id) ? Math.exp(logit / temperature) : 0
  );
  const sum = weights.reduce((a, b) => a + b);
  return weights.map((weight) => weight / sum);
}

function assertShares(got: readonly number[], want: readonly number[]): void {
  for (const [id, share] of want.entries()) {
    // four standard deviations of 20,000 draws
    const slack = 4 * Math.sqrt(share * (1 - share) / 20_000);
    assert(
      Math.abs(got[id]! - share) <= slack,
      `token ${id}: ${got[id]}, expected ${share}`,
    );
  }
}

test(
  "createSampler() at temperature 0 takes the lowest of equal logits",
  pure,
  () => {
    assertEquals(createSampler(GREEDY)(LOGITS), 1);
    assertEquals(likeliest(Float32Array.of(-Infinity, -3)), 1);
  },
);

test(
  "createSampler() draws with the softmax's probabilities",
  pure,
  () => {
    const all = [0, 1, 2, 3, 4, 6];
    for (const temperature of [0.7, 1, 2]) {
      const got = shares({ temperature, top_k: 0, top_p: 1 });
      assertShares(got, softmax(temperature, all));
    }
  },
);

test(
  "createSampler() with top_k keeps k tokens, and those as likely as the last, as transformers",
  pure,
  () => {
    const got = shares({ temperature: 1, top_k: 3, top_p: 1 });
    assertShares(got, softmax(1, [1, 3, 4]));
    const likeliest = shares({ temperature: 1, top_k: 1, top_p: 1 });
    assertShares(likeliest, softmax(1, [1, 3]));
  },
);

test(
  "createSampler() with top_p keeps the fewest tokens that reach it",
  pure,
  () => {
    // of the whole 1 and 3 have 0.366 each, 4 has 0.135, 0 has 0.082
    const got = shares({ temperature: 1, top_k: 0, top_p: 0.8 });
    assertShares(got, softmax(1, [1, 3, 4]));
    assertShares(
      shares({ temperature: 1, top_k: 0, top_p: 0.7 }),
      softmax(1, [1, 3]),
    );
    assertEquals(shares({ temperature: 1, top_k: 0, top_p: 1e-9 }, 50)[1], 1);
  },
);

test("createSampler() applies top_p to what top_k left", pure, () => {
  // among 1, 3 and 4 the first two have 0.845
  const got = shares({ temperature: 1, top_k: 3, top_p: 0.84 });
  assertShares(got, softmax(1, [1, 3]));
});

test(
  "createSampler() repeats its draws with the same seed only",
  pure,
  () => {
    const drawn = (seed: number) => {
      const sampler = createSampler(
        { temperature: 1, top_k: 0, top_p: 1 },
        seed,
      );
      return Array.from({ length: 40 }, () => sampler(LOGITS)).join();
    };
    assertEquals(drawn(3), drawn(3));
    assert(drawn(3) !== drawn(4));
  },
);

test(
  "createSampler() names every parameter that is out of range",
  pure,
  () => {
    const error = assertThrows(
      () => createSampler({ temperature: -1, top_k: 0.5, top_p: 0 }),
      RangeError,
    );
    for (const name of ["temperature -1", "top_k 0.5", "top_p 0"]) {
      assert(error.message.includes(name), error.message);
    }
  },
);

test(
  "createSampler() refuses logits that are NaN or all infinite",
  pure,
  () => {
    const sampler = createSampler({ temperature: 1, top_k: 2, top_p: 0.5 });
    assertThrows(
      () => sampler(Float32Array.of(1, NaN)),
      RangeError,
      "the logit of token 1 is NaN",
    );
    assertThrows(() => sampler(Float32Array.of(-Infinity)), RangeError);
  },
);

test(
  "fillSampling() takes what is said, then generation_config, then transformers' defaults",
  pure,
  () => {
    const none = { temperature: null, top_k: null, top_p: null };
    const config = { do_sample: true, temperature: 0.7, top_k: 20, top_p: 0.8 };
    const usual = { temperature: 1, top_k: 50, top_p: 1 };
    assertEquals(fillSampling(none, { do_sample: true }), usual);
    assertEquals(fillSampling({ ...none, top_p: 1 }), usual);
    assertEquals(fillSampling(none, config), {
      temperature: 0.7,
      top_k: 20,
      top_p: 0.8,
    });
    assertEquals(
      fillSampling({ ...none, temperature: 0, top_k: 0 }, config),
      { temperature: 0, top_k: 0, top_p: 0.8 },
    );
  },
);

test(
  "fillSampling() is greedy unless do_sample is true or the user draws",
  pure,
  () => {
    const none = { temperature: null, top_k: null, top_p: null };
    for (const said of [{ do_sample: false }, {}, { do_sample: null }]) {
      const config = { ...said, top_k: 5, temperature: 0.6 };
      assertEquals(fillSampling(none, config), GREEDY);
      assertEquals(
        fillSampling({ ...none, top_p: 0.9 }, config),
        { temperature: 0.6, top_k: 5, top_p: 0.9 },
      );
    }
  },
);
