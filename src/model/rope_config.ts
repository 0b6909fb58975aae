/**
 * Kinds of rotary embedding, read from either layout of config.json (`rope_theta` and `rope_scaling`, or
 * `rope_parameters`), and their inverse frequencies. Knows no tensor.
 */

/** A rotary embedding. */
export interface Rope {
  /** `[head_dim / 2]`, in radians per position. */
  readonly inverseFrequencies: Float64Array;
}

type Json = Readonly<Record<string, unknown>>;

interface Scaling extends Json {
  readonly kind: string;
}

const isRecord = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The plain frequencies `theta^(-2i / head_dim)`. Source: https://arxiv.org/abs/2104.09864, Section 3.2.2. */
function plain(theta: number, head_dim: number): Float64Array {
  return Float64Array.from(
    { length: head_dim / 2 },
    (_, i) => theta ** (-2 * i / head_dim),
  );
}

/** Frequencies by kind. Llama 3's keeps fast ones, slows slow ones by `factor`, and blends in between. */
const KINDS: Readonly<
  Record<string, (base: Float64Array, scaling: Json) => Float64Array>
> = {
  default: (base) => base,
  linear: (base, { factor }) => base.map((f) => f / Number(factor)),
  llama3: (base, scaling) => {
    const factor = Number(scaling["factor"]);
    const low = Number(scaling["low_freq_factor"]);
    const high = Number(scaling["high_freq_factor"]);
    const context = Number(scaling["original_max_position_embeddings"]);
    return base.map((f) => {
      const turns = context * f / (2 * Math.PI);
      if (turns < low) return f / factor;
      if (turns > high) return f;
      const blend = (turns - low) / (high - low);
      return (1 - blend) * f / factor + blend * f;
    });
  },
};

const NEEDED: Readonly<Record<string, readonly string[]>> = {
  linear: ["factor"],
  llama3: [
    "factor",
    "low_freq_factor",
    "high_freq_factor",
    "original_max_position_embeddings",
  ],
};

/** Reads the rotary embedding; what is wrong goes to `problems`. */
export function readRope(
  given: { theta: unknown; scaling: unknown; parameters: unknown },
  { head_dim }: { head_dim: number; max_position_embeddings: number },
  problems: string[],
): Rope {
  const parameters = isRecord(given.parameters) ? given.parameters : {};
  const scaling = readScaling(
    isRecord(given.scaling) ? given.scaling : parameters,
  );
  const theta = given.theta ?? parameters["rope_theta"] ?? 10_000;
  if (typeof theta !== "number" || !(theta > 0)) {
    problems.push(
      `"rope_theta" is ${JSON.stringify(theta)}, expected a positive number`,
    );
  }
  if (head_dim % 2 !== 0) {
    problems.push(`"head_dim" is ${head_dim}, expected an even number`);
  }
  checkScaling(scaling, problems);
  const kind = KINDS[scaling.kind];
  const base = plain(Number(theta), head_dim);
  return { inverseFrequencies: kind ? kind(base, scaling) : base };
}

/** Keys that a rotary embedding of any kind may have. */
const COMMON = [
  ...["kind", "rope_theta", "rope_type", "type"],
  "original_max_position_embeddings",
];

function checkScaling(scaling: Scaling, problems: string[]): void {
  const { kind } = scaling;
  if (!Object.hasOwn(KINDS, kind)) {
    problems.push(
      `rope_type "${kind}" is not served, expected one of ${
        Object.keys(KINDS).join(", ")
      }`,
    );
    return;
  }
  const needed = NEEDED[kind] ?? [];
  for (const key of needed) {
    if (typeof scaling[key] === "number") continue;
    problems.push(
      `rope_type "${kind}" wants a number "${key}", found ${
        JSON.stringify(scaling[key])
      }`,
    );
  }
  for (const [key, value] of Object.entries(scaling)) {
    if (needed.includes(key) || COMMON.includes(key)) continue;
    problems.push(
      `"${key}" (${JSON.stringify(value)}) of rope_type "${kind}" is not known`,
    );
  }
}

function readScaling(given: Json): Scaling {
  return {
    ...given,
    kind: String(given["rope_type"] ?? given["type"] ?? "default"),
  };
}
