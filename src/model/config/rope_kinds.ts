/**
 * The table of kinds of rotary embedding: how each changes the plain frequencies, and its factor on
 * cosines and sines. To add a kind, add a row. Knows no config layout and no tensor.
 */

type Json = Readonly<Record<string, unknown>>;

/** The numbers from which a kind computes its frequencies. */
export interface RopeContext {
  /** How many dims of a head rotate. */
  readonly rotaryDim: number;
  readonly theta: number;
  readonly max_position_embeddings: number;
  /** The record `rope_scaling` or `rope_parameters` of config.json. */
  readonly scaling: Json;
}

/** The frequencies that a kind computes. */
export interface RopeNumbers {
  /** `[rotaryDim / 2]`, in radians per position. */
  readonly inverseFrequencies: Float64Array;
  /** Factor on cosines and sines; 1 unless the kind says otherwise. */
  readonly attentionFactor?: number;
  /** Number of positions for which the frequencies are valid; default: all. */
  readonly positions?: number;
}

interface Kind {
  /** Keys that must be present. They hold numbers, or lists of numbers if they end in `[]`. */
  readonly needed: readonly string[];
  readonly optional?: readonly string[];
  readonly numbers: (base: Float64Array, context: RopeContext) => RopeNumbers;
}

/**
 * The plain frequencies `theta^(-2i / dim)`. Source: https://arxiv.org/abs/2104.09864, Section
 * 3.2.2.
 */
export function plainFrequencies(theta: number, dim: number): Float64Array {
  return Float64Array.from(
    { length: dim / 2 },
    (_, i) => theta ** (-2 * i / dim),
  );
}

function number(
  { scaling }: RopeContext,
  key: string,
  fallback: number,
): number {
  const value = scaling[key];
  return typeof value === "number" ? value : fallback;
}

function original(context: RopeContext): number {
  return number(
    context,
    "original_max_position_embeddings",
    context.max_position_embeddings,
  );
}

/**
 * Llama 3.1's scaling: high frequencies stay, low ones are divided by `factor`, and those in
 * between are blended.
 */
function llama3(base: Float64Array, context: RopeContext): RopeNumbers {
  const factor = number(context, "factor", 1);
  const low = number(context, "low_freq_factor", 1);
  const high = number(context, "high_freq_factor", 4);
  const length = original(context);
  const inverseFrequencies = base.map((f) => {
    const turns = length * f / (2 * Math.PI);
    if (turns < low) return f / factor;
    if (turns > high) return f;
    const blend = (turns - low) / (high - low);
    return (1 - blend) * f / factor + blend * f;
  });
  return { inverseFrequencies };
}

/** Source: https://arxiv.org/abs/2309.00071, Eqs. 17 to 23. */
function yarn(base: Float64Array, context: RopeContext): RopeNumbers {
  const { rotaryDim, theta, scaling } = context;
  const length = original(context);
  const factor = number(
    context,
    "factor",
    context.max_position_embeddings / length,
  );
  const dimOf = (turns: number) =>
    rotaryDim * Math.log(length / (turns * 2 * Math.PI)) /
    (2 * Math.log(theta));
  const whole = scaling["truncate"] !== false;
  const [fast, slow] = [
    dimOf(number(context, "beta_fast", 32)),
    dimOf(number(context, "beta_slow", 1)),
  ];
  const low = Math.max(0, whole ? Math.floor(fast) : fast);
  const high = Math.min(rotaryDim - 1, whole ? Math.ceil(slow) : slow);
  const width = high === low ? 0.001 : high - low;
  const inverseFrequencies = base.map((f, i) => {
    const slowed = Math.min(1, Math.max(0, (i - low) / width));
    return f / factor * slowed + f * (1 - slowed);
  });
  const mscale = (weight: number) =>
    factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1;
  const [m, all] = [
    number(context, "mscale", 0),
    number(context, "mscale_all_dim", 0),
  ];
  const usual = m && all ? mscale(m) / mscale(all) : mscale(1);
  return {
    inverseFrequencies,
    attentionFactor: number(context, "attention_factor", usual),
  };
}

/**
 * Divides the frequencies by a list of factors. The short list is used, which is valid up to the
 * original length; longer sequences need the long list and are refused.
 * Source: https://arxiv.org/abs/2402.13753.
 */
function longrope(base: Float64Array, context: RopeContext): RopeNumbers {
  const { scaling, max_position_embeddings } = context;
  const length = original(context);
  const factors = scaling["short_factor"] as readonly number[];
  const factor = number(context, "factor", max_position_embeddings / length);
  const usual = factor <= 1
    ? 1
    : Math.sqrt(1 + Math.log(factor) / Math.log(length));
  return {
    inverseFrequencies: base.map((f, i) => f / (factors[i] ?? NaN)),
    attentionFactor: number(context, "attention_factor", usual),
    positions: length,
  };
}

/**
 * Raises theta by Hunyuan's `alpha`. Without `alpha` nothing changes up to
 * `max_position_embeddings`.
 */
function dynamic(base: Float64Array, context: RopeContext): RopeNumbers {
  const { theta, rotaryDim } = context;
  const alpha = number(context, "alpha", 0);
  if (!alpha) return { inverseFrequencies: base };
  const raised = theta * alpha ** (rotaryDim / (rotaryDim - 2));
  return { inverseFrequencies: plainFrequencies(raised, rotaryDim) };
}

/** The kinds served, by `rope_type`. */
export const ROPE_KINDS: Readonly<Record<string, Kind>> = {
  default: { needed: [], numbers: (base) => ({ inverseFrequencies: base }) },
  linear: {
    needed: ["factor"],
    numbers: (base, context) => ({
      inverseFrequencies: base.map((f) => f / number(context, "factor", 1)),
    }),
  },
  dynamic: {
    needed: ["factor"],
    optional: ["alpha", "beta_fast", "beta_slow", "mscale", "mscale_all_dim"],
    numbers: dynamic,
  },
  llama3: {
    needed: [
      "factor",
      "low_freq_factor",
      "high_freq_factor",
      "original_max_position_embeddings",
    ],
    numbers: llama3,
  },
  yarn: {
    needed: ["factor"],
    optional: [
      "beta_fast",
      "beta_slow",
      "attention_factor",
      "mscale",
      "mscale_all_dim",
      "truncate",
    ],
    numbers: yarn,
  },
  longrope: {
    needed: ["short_factor[]", "long_factor[]"],
    optional: ["factor", "attention_factor"],
    numbers: longrope,
  },
};
