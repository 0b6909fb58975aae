/** PEFT's adapter_config.json, read and written. What we do not serve is refused by name. Knows no tensor. */

/** What a LoRA adapter is; names are PEFT's. */
export interface AdapterConfig {
  /** Rank, 1 to 256. */
  readonly r: number;
  /** Numerator of the scale, one to two times the rank is usual. */
  readonly lora_alpha: number;
  /** Share of an adapter's inputs that training drops, 0 to 1. */
  readonly lora_dropout: number;
  /** "all-linear", a regular expression over whole paths, or names that paths end in. */
  readonly target_modules: string | readonly string[];
  /** Scale by `lora_alpha / sqrt(r)`: https://arxiv.org/abs/2312.03732. */
  readonly use_rslora: boolean;
  /** Ranks of layers whose paths end in a key, a regular expression; the first that fits counts. */
  readonly rank_pattern: Readonly<Record<string, number>>;
  /** Numerators of layers, as `rank_pattern`. */
  readonly alpha_pattern: Readonly<Record<string, number>>;
  /** Numbers of the blocks that are adapted; null: all. */
  readonly layers_to_transform: readonly number[] | null;
  /** Whether a reward head is trained whole beside it (`modules_to_save`); default no. */
  readonly rewardHead?: boolean;
}

type Json = Readonly<Record<string, unknown>>;

/** Keys that change what an adapter computes, with the values under which ours computes the same. */
const REFUSED: Readonly<Record<string, readonly string[]>> = {
  alora_invocation_tokens: ["null"],
  arrow_config: ["null"],
  bias: ['"none"', "null"],
  exclude_modules: ["null", "[]"],
  fan_in_fan_out: ["false", "null"],
  kasa_config: ["null"],
  layer_replication: ["null"],
  lora_bias: ["false", "null"],
  monteclora_config: ["null"],
  target_parameters: ["null", "[]"],
  trainable_token_indices: ["null"],
  use_bdlora: ["null"],
  use_dora: ["false", "null"],
  use_qalora: ["false", "null"],
  velora_config: ["null"],
};

/** What is trained whole beside the adapter of a reward model. */
const REWARD_MODULES = ["score"];

/** An adapter's rank at one layer, and what its part is multiplied by. */
export function layerAdapter(
  { r, lora_alpha, use_rslora, rank_pattern, alpha_pattern }: AdapterConfig,
  path: string,
): { readonly r: number; readonly scale: number } {
  const rank = patternValue(rank_pattern, path) ?? r;
  const alpha = patternValue(alpha_pattern, path) ?? lora_alpha;
  return { r: rank, scale: alpha / (use_rslora ? Math.sqrt(rank) : rank) };
}

function patternValue(
  pattern: Readonly<Record<string, number>>,
  path: string,
): number | undefined {
  const key = Object.keys(pattern).find((key) =>
    new RegExp(`^(.*\\.)?(${key})$`).test(path)
  );
  return key === undefined ? undefined : pattern[key];
}

/** What every adapter has that does not say otherwise. */
export const PLAIN_ADAPTER: Pick<
  AdapterConfig,
  "use_rslora" | "rank_pattern" | "alpha_pattern" | "layers_to_transform"
> = {
  use_rslora: false,
  rank_pattern: {},
  alpha_pattern: {},
  layers_to_transform: null,
};

/**
 * Reads a parsed adapter_config.json.
 *
 * @param options `rewards`: whether that of a reward model will do; default no
 * @throws {TypeError} naming every key that is missing or not served
 */
export function readAdapterConfig(
  json: Json,
  { rewards = false }: { readonly rewards?: boolean } = {},
): AdapterConfig {
  const problems: string[] = [];
  if (json["peft_type"] !== "LORA") {
    problems.push(
      `"peft_type" is ${JSON.stringify(json["peft_type"])}, expected "LORA"`,
    );
  }
  for (const [key, served] of Object.entries(REFUSED)) {
    const value = JSON.stringify(json[key] ?? null);
    if (!served.includes(value)) {
      problems.push(`"${key}" is ${value}, only ${served[0]} is served`);
    }
  }
  const saved = JSON.stringify(json["modules_to_save"] ?? null);
  const rewardHead = rewards && json["task_type"] === "SEQ_CLS" &&
    saved === JSON.stringify(REWARD_MODULES);
  if (!rewardHead && saved !== "null" && saved !== "[]") {
    problems.push(
      `"modules_to_save" is ${saved}, only null is served, and ${
        JSON.stringify(REWARD_MODULES)
      } of reward models where rewards are asked for`,
    );
  }
  const number = (key: string, fallback?: number) => {
    const value = json[key] ?? fallback;
    if (typeof value === "number" && value >= 0) return value;
    problems.push(`"${key}" is ${JSON.stringify(value)}, expected a number`);
    return 1;
  };
  const target_modules = json["target_modules"];
  const named = typeof target_modules === "string" ||
    Array.isArray(target_modules) &&
      target_modules.every((name) => typeof name === "string");
  if (!named) {
    problems.push(
      `"target_modules" is ${
        JSON.stringify(target_modules)
      }, expected text or a list of names`,
    );
  }
  const config = {
    r: number("r"),
    lora_alpha: number("lora_alpha"),
    lora_dropout: number("lora_dropout", 0),
    target_modules: target_modules as string | readonly string[],
    use_rslora: json["use_rslora"] === true,
    rank_pattern: readPattern(json, "rank_pattern", problems),
    alpha_pattern: readPattern(json, "alpha_pattern", problems),
    layers_to_transform: readLayers(json, problems),
    ...(rewardHead ? { rewardHead } : {}),
  };
  if (problems.length > 0) {
    throw new TypeError(
      `Cannot load adapter: in adapter_config.json ${problems.join("; ")}`,
    );
  }
  return config;
}

function readPattern(
  json: Json,
  key: string,
  problems: string[],
): Readonly<Record<string, number>> {
  const value = json[key] ?? {};
  const isPattern = typeof value === "object" && !Array.isArray(value) &&
    Object.values(value).every((number) =>
      typeof number === "number" && number > 0
    );
  if (isPattern) return value as Readonly<Record<string, number>>;
  problems.push(
    `"${key}" is ${
      JSON.stringify(value)
    }, expected names with positive numbers`,
  );
  return {};
}

function readLayers(json: Json, problems: string[]): readonly number[] | null {
  const value = json["layers_to_transform"] ?? null;
  if (value === null) return null;
  const layers = Array.isArray(value) ? value : [value];
  if (layers.every((layer) => Number.isInteger(layer) && layer >= 0)) {
    return layers;
  }
  problems.push(
    `"layers_to_transform" is ${
      JSON.stringify(value)
    }, expected numbers of layers`,
  );
  return null;
}

/** The adapter_config.json that PEFT reads. */
export function adapterConfigJson(
  config: AdapterConfig,
  base_model_name_or_path: string,
): Json {
  return {
    peft_type: "LORA",
    task_type: config.rewardHead ? "SEQ_CLS" : "CAUSAL_LM",
    base_model_name_or_path,
    inference_mode: true,
    r: config.r,
    lora_alpha: config.lora_alpha,
    lora_dropout: config.lora_dropout,
    target_modules: config.target_modules,
    use_rslora: config.use_rslora,
    bias: "none",
    fan_in_fan_out: false,
    init_lora_weights: true,
    layers_to_transform: config.layers_to_transform,
    modules_to_save: config.rewardHead ? REWARD_MODULES : null,
    rank_pattern: config.rank_pattern,
    alpha_pattern: config.alpha_pattern,
    use_dora: false,
  };
}
