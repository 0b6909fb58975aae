/**
 * Reads and writes PEFT's adapter_config.json. Settings that are not served are refused by name.
 * Knows no tensor.
 */
import { type Expression, expressionFault } from "../../base/expression.ts";
import { listed, shown } from "../../base/shown.ts";
import { pythonExpression } from "./target_modules.ts";

/** The config of a LoRA adapter, under PEFT's names. */
export interface AdapterConfig {
  /** Rank, 1 to 256. */
  readonly r: number;
  /** Numerator of the scale; usual are one to two times the rank. */
  readonly lora_alpha: number;
  /** Share of the adapter's inputs that is dropped in training, 0 to 1. */
  readonly lora_dropout: number;
  /**
   * The adapted layers: "all-linear", a regular expression for whole paths, or a list of ends of
   * paths.
   */
  readonly target_modules: string | readonly string[];
  /**
   * Whether the scale is `lora_alpha / sqrt(r)` in place of `lora_alpha / r`. Source:
   * https://arxiv.org/abs/2312.03732.
   */
  readonly use_rslora: boolean;
  /**
   * Ranks of single layers. A key is a regular expression for the end of a path; the first that
   * fits counts.
   */
  readonly rank_pattern: Readonly<Record<string, number>>;
  /** Numerators of single layers, with keys as in `rank_pattern`. */
  readonly alpha_pattern: Readonly<Record<string, number>>;
  /** Indices of the blocks that are adapted; null: all. */
  readonly layers_to_transform: readonly number[] | null;
  /**
   * Whether the adapter is a reward model's; the head, `score`, is then among `modules_to_save`.
   * Default false.
   */
  readonly rewardHead?: boolean;
  /** Layers that are not adapted, in the forms of `target_modules`; null: none. */
  readonly exclude_modules: string | readonly string[] | null;
  /**
   * Ends of the paths of modules that are trained as a whole and saved with the adapter; null:
   * none.
   */
  readonly modules_to_save: readonly string[] | null;
  /**
   * Whether the adapter has trained magnitudes (DoRA). Source: https://arxiv.org/abs/2402.09353.
   */
  readonly use_dora: boolean;
  /**
   * Whether a module of `modules_to_save` that is embedding or head serves as both, if the base
   * ties them. Default false.
   */
  readonly ensure_weight_tying?: boolean;
  /** Whether names of `target_modules` may match nothing, as PEFT allows. Default false. */
  readonly mayMiss?: boolean;
  /** How a fresh adapter starts; "default" for one that is read from a file. */
  readonly init_lora_weights: LoraInit;
}

/**
 * `default`: A uniform and B zero; `gaussian`: A normal of deviation 1 / r; `pissa`: the weight's
 * first singular vectors (https://arxiv.org/abs/2404.02948).
 */
export type LoraInit = "default" | "gaussian" | "pissa";

type Json = Readonly<Record<string, unknown>>;

/**
 * Keys that change what an adapter computes, each with the values, as JSON, under which it computes
 * the same as here. Any other value is refused.
 */
const REFUSED: Readonly<Record<string, readonly string[]>> = {
  alora_invocation_tokens: ["null"],
  arrow_config: ["null"],
  bias: ['"none"', "null"],
  fan_in_fan_out: ["false", "null"],
  init_lora_weights: [
    "true",
    "false",
    "null",
    '"gaussian"',
    '"eva"',
    '"orthogonal"',
  ],
  kasa_config: ["null"],
  layer_replication: ["null"],
  layers_pattern: ["null", "[]", '""', '"layers"', '["layers"]'],
  lora_bias: ["false", "null"],
  monteclora_config: ["null"],
  target_parameters: ["null", "[]"],
  trainable_token_indices: ["null"],
  use_bdlora: ["null"],
  use_qalora: ["false", "null"],
  velora_config: ["null"],
};

/** The module name of a reward model's head. */
const SCORE_MODULE = "score";

