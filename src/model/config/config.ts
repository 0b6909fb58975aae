/**
 * Reads config.json into the sizes and switches that the decoder needs; sizes come from nowhere
 * else. An unknown key, or a value that is not served, stops the load with an error that names it,
 * so that nothing is silently computed wrong.
 */
import type { LogitOptions } from "../../../kernels/vocabulary/logit_options.ts";
import { listed, shown, spelled } from "../../base/shown.ts";
import { ConfigReader } from "./config_reader.ts";
import { type ExpertConfig, readExperts } from "./expert_config.ts";
import { FAMILIES } from "./families.ts";
import type { Family, MlpActivation, Scales } from "./family.ts";
import { readLayerRopes, readWindows } from "./layer_config.ts";
import { readRopes, type Ropes } from "./rope_config.ts";

/** The sizes and switches of a decoder, under the names of config.json. */
export interface ModelConfig {
  /** The family: a row of families.ts. */
  readonly model_type: string;
  /** Width of a token's hidden state. */
  readonly hidden_size: number;
  /** Width of the gated unit (MLP) of a block. */
  readonly intermediate_size: number;
  /** The experts that replace the gated unit; undefined: the model has none. */
  readonly experts: ExpertConfig | undefined;
  /** Number of blocks. */
  readonly num_hidden_layers: number;
  /** Number of query heads. */
  readonly num_attention_heads: number;
  /** Number of key and value heads; each serves an equal number of query heads. */
  readonly num_key_value_heads: number;
  /** Width of an attention head. */
  readonly head_dim: number;
  /** Number of rows of the embedding; the tokenizer may have fewer tokens. */
  readonly vocab_size: number;
  /** Most tokens of a sequence. */
  readonly max_position_embeddings: number;
  /** Added to the mean square of each RMS norm. */
  readonly rms_norm_eps: number;
  /** Standard deviation of random weights. */
  readonly initializer_range: number;
  /** Whether the output layer is the embedding. */
  readonly tie_word_embeddings: boolean;
  /** Activation function of the gated unit. */
  readonly activation: MlpActivation;
  /** Whether attention and MLP read the same stream and are added together. */
  readonly parallel: boolean;
  /**
   * The rotary embeddings of layers with and without a sliding window.
   *
   * @internal
   */
  readonly ropes: Ropes;
  /**
   * The switches of the model's family.
   *
   * @internal
   */
  readonly family: Family;
  /** Whether the q, k and v projections have a bias. */
  readonly qkvBias: boolean;
  /** Whether the o projection has a bias. */
  readonly outputBias: boolean;
  /** Whether the gate, up and down projections have a bias. */
  readonly mlpBias: boolean;
  /**
   * Factors on embeddings, residual additions, attention scores and logits.
   *
   * @internal
   */
  readonly scales: Scales;
  /** Soft cap of attention scores; undefined: no cap. */
  readonly attn_logit_softcapping: number | undefined;
  /** Soft cap of logits; undefined: no cap. */
  readonly final_logit_softcapping: number | undefined;
  /**
   * For each layer the number of keys that a query attends to, its own included; undefined: all
   * keys up to its own.
   */
  readonly windows: readonly (number | undefined)[];
  /**
   * For each layer which of the rotary embeddings it has; undefined: the layer does not rotate.
   *
   * @internal
   */
  readonly layerRopes: readonly (keyof Ropes | undefined)[];
  /**
   * Whether the model has a reward head, `score`, in place of the vocabulary's head. Default false.
   */
  readonly rewardHead?: boolean;
}

type Json = Readonly<Record<string, unknown>>;

/** The key by which a folder says how its weights name the text model; see own_names.ts. */
const TEXT_NAMES = "_text_names";

/**
 * The largest sizes that are believed: some ten times those of the largest models there are. The
 * file is read before the weights, so that only a bound keeps a false size from filling the memory.
 */
const MOST = {
  layers: 10_000,
  heads: 10_000,
  /** Of a hidden state, a gated unit, or all heads. */
  width: 2 ** 20,
  positions: 100_000_000,
  tokens: 10_000_000,
} as const;

const ACTIVATIONS: Readonly<Record<string, ModelConfig["activation"]>> = {
  silu: "silu",
  swish: "silu",
  gelu_pytorch_tanh: "gelu_tanh",
  gelu_new: "gelu_tanh",
  gelu_fast: "gelu_tanh",
  relu2: "relu2",
};

/**
 * Reads a parsed config.json.
 *
 * @throws {TypeError} naming the unknown model_type, or all keys that are unknown, missing or not
 *   served
 */
