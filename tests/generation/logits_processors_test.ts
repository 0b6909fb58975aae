/** generation_config.json's processors and filters, by transformers' formulas. */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { logitsProcessors } from "../../src/generation/logits_processors.ts";
import {
  createProcessedSampler,
  processingOf,
} from "../../src/generation/processed_sampler.ts";
import {
  filterLogits,
  probabilityFilters,
} from "../../src/generation/probability_filters.ts";
import { GREEDY } from "../../src/generation/sampler.ts";
import { leftOut } from "../../src/generation/generation_keys.ts";
import { fillSampling } from "../../src/generation/sampling_defaults.ts";
import { test } from "../test_case.ts";

const LOGITS = [2, -2, 1, 0, 3, 0.5];
const OUT = -Infinity;
/** Token 5 ends an answer; the prompt is the first two tokens. */
const AT = {
  ids: [0, 1, 2, 0, 1],
  promptLength: 2,
  maxNewTokens: 4,
  stopIds: new Set([5]),
};

function processed(config: Record<string, unknown>, at = AT): number[] {
  const logits = Float32Array.from(LOGITS);
  for (const process of logitsProcessors(config)) process(logits, at);
  return [...logits];
}

const withOut = (...ids: number[]) =>
  LOGITS.map((logit, id) => ids.includes(id) ? OUT : logit);

test("logitsProcessors() penalizes each earlier token once", () => {
  const penalized = [1, -4, 0.5, 0, 3, 0.5];
  assertEquals(processed({ repetition_penalty: 2 }), penalized);
  assertEquals(processed({ repetition_penalty: 1 }), LOGITS);
  // of the prompt alone, and the other way round
  const encouraged = [4, -1, 1, 0, 3, 0.5];
  assertEquals(processed({ encoder_repetition_penalty: 2 }), encouraged);
});

test("logitsProcessors() bans what would repeat an n-gram", () => {
  assertEquals(processed({ no_repeat_ngram_size: 3 }), withOut(2));
  assertEquals(processed({ no_repeat_ngram_size: 1 }), withOut(0, 1, 2));
  assertEquals(processed({ no_repeat_ngram_size: 7 }), LOGITS);
  const ends = { ...AT, ids: [0, 1, 2, 3, 0] };
  assertEquals(
    processed({ encoder_no_repeat_ngram_size: 2 }, ends),
    withOut(1),
  );
});

test("logitsProcessors() bans bad words and adds biases by the tokens before", () => {
  const words = { bad_words_ids: [[3], [0, 1, 4], [2, 1, 0], [5]] };
  assertEquals(processed(words), withOut(3, 4));
  const biases = { sequence_bias: [[[1, 2], 0.5], [[0, 2], 9], [[3], -1]] };
  assertEquals(processed(biases), [2, -2, 1.5, -1, 3, 0.5]);
});

test("logitsProcessors() suppresses tokens, at the beginning or always", () => {
  assertEquals(processed({ suppress_tokens: [0, 4] }), withOut(0, 4));
  const begin = { begin_suppress_tokens: [4] };
  assertEquals(processed(begin), LOGITS);
  assertEquals(processed(begin, { ...AT, promptLength: 5 }), withOut(4));
});

test("logitsProcessors() keeps the end away, brings it nearer, or forces it", () => {
  assertEquals(processed({ min_length: 6 }), withOut(5));
  assertEquals(processed({ min_length: 5 }), LOGITS);
  assertEquals(processed({ min_new_tokens: 4 }), withOut(5));
  assertEquals(processed({ min_new_tokens: 3 }), LOGITS);
  // two tokens over: 0.5 + 0.5 * (2^2 - 1)
  const decay = { exponential_decay_length_penalty: [1, 2] };
  assertEquals(processed(decay), [...LOGITS.slice(0, 5), 2]);
  const forced = [OUT, OUT, OUT, OUT, OUT, 0];
  assertEquals(processed({ forced_eos_token_id: 5 }), forced);
  const more = { ...AT, maxNewTokens: 5 };
  assertEquals(processed({ forced_eos_token_id: [5] }, more), LOGITS);
  const first = { ...AT, ids: [0] };
  assertEquals(processed({ forced_bos_token_id: 5 }, first), forced);
  assertEquals(processed({ forced_bos_token_id: 5 }), LOGITS);
});