/**
 * PEFT lists this module beside `score`, whichever of both a model has; the models here have
 * `score`.
 */
const OTHER_HEAD = "classifier";

/** The config of the same adapter with a reward model's head that is trained as a whole. */
export function withAdapterHead(config: AdapterConfig): AdapterConfig {
  const modules = new Set([...config.modules_to_save ?? [], SCORE_MODULE]);
  return { ...config, rewardHead: true, modules_to_save: [...modules] };
}

/** The rank of an adapter at one layer, and the scale of its product there. */
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
  return readKeys(pattern).find(([key]) => key.test(path))?.[1];
}

type Pattern = Readonly<Record<string, number>>;

/** The keys that were read, so that each is compiled once and not at each layer. */
const KEYS = new WeakMap<Pattern, readonly [Expression, number][]>();

/** The keys of a pattern as expressions. @throws {SyntaxError} for a key that is none */
function readKeys(pattern: Pattern): readonly [Expression, number][] {
  const known = KEYS.get(pattern);
  if (known !== undefined) return known;
  const keys = Object.entries(pattern).map((
    [key, number],
  ): [Expression, number] => {
    try {
      const place = (text: string) => `^(.*\\.)?(${text})$`;
      return [pythonExpression(key, place), number];
    } catch (error) {
      throw new SyntaxError(
        `Cannot adapt model: the pattern ${expressionFault(key, error)}`,
      );
    }
  });
  KEYS.set(pattern, keys);
  return keys;
}

/** The defaults of an adapter's config. */
export const PLAIN_ADAPTER: Pick<
  AdapterConfig,
  Exclude<
    keyof AdapterConfig,
    "r" | "lora_alpha" | "lora_dropout" | "target_modules"
  >
> = {
  use_rslora: false,
  rank_pattern: {},
  alpha_pattern: {},
  layers_to_transform: null,
  exclude_modules: null,
  modules_to_save: null,
  use_dora: false,
  init_lora_weights: "default",
};

/** Beyond any `lora_alpha` in use, whose update would be no number any more. */
const MOST_ALPHA = 1_000_000;

/**
 * Reads a parsed adapter_config.json.
 *
 * @param options `rewards`: whether the adapter of a reward model is accepted; default false
 * @throws {TypeError} naming all keys that are missing or not served
 */
export function readAdapterConfig(
  json: Json,
  { rewards = false }: { readonly rewards?: boolean } = {},
): AdapterConfig {
  const problems: string[] = [];
  if (json["peft_type"] !== "LORA") {
    problems.push(
      `"peft_type" is ${shown(json["peft_type"])}, expected "LORA"`,
    );
  }
  for (const [key, served] of Object.entries(REFUSED)) {
    const value = JSON.stringify(json[key] ?? null);
    if (!served.includes(value)) {
      problems.push(
        `"${key}" is ${shown(json[key] ?? null)}, only ${served[0]} is served`,
      );
    }
  }
  const number = (key: string, most: number, fallback?: number) => {
    const value = json[key] ?? fallback;
    if (typeof value === "number" && value >= 0 && value <= most) return value;
    problems.push(
      `"${key}" is ${shown(json[key])}, expected a number of 0 to ${most}`,
    );
    return 1;
  };
  const rank = () => {
    const value = json["r"];
    if (isRank(value)) return value;
    problems.push(`"r" is ${shown(value)}, expected a positive integer`);
    return 1;
  };
  const flag = (key: string) => readFlag(json, key, problems);
  const names = (key: string) => readNames(json, key, problems);
  const modules_to_save = asList(names("modules_to_save"));
  const rewardHead = json["task_type"] === "SEQ_CLS";
  if (rewardHead && !(rewards && modules_to_save?.includes(SCORE_MODULE))) {
    problems.push(
      `"modules_to_save" is ${
        shown(modules_to_save)
      } with "task_type" "SEQ_CLS", only "${SCORE_MODULE}" is served, of reward models`,
    );
  }
  const config: AdapterConfig = {
    r: rank(),
    lora_alpha: number("lora_alpha", MOST_ALPHA),
    lora_dropout: number("lora_dropout", 1, 0),
    target_modules: names("target_modules") ?? [],
    use_rslora: flag("use_rslora"),
    rank_pattern: readPattern(json, "rank_pattern", problems, isRank),
    alpha_pattern: readPattern(json, "alpha_pattern", problems, isAlpha),
    layers_to_transform: readLayers(json, problems),
    exclude_modules: names("exclude_modules"),
    modules_to_save,
    use_dora: flag("use_dora"),
    init_lora_weights: "default",
    ...(flag("ensure_weight_tying") ? { ensure_weight_tying: true } : {}),
    mayMiss: true,
  };
  if (problems.length > 0) {
    throw new TypeError(
      `Cannot load adapter: in adapter_config.json ${listed(problems)}`,
    );
  }
  return rewardHead
    ? withAdapterHead({
      ...config,
      modules_to_save: modules_to_save!.filter((name) => name !== OTHER_HEAD),
    })
    : config;
}