export function readModelConfig(config: Json): ModelConfig {
  const model_type = spelled(config["model_type"]);
  const row = Object.hasOwn(FAMILIES, model_type)
    ? FAMILIES[model_type]
    : undefined;
  if (!row) {
    throw new TypeError(
      `Cannot load model: model_type ${
        shown(model_type)
      } in config.json is not known, expected one of ${
        Object.keys(FAMILIES).join(", ")
      }`,
    );
  }
  const { reader, family } = openConfig(config, row);
  const read = readSizes(reader, model_type, family);
  reader.checkRest();
  if (reader.problems.length > 0) {
    throw new TypeError(
      `Cannot load model: in config.json ${listed(reader.problems)}`,
    );
  }
  return read;
}

/**
 * Opens the keys of the text model, which may be a part of a larger config. How its tensors are
 * named is what the folder says of its weights (see own_names.ts), else as the row has it.
 */
function openConfig(
  config: Json,
  row: Family,
): { reader: ConfigReader; family: Family } {
  const { part } = row;
  const textNames = config[TEXT_NAMES] as Family["textNames"] ?? row.textNames;
  const named = textNames === undefined ? row : { ...row, textNames };
  if (!part) {
    const keys = withAliases({ ...row.defaults, ...config }, row);
    const reader = new ConfigReader(keys);
    reader.value("model_type");
    return { reader, family: named };
  }
  const given = config[part.key];
  const isPart = typeof given === "object" && given !== null;
  const inner = isPart ? given as Json : {};
  const [first] = Object.keys(part.families);
  const found = isPart ? inner["model_type"] ?? first : undefined;
  const isFlat = !isPart && part.mayBeFlat === true;
  const own = part.families[isFlat ? first! : spelled(found)];
  const innerTies = part.innerTies && inner["tie_word_embeddings"] === true;
  const reader = new ConfigReader({
    ...own?.defaults,
    ...config,
    ...inner,
    tie_word_embeddings: innerTies ||
      (config["tie_word_embeddings"] ?? part.tied),
  });
  reader.value("model_type");
  reader.value(part.key);
  const tied = inner["tie_word_embeddings"] ?? false;
  if (typeof tied !== "boolean") {
    reader.problems.push(
      `"tie_word_embeddings" is ${shown(tied)}, expected true or false`,
    );
  }
  if (!own) {
    reader.problems.push(
      `"${part.key}" is a model of type ${shown(found)}, expected ${
        Object.keys(part.families).map((name) => `"${name}"`).join(" or ")
      }`,
    );
  }
  return {
    reader,
    family: { ...named, ...own, part, ...(textNames && { textNames }) },
  };
}

/** The keys of a config with those that older keys of the family stand for. */
function withAliases(keys: Json, { aliases = {} }: Family): Json {
  const found: Record<string, unknown> = { ...keys };
  for (const [older, key] of Object.entries(aliases)) {
    if ((found[older] ?? undefined) !== undefined) found[key] = found[older];
    delete found[older];
  }
  return found;
}

/** The width of the MLP. */
function widthOf(reader: ConfigReader, { width }: Family): number {
  const [key, fallback] = width ?? ["intermediate_size", undefined];
  return reader.size(key, fallback, MOST.width);
}

/** The norms of heads that a config has: those of its family, unless its key turns them off. */
function qkNormOf(reader: ConfigReader, family: Family): Family {
  const { qkNormKey } = family;
  if (qkNormKey === undefined || reader.switch(qkNormKey)) return family;
  return { ...family, qkNorm: "none" };
}

function readSizes(
  reader: ConfigReader,
  model_type: string,
  row: Family,
): ModelConfig {
  const family = qkNormOf(reader, row);
  const heads = readHeads(reader);
  const { hidden_size, head_dim } = heads;
  const num_hidden_layers = reader.size(
    "num_hidden_layers",
    undefined,
    MOST.layers,
  );
  const max_position_embeddings = reader.size(
    "max_position_embeddings",
    2048,
    MOST.positions,
  );
  const ropes = ropesOf(reader, family, { head_dim, max_position_embeddings });
  const windows = readWindows(reader, family, num_hidden_layers);
  return {
    model_type,
    ...heads,
    intermediate_size: widthOf(reader, family),
    parallel: reader.switch(family.parallel ?? false),
    experts: readExperts(reader, family, num_hidden_layers),
    num_hidden_layers,
    vocab_size: reader.size("vocab_size", undefined, MOST.tokens),
    max_position_embeddings: ropes.full.positions,
    rms_norm_eps: readEpsilon(reader),
    initializer_range: readDeviation(reader),
    tie_word_embeddings: reader.switch("tie_word_embeddings"),
    activation: readActivation(reader, family),
    ropes,
    family,
    qkvBias: reader.switch(family.qkvBias),
    outputBias: reader.switch(family.outputBias),
    mlpBias: reader.switch(family.mlpBias),
    scales: family.scales(
      (key, fallback) => reader.factor(key, fallback),
      hidden_size,
      num_hidden_layers,
    ),
    attn_logit_softcapping: softcap(reader, family, "attn_logit_softcapping"),
    final_logit_softcapping: softcap(reader, family, "final_logit_softcapping"),
    windows,
    layerRopes: readLayerRopes(reader, family, windows),
  };
}