test("logitsProcessors() leaves a banned end banned though it is to come nearer", () => {
  const config = { min_length: 6, exponential_decay_length_penalty: [1, 2] };
  assertEquals(processed(config), withOut(5));
});

test("logitsProcessors() leaves out values that no processor understands", () => {
  const odd = {
    sequence_bias: { "(1,)": 2 },
    repetition_penalty: 0,
    bad_words_ids: [3, []],
    exponential_decay_length_penalty: [1],
    no_repeat_ngram_size: -1,
    min_new_tokens: "3",
    suppress_tokens: "5",
  };
  assertEquals(processed(odd), LOGITS);
  const named = leftOut({ ...odd, temperature: "0.7", do_sample: "yes" });
  assertEquals(named.length, 9);
  assertEquals(named.slice(-2), ['temperature "0.7"', 'do_sample "yes"']);
});

/** Probabilities 0.5, 0.25, 0.15, 0.1. */
const PROBABILITIES = [0.5, 0.25, 0.15, 0.1];

/** The tokens that a config leaves of `PROBABILITIES`. */
function left(config: Record<string, number>): number[] {
  const logits = Float32Array.from(PROBABILITIES, (p) => Math.log(p));
  const sampling = { temperature: 1, top_k: 0, top_p: 1, ...config };
  const kept = filterLogits(logits, sampling, probabilityFilters(config));
  return [...kept.keys()].filter((id) => kept[id]! > OUT);
}

test("filterLogits() leaves out what each filter does", () => {
  assertEquals(left({ min_p: 0.4 }), [0, 1]);
  assertEquals(left({ epsilon_cutoff: 0.12 }), [0, 1, 2]);
  assertEquals(left({ epsilon_cutoff: 0.9 }), [0]);
  // the entropy is 1.208: sqrt(0.2) * exp(-1.208) = 0.134
  assertEquals(left({ eta_cutoff: 0.2 }), [0, 1, 2]);
  // surprises 0.693, 1.386, 1.897, 2.303; distances 0.515, 0.178, 0.689, 1.095
  assertEquals(left({ typical_p: 0.2 }), [1]);
  assertEquals(left({ typical_p: 0.7 }), [0, 1]);
  assertEquals(left({ typical_p: 0.8 }), [0, 1, 2]);
  assertEquals(left({ top_k: 3, min_p: 0.1 }), [0, 1, 2]);
  assertEquals(left({ top_p: 0.75, min_p: 0.1 }), [0, 1]);
});

test("filterLogits() divides by the temperature first", () => {
  const logits = Float32Array.of(0, 1);
  const sampling = { temperature: 0.5, top_k: 0, top_p: 1 };
  const [low, high] = filterLogits(logits, sampling, []);
  assertAlmostEquals(high! - low!, 2, 1e-6);
});

test("createProcessedSampler() chooses by what was generated, and leaves the logits", () => {
  const ids = [0];
  const at = { ...AT, ids, promptLength: 1 };
  const processing = processingOf({ no_repeat_ngram_size: 1 });
  const sampler = createProcessedSampler(GREEDY, 0, processing, at);
  const logits = Float32Array.from(LOGITS);
  const chosen = Array.from({ length: 3 }, () => {
    ids.push(sampler(logits));
    return ids.at(-1);
  });
  assertEquals(chosen, [4, 2, 5]);
  assertEquals([...logits], LOGITS);
});

test("fillSampling() heeds do_sample false though a task hands over all its options", () => {
  const options = { temperature: null, top_k: null, top_p: null, seed: 3 };
  assertEquals(fillSampling(options, { do_sample: false, top_k: 5 }), GREEDY);
});
