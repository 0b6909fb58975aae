/**
 * Reads a config.json into what the decoder needs. Sizes come from nowhere else. A key that is unknown, or that has
 * a value we do not serve, stops the load by name: nothing is silently computed wrong.
 */
import { FIXED_KEYS, INERT_KEYS } from "./config_keys.ts";
import { FAMILIES, type Family } from "./families.ts";
import { readRope, type Rope } from "./rope_config.ts";

/** A decoder's sizes and switches. Names are those of config.json. */
export interface ModelConfig {
  /** The family: a row of families.ts. */
  readonly model_type: string;
  /** Width of a token's hidden state. */
  readonly hidden_size: number;
  /** Width of the gated unit. */
  readonly intermediate_size: number;
  /** Blocks. */
  readonly num_hidden_layers: number;
  /** Query heads. */
  readonly num_attention_heads: number;
  /** Key and value heads; each serves as many query heads. */
  readonly num_key_value_heads: number;
  /** Width of a head. */
  readonly head_dim: number;
  /** Rows of the embedding; the tokenizer may have fewer tokens. */
  readonly vocab_size: number;
  /** Longest sequence, in tokens. */
  readonly max_position_embeddings: number;
  /** Added to the mean square of each RMS norm. */
  readonly rms_norm_eps: number;
  /** Standard deviation of random weights. */
  readonly initializer_range: number;
  /** Whether the output layer is the embedding. */
  readonly tie_word_embeddings: boolean;
  /** Of the gated unit. */
  readonly activation: "silu" | "gelu_tanh" | "relu2";
  /** Rotary embedding of queries and keys. */
  readonly rope: Rope;
  /** Bias of the q, k and v projections. */
  readonly qkvBias: boolean;
  /** Bias of the o projection. */
  readonly outputBias: boolean;
  /** Bias of the gate, up and down projections. */
  readonly mlpBias: boolean;
  /** RMS norm of each head's query and key before the rotation. */
  readonly headNorm: boolean;
  /** Keys that a query of each layer sees, itself included; undefined: all before it. */
  readonly windows: readonly (number | undefined)[];
}

type Json = Readonly<Record<string, unknown>>;

const ACTIVATIONS: Readonly<Record<string, ModelConfig["activation"]>> = {
  silu: "silu",
  swish: "silu",
  gelu_pytorch_tanh: "gelu_tanh",
  gelu_new: "gelu_tanh",
  relu2: "relu2",
};

/** A config.json that takes note of which keys were read and what is wrong. */
class Reader {
  readonly problems: string[] = [];
  readonly #read = new Set<string>();

  constructor(readonly config: Json) {}

  value(key: string): unknown {
    this.#read.add(key);
    return this.config[key];
  }

  size(key: string, fallback?: number): number {
    const value = this.value(key) ?? fallback;
    if (Number.isInteger(value) && value as number > 0) return value as number;
    this.problems.push(
      `"${key}" is ${JSON.stringify(value)}, expected a positive integer`,
    );
    return 1;
  }

  number(key: string, fallback: number): number {
    const value = this.value(key) ?? fallback;
    if (typeof value === "number" && Number.isFinite(value)) return value;
    this.problems.push(
      `"${key}" is ${JSON.stringify(value)}, expected a number`,
    );
    return fallback;
  }

  switch(given: boolean | string): boolean {
    if (typeof given === "boolean") return given;
    const value = this.value(given) ?? false;
    if (typeof value !== "boolean") {
      this.problems.push(
        `"${given}" is ${JSON.stringify(value)}, expected true or false`,
      );
    }
    return value === true;
  }