function softcap(
  reader: ConfigReader,
  { softcaps }: Family,
  key: "attn_logit_softcapping" | "final_logit_softcapping",
): number | undefined {
  if (softcaps?.includes(key)) return reader.optionalFactor(key);
  reader.ignore(key);
  return undefined;
}

/** The rotations of all layers, from the keys that say how positions turn. */
function ropesOf(
  reader: ConfigReader,
  family: Family,
  sizes: Pick<ModelConfig, "head_dim" | "max_position_embeddings">,
): ReturnType<typeof readRopes> {
  const { localTheta, readsPartialRotary, hasRopeAlpha } = family;
  if (localTheta === undefined) reader.ignore("rope_local_base_freq");
  if (!readsPartialRotary) reader.ignore("partial_rotary_factor");
  return readRopes(
    {
      theta: reader.value("rope_theta"),
      localTheta: typeof localTheta === "string"
        ? reader.value(localTheta)
        : localTheta,
      scaling: reader.value("rope_scaling"),
      parameters: reader.value("rope_parameters"),
      partial: readsPartialRotary
        ? reader.value("partial_rotary_factor")
        : undefined,
      originalPositions: reader.value("original_max_position_embeddings"),
    },
    {
      ...sizes,
      partialRotary: family.partialRotary,
      readsPartialRotary: readsPartialRotary === true,
      hasLocalRope: localTheta !== undefined,
      hasRopeSections: family.hasRopeSections === true,
      hasQueryGrowth: family.hasQueryGrowth === true,
      hasRopeAlpha: hasRopeAlpha === true,
      interleaved: family.interleavedRope,
      reversed: family.reversedRope === true,
    },
    reader.problems,
  );
}

function known(activation: string): ModelConfig["activation"] | undefined {
  return Object.hasOwn(ACTIVATIONS, activation)
    ? ACTIVATIONS[activation]
    : undefined;
}

function readHeads(reader: ConfigReader) {
  const hidden_size = reader.size("hidden_size", undefined, MOST.width);
  const num_attention_heads = reader.size(
    "num_attention_heads",
    undefined,
    MOST.heads,
  );
  const head_dim = reader.size(
    "head_dim",
    hidden_size / num_attention_heads,
    Math.floor(MOST.width / num_attention_heads),
  );
  const num_key_value_heads = reader.size(
    "num_key_value_heads",
    num_attention_heads,
    MOST.heads,
  );
  if (num_attention_heads % num_key_value_heads !== 0) {
    reader.problems.push(
      `"num_attention_heads" is ${num_attention_heads}, expected a multiple of "num_key_value_heads" ${num_key_value_heads}`,
    );
  }
  return { hidden_size, num_attention_heads, head_dim, num_key_value_heads };
}

function readEpsilon(reader: ConfigReader): number {
  const eps = reader.number("rms_norm_eps", 1e-6);
  if (eps >= 0 && eps < 1) return eps;
  reader.problems.push(`"rms_norm_eps" is ${eps}, expected a number of 0 to 1`);
  return 1e-6;
}

function readDeviation(reader: ConfigReader): number {
  const deviation = reader.number("initializer_range", 0.02);
  if (deviation >= 0 && deviation <= 100) return deviation;
  reader.problems.push(
    `"initializer_range" is ${deviation}, expected a number of 0 to 100`,
  );
  return 0.02;
}

function readActivation(
  reader: ConfigReader,
  { activations = {}, activation: [key, fallback] = ["hidden_act", "silu"] }:
    Family,
): ModelConfig["activation"] {
  const other = key === "hidden_act" ? "hidden_activation" : "hidden_act";
  const named = (name: string) =>
    Object.hasOwn(activations, name) ? activations[name] : known(name);
  const name = spelled(reader.value(key) ?? fallback);
  const activation = named(name);
  // many files of Gemma have both keys with the same meaning
  const written = reader.value(other) ?? undefined;
  if (written !== undefined && named(spelled(written)) !== activation) {
    reader.ignore(other);
  }
  if (activation) return activation;
  reader.problems.push(
    `"${key}" is ${shown(name)}, expected one of ${
      Object.keys(ACTIVATIONS).join(", ")
    }`,
  );
  return "silu";
}

/** The factor and the soft cap of a model's logits. */
export function logitOptions(
  { scales, final_logit_softcapping }: ModelConfig,
): LogitOptions {
  return { logitScale: scales.logits, softcap: final_logit_softcapping };
}
