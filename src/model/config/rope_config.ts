/**
 * Reads rotary embeddings from both layouts of config.json: `rope_theta` and `rope_scaling`, or
 * `rope_parameters`, which may have a record for each kind of layer. Knows no tensor.
 */
import { tell } from "../../base/notes.ts";
import { shown, spelled } from "../../base/shown.ts";
import {
  plainFrequencies,
  ROPE_KINDS,
  type RopeContext,
  type RopeNumbers,
} from "./rope_kinds.ts";

/** The numbers of a rotary embedding. */
export interface Rope {
  /** `[rotaryDim / 2]`, in radians per position. */
  readonly inverseFrequencies: Float64Array;
  /** Factor that cosines and sines are multiplied by. */
  readonly attentionFactor: number;
  /** How many dims of each head rotate, counted from the first. */
  readonly rotaryDim: number;
  /**
   * Whether the dims of a rotated pair are neighbours; otherwise they are `rotaryDim / 2` apart.
   */
  readonly interleaved: boolean;
  /** Whether the heads turn the other way. */
  readonly reversed: boolean;
  /** Number of positions for which it is valid. */
  readonly positions: number;
  /** How queries grow with their positions; undefined: they do not. */
  readonly queryGrowth?: QueryGrowth | undefined;
}

/**
 * Queries are multiplied by `1 + beta * ln(1 + floor(position / positions))`, which is 1 up to the
 * original length of Llama 4's and Ministral's texts.
 */
export interface QueryGrowth {
  readonly beta: number;
  readonly positions: number;
}

/** The values of the keys in config.json. */
export interface RopeKeys {
  readonly theta: unknown;
  /** Theta of the layers with a sliding window, in the older layout. */
  readonly localTheta: unknown;
  readonly scaling: unknown;
  readonly parameters: unknown;
  readonly partial: unknown;
  /** `original_max_position_embeddings`, which Phi-3 has beside the scaling, not in it. */
  readonly originalPositions: unknown;
}

/** The sizes and switches of a model that its rotary embeddings need. */
export interface RopeShape {
  readonly head_dim: number;
  readonly max_position_embeddings: number;
  readonly partialRotary: number;
  readonly interleaved: boolean;
  readonly reversed: boolean;
  /** Whether `partial_rotary_factor` counts. */
  readonly readsPartialRotary: boolean;
  /** Whether there may be a record for each kind of layer. */
  readonly hasLocalRope: boolean;
  /** Whether `alpha` counts in rope_type "dynamic". */
  readonly hasRopeAlpha: boolean;
  /** Whether `mrope_section` and `mrope_interleaved` change nothing. */
  readonly hasRopeSections: boolean;
  /** Whether `llama_4_scaling_beta` counts. */
  readonly hasQueryGrowth: boolean;
}

/**
 * The rotary embeddings of layers that attend to all keys (`full`) and of those with a sliding
 * window.
 */
export interface Ropes {
  readonly full: Rope;
  readonly sliding: Rope;
}

type Json = Readonly<Record<string, unknown>>;

/** Beyond the largest theta in use, 1e11: with a larger one hardly any dim would turn. */
const MOST_THETA = 1e15;

const isRecord = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Reads the rotary embeddings; faults are added to `problems`. */
export function readRopes(
  given: RopeKeys,
  shape: RopeShape,
  problems: string[],
): Ropes {
  for (
    const [key, value] of [
      ["rope_scaling", given.scaling],
      ["rope_parameters", given.parameters],
    ]
  ) {
    if (isRecord(value ?? {})) continue;
    problems.push(`"${key}" is ${shown(value)}, expected an object or null`);
  }
  const parameters = isRecord(given.parameters) ? given.parameters : {};
  const nested = isRecord(parameters["full_attention"]) ||
    isRecord(parameters["sliding_attention"]);
  if (nested && !shape.hasLocalRope) {
    problems.push(
      '"rope_parameters" has a record for each kind of layer, which is not served for this model_type',
    );
  }
  if (!nested && shape.hasLocalRope && Object.keys(parameters).length > 0) {
    problems.push(
      '"rope_parameters" has no record for each kind of layer ("full_attention", "sliding_attention"), expected both for this model_type',
    );
  }
  // transformers looks for "truncate" beside the records of the kinds, never in one of them
  const beside = nested && "truncate" in parameters
    ? { truncate: parameters["truncate"] }
    : {};
  const part = (name: string) => {
    const value = nested ? parameters[name] : parameters;
    return isRecord(value) ? besideLayers(value, shape, beside) : {};
  };
  const scaling = isRecord(given.scaling) ? given.scaling : undefined;
  const full = readRope(
    {
      ...given,
      keys: scaling
        ? besideLayers(scaling, shape, beside)
        : part("full_attention"),
    },
    shape,
    problems,
  );
  if (!nested && given.localTheta === undefined) return { full, sliding: full };
  const keys = part("sliding_attention");
  const sliding = readRope(
    { ...given, theta: given.localTheta, keys: nested ? keys : {} },
    shape,
    problems,
  );
  return { full, sliding };
}