  checkRest(): void {
    for (const [key, value] of Object.entries(this.config)) {
      if (this.#read.has(key) || INERT_KEYS.has(key)) continue;
      const served = FIXED_KEYS[key];
      if (served?.includes(JSON.stringify(value))) continue;
      this.problems.push(
        served
          ? `"${key}" is ${JSON.stringify(value)}, only ${
            served.join(" or ")
          } is served`
          : `"${key}" (${JSON.stringify(value)}) is not known`,
      );
    }
  }
}

/**
 * Reads a parsed config.json.
 *
 * @throws {TypeError} naming the unknown model_type, or every key that is unknown, missing or not served
 */
export function readModelConfig(config: Json): ModelConfig {
  const reader = new Reader(config);
  const model_type = String(reader.value("model_type"));
  const family = FAMILIES[model_type];
  if (!family) {
    throw new TypeError(
      `Cannot load model: model_type "${model_type}" in config.json is not known, expected one of ${
        Object.keys(FAMILIES).join(", ")
      }`,
    );
  }
  const read = readSizes(reader, model_type, family);
  reader.checkRest();
  if (reader.problems.length > 0) {
    throw new TypeError(
      `Cannot load model: in config.json ${reader.problems.join("; ")}`,
    );
  }
  return read;
}

function readSizes(
  reader: Reader,
  model_type: string,
  family: Family,
): ModelConfig {
  const hidden_size = reader.size("hidden_size");
  const num_attention_heads = reader.size("num_attention_heads");
  const num_hidden_layers = reader.size("num_hidden_layers");
  const max_position_embeddings = reader.size("max_position_embeddings", 2048);
  const head_dim = reader.size("head_dim", hidden_size / num_attention_heads);
  const num_key_value_heads = reader.size(
    "num_key_value_heads",
    num_attention_heads,
  );
  if (num_attention_heads % num_key_value_heads !== 0) {
    reader.problems.push(
      `"num_attention_heads" is ${num_attention_heads}, expected a multiple of "num_key_value_heads" ${num_key_value_heads}`,
    );
  }
  return {
    model_type,
    hidden_size,
    intermediate_size: reader.size("intermediate_size"),
    num_hidden_layers,
    num_attention_heads,
    num_key_value_heads,
    head_dim,
    vocab_size: reader.size("vocab_size"),
    max_position_embeddings,
    rms_norm_eps: reader.number("rms_norm_eps", 1e-6),
    initializer_range: reader.number("initializer_range", 0.02),
    tie_word_embeddings: reader.switch("tie_word_embeddings"),
    activation: readActivation(reader),
    rope: readRope(
      {
        theta: reader.value("rope_theta"),
        scaling: reader.value("rope_scaling"),
        parameters: reader.value("rope_parameters"),
      },
      { head_dim, max_position_embeddings },
      reader.problems,
    ),
    qkvBias: reader.switch(family.qkvBias),
    outputBias: reader.switch(family.outputBias),
    mlpBias: reader.switch(family.mlpBias),
    headNorm: family.headNorm,
    windows: readWindows(reader, family, num_hidden_layers),
  };
}

function readActivation(reader: Reader): ModelConfig["activation"] {
  const name = String(
    reader.value("hidden_act") ?? reader.value("hidden_activation") ?? "silu",
  );
  const activation = ACTIVATIONS[name];
  if (activation) return activation;
  reader.problems.push(
    `"hidden_act" is "${name}", expected one of ${
      Object.keys(ACTIVATIONS).join(", ")
    }`,
  );
  return "silu";
}

function readWindows(
  reader: Reader,
  { slidingWindow }: Family,
  layers: number,
): (number | undefined)[] {
  const window = reader.value("sliding_window") ?? undefined;
  const kinds = reader.value("layer_types");
  const asked = slidingWindow === "use_sliding_window"
    ? reader.switch(slidingWindow)
    : slidingWindow === "always" && window !== undefined;
  if (Array.isArray(kinds)) checkLayerTypes(kinds, layers, reader.problems);
  if (asked && !(Number.isInteger(window) && window as number > 0)) {
    reader.problems.push(
      `"sliding_window" is ${
        JSON.stringify(window ?? null)
      }, expected a positive integer`,
    );
  }
  const first = slidingWindow === "use_sliding_window"
    ? reader.number("max_window_layers", 28) // transformers' default
    : 0;
  const slides = (layer: number) =>
    Array.isArray(kinds)
      ? kinds[layer] === "sliding_attention"
      : layer >= first;
  return Array.from(
    { length: layers },
    (_, layer) => asked && slides(layer) ? window as number : undefined,
  );
}

function checkLayerTypes(
  kinds: readonly unknown[],
  layers: number,
  problems: string[],
): void {
  if (kinds.length !== layers) {
    problems.push(
      `"layer_types" has ${kinds.length} entries, expected ${layers}`,
    );
  }
  const served = ["full_attention", "sliding_attention"];
  const others = new Set(kinds.filter((kind) => !served.includes(`${kind}`)));
  for (const kind of others) {
    problems.push(
      `"layer_types" has ${JSON.stringify(kind)}, only ${
        served.join(" and ")
      } are served`,
    );
  }
}