/** Reads a switch. A text such as "false" would count as true in Python, so it is refused. */
function readFlag(json: Json, key: string, problems: string[]): boolean {
  const value = json[key] ?? false;
  if (typeof value === "boolean") return value;
  problems.push(`"${key}" is ${shown(value)}, expected true or false`);
  return false;
}

/** Reads a text or a list of names; null if there are none, which `target_modules` must not be. */
function readNames(
  json: Json,
  key: string,
  problems: string[],
): string | readonly string[] | null {
  const value = json[key] ?? null;
  const isList = Array.isArray(value) &&
    value.every((name) => typeof name === "string");
  const isNone = value === null || Array.isArray(value) && value.length === 0;
  if (isNone && key !== "target_modules") return null;
  if (typeof value === "string" || isList) return value;
  problems.push(
    `"${key}" is ${shown(json[key])}, expected text or a list of names`,
  );
  return null;
}

function asList(
  names: string | readonly string[] | null,
): readonly string[] | null {
  return typeof names === "string" ? [names] : names;
}

function isAlpha(value: unknown): boolean {
  return typeof value === "number" && value >= 0 && value <= MOST_ALPHA;
}

function isRank(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function readPattern(
  json: Json,
  key: string,
  problems: string[],
  isRight: (value: unknown) => boolean,
): Readonly<Record<string, number>> {
  const value = json[key] ?? {};
  const isPattern = typeof value === "object" && !Array.isArray(value) &&
    Object.values(value).every(isRight);
  if (isPattern) {
    const pattern = value as Readonly<Record<string, number>>;
    try {
      readKeys(pattern);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      problems.push(`"${key}": ${error.message.replace(/^[^:]*: /, "")}`);
    }
    return pattern;
  }
  problems.push(
    `"${key}" is ${shown(value)}, expected names with ${
      isRight === isRank ? "positive integers" : `numbers of 0 to ${MOST_ALPHA}`
    }`,
  );
  return {};
}

function readLayers(json: Json, problems: string[]): readonly number[] | null {
  const value = json["layers_to_transform"] ?? null;
  if (value === null) return null;
  const layers = Array.isArray(value) ? value : [value];
  if (layers.length === 0) return null; // to PEFT an empty list means all layers
  if (layers.every((layer) => Number.isInteger(layer) && layer >= 0)) {
    return layers;
  }
  problems.push(
    `"layers_to_transform" is ${shown(value)}, expected numbers of layers`,
  );
  return null;
}

/** The contents of adapter_config.json, as PEFT reads them. */
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
    exclude_modules: config.exclude_modules,
    modules_to_save: config.modules_to_save,
    rank_pattern: config.rank_pattern,
    alpha_pattern: config.alpha_pattern,
    use_dora: config.use_dora,
    ...(config.ensure_weight_tying ? { ensure_weight_tying: true } : {}),
  };
}