/**
 * The record of a kind of layer without its own `truncate`, which does not count in families that
 * have a record for each kind.
 */
function besideLayers(
  { truncate, ...record }: Json,
  { hasLocalRope }: RopeShape,
  beside: Json,
): Json {
  if (!hasLocalRope) {
    return truncate === undefined ? record : { truncate, ...record };
  }
  if (truncate !== undefined) {
    tell(
      `"truncate" (${
        shown(truncate)
      }) of one kind of layer does not count: it is left out, as in transformers`,
    );
  }
  const isYarn = (record["rope_type"] ?? record["type"]) === "yarn";
  return isYarn ? { ...record, ...beside } : record;
}

function readRope(
  given: Pick<RopeKeys, "theta" | "partial" | "originalPositions"> & {
    readonly keys: Json;
  },
  { head_dim, max_position_embeddings, ...shape }: RopeShape,
  problems: string[],
): Rope {
  const { keys } = given;
  const theta = keys["rope_theta"] ?? given.theta ?? 10_000;
  if (typeof theta !== "number" || !(theta >= 1 && theta <= MOST_THETA)) {
    problems.push(
      `"rope_theta" is ${
        shown(theta)
      }, expected a number of 1 to ${MOST_THETA}`,
    );
  }
  const written = given.partial ?? keys["partial_rotary_factor"];
  const partial = partialOf(written, shape);
  let rotaryDim = Math.floor(head_dim * numberOf(partial));
  if (!(rotaryDim > 0 && rotaryDim <= head_dim) || rotaryDim % 2 !== 0) {
    problems.push(
      partial === 1
        ? `"head_dim" is ${head_dim}, expected an even number`
        : `"partial_rotary_factor" ${
          shown(partial)
        } of "head_dim" ${head_dim} is ${rotaryDim}, expected an even number up to that`,
    );
    rotaryDim = 2;
  }
  const known = given.originalPositions === undefined
    ? {}
    : { original_max_position_embeddings: given.originalPositions };
  const { llama_4_scaling_beta } = keys;
  const scaling: Json = { ...known, ...countingKeys(keys, shape) };
  checkScaling(scaling, shape, problems);
  const context = {
    rotaryDim,
    theta: numberOf(theta),
    max_position_embeddings,
    scaling,
  };
  const numbers = ropeNumbers(context, problems);
  return {
    inverseFrequencies: numbers.inverseFrequencies,
    attentionFactor: numbers.attentionFactor ?? 1,
    positions: Math.min(max_position_embeddings, numbers.positions ?? Infinity),
    rotaryDim,
    interleaved: shape.interleaved,
    reversed: shape.reversed,
    queryGrowth: shape.hasQueryGrowth
      ? queryGrowth(llama_4_scaling_beta, scaling, problems)
      : undefined,
  };
}

/**
 * The keys that count as those of a kind of rotation: without sections of positions, which change
 * nothing in texts, and without the growth of queries, in families that have them.
 */
function countingKeys(
  keys: Json,
  { hasRopeSections, hasQueryGrowth }: Pick<
    RopeShape,
    "hasRopeSections" | "hasQueryGrowth"
  >,
): Json {
  const left: Record<string, unknown> = { ...keys };
  if (hasQueryGrowth) delete left["llama_4_scaling_beta"];
  if (!hasRopeSections) return left;
  delete left["mrope_section"];
  delete left["mrope_interleaved"];
  const isPlain = (left["rope_type"] ?? left["type"]) === "mrope";
  return isPlain ? { ...left, rope_type: "default" } : left;
}

function queryGrowth(
  beta: unknown,
  { original_max_position_embeddings: positions }: Json,
  problems: string[],
): QueryGrowth | undefined {
  const isBeta = typeof beta === "number" && beta >= 0 && beta <= 1e3;
  if (isBeta && Number.isSafeInteger(positions)) {
    return { beta, positions: positions as number };
  }
  problems.push(
    isBeta
      ? `"rope_parameters" has no "original_max_position_embeddings", expected it beside "llama_4_scaling_beta"`
      : `"llama_4_scaling_beta" of "rope_parameters" is ${
        shown(beta)
      }, expected a number of 0 to 1000`,
  );
  return undefined;
}

