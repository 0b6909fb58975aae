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
}

type Json = Readonly<Record<string, unknown>>;

/** Keys that change what an adapter computes, with the values under which ours computes the same. */
const REFUSED: Readonly<Record<string, readonly string[]>> = {
  alora_invocation_tokens: ["null"],
  alpha_pattern: ["{}", "null"],
  arrow_config: ["null"],
  bias: ['"none"', "null"],
  exclude_modules: ["null", "[]"],
  fan_in_fan_out: ["false", "null"],
  kasa_config: ["null"],
  layer_replication: ["null"],
  layers_to_transform: ["null"],
  lora_bias: ["false", "null"],
  modules_to_save: ["null", "[]"],
  monteclora_config: ["null"],
  rank_pattern: ["{}", "null"],
  target_parameters: ["null", "[]"],
  trainable_token_indices: ["null"],
  use_bdlora: ["null"],
  use_dora: ["false", "null"],
  use_qalora: ["false", "null"],
  velora_config: ["null"],
};

/** What the adapter's part is multiplied by. */
export function adapterScale(
  { r, lora_alpha, use_rslora }: AdapterConfig,
): number {
  return lora_alpha / (use_rslora ? Math.sqrt(r) : r);
}

/**
 * Reads a parsed adapter_config.json.
 *
 * @throws {TypeError} naming every key that is missing or not served
 */
export function readAdapterConfig(json: Json): AdapterConfig {
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
  };
  if (problems.length > 0) {
    throw new TypeError(
      `Cannot load adapter: in adapter_config.json ${problems.join("; ")}`,
    );
  }
  return config;
}

/** The adapter_config.json that PEFT reads. */
export function adapterConfigJson(
  config: AdapterConfig,
  base_model_name_or_path: string,
): Json {
  return {
    peft_type: "LORA",
    task_type: "CAUSAL_LM",
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
    layers_to_transform: null,
    modules_to_save: null,
    rank_pattern: {},
    alpha_pattern: {},
    use_dora: false,
  };
}
