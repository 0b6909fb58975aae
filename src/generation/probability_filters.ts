/**
 * The ways of leaving out unlikely tokens beside top_k and top_p: min_p, typical_p, epsilon_cutoff
 * and eta_cutoff, by the formulas and in the order of transformers, after temperature, top_k and
 * top_p. In float64. Knows no random number.
 */
import type { Sampling } from "./sampler.ts";

/** Leaves out tokens by their log-probabilities: gives those of the rest, not normalised. */
export type ProbabilityFilter = (logps: Float64Array) => void;

const FILTERS: Readonly<Record<string, (value: number) => ProbabilityFilter>> =
  {
    // https://arxiv.org/abs/2407.01082
    min_p: (value) => (logps) => {
      keepAbove(logps, Math.log(value) + largest(logps));
    },
    // https://arxiv.org/abs/2202.00666
    typical_p: (mass) => (logps) => {
      const entropy = entropyOf(logps);
      const away = logps.map((logp) => Math.abs(-logp - entropy));
      const order = [...logps.keys()].filter((id) => logps[id]! > -Infinity)
        .sort((a, b) => away[a]! - away[b]!);
      let sum = 0;
      let at = 0;
      for (; at < order.length - 1; at++) {
        sum += Math.exp(logps[order[at]!]!);
        if (sum >= mass) break;
      }
      const farthest = away[order[at]!]!;
      logps.forEach((_, id) => {
        if (away[id]! > farthest) logps[id] = -Infinity;
      });
    },
    // https://arxiv.org/abs/2210.15191, section 3.1 and Eq. 2
    epsilon_cutoff: (epsilon) => (logps) => keepAbove(logps, Math.log(epsilon)),
    eta_cutoff: (epsilon) => (logps) => {
      const eta = Math.sqrt(epsilon) * Math.exp(-entropyOf(logps));
      keepAbove(logps, Math.log(Math.min(epsilon, eta)));
    },
  };

/** Values from which on transformers does without a filter; it refuses a min_p above 1. */
const IDLE: Readonly<Record<string, number>> = {
  min_p: Infinity,
  typical_p: 1,
  epsilon_cutoff: 1,
  eta_cutoff: 1,
};

/** The keys that have a filter. */
export const FILTER_KEYS: readonly string[] = Object.keys(FILTERS);

/** The filters that a parsed generation_config.json asks for, in their order. */
export function probabilityFilters(
  config: Readonly<Record<string, unknown>>,
): ProbabilityFilter[] {
  return Object.entries(FILTERS).flatMap(([key, make]) => {
    const value = config[key];
    return typeof value === "number" && value > 0 && value < IDLE[key]!
      ? [make(value)]
      : [];
  });
}

/** Logits of the tokens that are left: the softmax of them is what tokens are drawn by. */
export function filterLogits(
  logits: Float32Array,
  { temperature, top_k, top_p }: Sampling,
  filters: readonly ProbabilityFilter[],
): Float32Array {
  const logps = Float64Array.from(logits, (logit) => logit / temperature);
  if (top_k > 0 && top_k < logps.length) {
    const sorted = logps.toSorted();
    keepAbove(logps, sorted[sorted.length - top_k]!);
  }
  normalize(logps);
  if (top_p < 1) keepNucleus(logps, top_p);
  for (const filter of filters) {
    normalize(logps);
    filter(logps);
  }
  return Float32Array.from(logps);
}

function keepNucleus(logps: Float64Array, top_p: number): void {
  const order = [...logps.keys()].sort((a, b) => logps[b]! - logps[a]!);
  let sum = 0;
  for (const id of order) {
    const p = Math.exp(logps[id]!);
    if (sum >= top_p) logps[id] = -Infinity;
    sum += p;
  }
}

const largest = (logps: Float64Array) =>
  logps.reduce((most, logp) => Math.max(most, logp), -Infinity);

/** Leaves out what is below a bound; the likeliest token stays. */
function keepAbove(logps: Float64Array, bound: number): void {
  const least = Math.min(bound, largest(logps));
  logps.forEach((logp, id) => {
    if (logp < least) logps[id] = -Infinity;
  });
}

function normalize(logps: Float64Array): void {
  const most = largest(logps);
  const sum = logps.reduce((sum, logp) => sum + Math.exp(logp - most), 0);
  const shift = most + Math.log(sum);
  logps.forEach((logp, id) => logps[id] = logp - shift);
}

/** In nats. */
function entropyOf(logps: Float64Array): number {
  return logps.reduce(
    (sum, logp) => logp === -Infinity ? sum : sum - logp * Math.exp(logp),
    0,
  );
}