/** Keys of `rope_scaling` that count for each kind of scaling. */
function checkScaling(
  scaling: Json,
  { hasRopeAlpha }: Pick<RopeShape, "hasRopeAlpha">,
  problems: string[],
): void {
  const original = scaling["original_max_position_embeddings"] ?? 1;
  if (!(Number.isSafeInteger(original) && original as number > 0)) {
    problems.push(
      `"original_max_position_embeddings" is ${
        shown(original)
      }, expected a positive integer`,
    );
  }
  if ("alpha" in scaling && !hasRopeAlpha) {
    problems.push(
      `"alpha" (${
        shown(scaling["alpha"])
      }) of "rope_scaling" is not served for this model_type`,
    );
  }
}

/** The share of dims that rotate. A value that does not count for the family is told. */
function partialOf(
  written: unknown,
  { readsPartialRotary, partialRotary }: Pick<
    RopeShape,
    "readsPartialRotary" | "partialRotary"
  >,
): unknown {
  if (readsPartialRotary) return written ?? partialRotary;
  if ((written ?? 1) !== 1) {
    tell(
      `"partial_rotary_factor" (${
        shown(written)
      }) in config.json does not count for this model_type: it is left out, as in transformers`,
    );
  }
  return partialRotary;
}

function numberOf(value: unknown): number {
  return typeof value === "number" ? value : NaN;
}

/** Older names of kinds -> their names today. */
const SYNONYMS: Readonly<Record<string, string>> = { su: "longrope" };

/** Keys that every kind of rotary embedding may have. */
const COMMON = [
  "rope_theta",
  "rope_type",
  "type",
  "partial_rotary_factor",
  "original_max_position_embeddings",
];

function ropeNumbers(
  context: RopeContext,
  problems: string[],
): RopeNumbers {
  const { scaling, theta, rotaryDim } = context;
  const named = spelled(scaling["rope_type"] ?? scaling["type"] ?? "default");
  const name = Object.hasOwn(SYNONYMS, named) ? SYNONYMS[named]! : named;
  const base = plainFrequencies(theta, rotaryDim);
  const kind = Object.hasOwn(ROPE_KINDS, name) ? ROPE_KINDS[name] : undefined;
  if (!kind) {
    problems.push(
      `rope_type ${shown(name)} is not served, expected one of ${
        Object.keys(ROPE_KINDS).join(", ")
      }`,
    );
    return { inverseFrequencies: base };
  }
  const before = problems.length;
  const needed = kind.needed.map((key) => key.replace("[]", ""));
  for (const key of kind.needed) checkKey(name, key, context, problems);
  for (const key of kind.optional ?? []) {
    if ((scaling[key] ?? undefined) !== undefined) {
      checkKey(name, key, context, problems);
    }
  }
  for (const [key, value] of Object.entries(scaling)) {
    if ([...needed, ...(kind.optional ?? []), ...COMMON].includes(key)) {
      continue;
    }
    problems.push(
      `"${key}" (${shown(value)}) of rope_type "${name}" is not known`,
    );
  }
  if (problems.length > before) return { inverseFrequencies: base };
  const numbers = kind.numbers(base, context);
  if (!areUsable(numbers)) {
    problems.push(
      `the numbers of rope_type "${name}" (${
        shown(scaling)
      }) give a rotation that is none, expected those of a published model`,
    );
  }
  return numbers;
}

/**
 * Whether a rotation keeps its places apart in float32. Published factors are 0.7 to 1.5, published
 * frequencies at most 1 radian; a frequency of 0 leaves its dims as they are.
 */
function areUsable(
  { inverseFrequencies, attentionFactor = 1 }: RopeNumbers,
): boolean {
  return attentionFactor >= 1e-3 && attentionFactor <= 1e3 &&
    inverseFrequencies.every((one) => one >= 0 && one <= 1e3);
}

function checkKey(
  name: string,
  key: string,
  { scaling, rotaryDim }: RopeContext,
  problems: string[],
): void {
  const plain = key.replace("[]", "");
  const value = scaling[plain];
  const [isRight, wanted] = key.endsWith("[]")
    ? [
      Array.isArray(value) && value.length === rotaryDim / 2 &&
      value.every(Number.isFinite),
      `a list of ${rotaryDim / 2} numbers`,
    ]
    : plain === "truncate"
    ? [typeof value === "boolean", "true or false as"]
    : plain === "factor"
    ? [isWithin(value, 1, 1e6), "a number of at least 1 and at most 1e6 as"]
    : SIGNED.has(plain)
    ? [Number.isFinite(value), "a number"]
    : [isWithin(value, 1e-6, 1e9), "a positive number"];
  if (isRight) return;
  problems.push(
    `rope_type "${name}" wants ${wanted} "${plain}", found ${shown(value)}`,
  );
}

/** Keys whose numbers may be 0 or negative. */
const SIGNED = new Set(["alpha", "mscale", "mscale_all_dim"]);

function isWithin(value: unknown, least: number, most: number): boolean {
  return typeof value === "number" && value >= least && value <= most;
}
