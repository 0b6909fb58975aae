/**
 * Translates recipes of other tools: recognizes the tool, translates the keys, and writes the text
 * of the new recipe. Reads no file itself.
 */
import { numbered } from "../../base/shown.ts";
import { readOptions } from "../../base/read_options.ts";
import { trainSchema } from "../options/train_schema.ts";
import { fromAxolotl } from "./axolotl.ts";
import { fromLlamaFactory } from "./llama_factory.ts";
import { llamaFactoryData, type ReadJson } from "./llama_factory_data.ts";
import { fromLlamaFactoryV1 } from "./llama_factory_v1.ts";
import { fromMlxLm, isMlxLm } from "./mlx_lm.ts";
import { fromMsSwift } from "./ms_swift.ts";
import { fromOpenInstruct, isOpenInstruct } from "./open_instruct.ts";
import {
  type Note,
  noteLine,
  type Recipe,
  type Translated,
} from "./translation.ts";
import { fromTrl, isTrl } from "./trl.ts";

/** The tool that a recipe is written for. */
export type RecipeTool =
  | "TRL"
  | "LLaMA-Factory"
  | "Axolotl"
  | "ms-swift"
  | "open-instruct"
  | "mlx-lm";

/** A translated recipe. */
export interface ImportedRecipe extends Translated {
  /** The tool, recognized by the keys of the recipe. */
  readonly tool: RecipeTool;
  /** What it asks for and is not served. */
  readonly refusals: readonly Note[];
  /** One line about what is still wrong with the options; undefined if a run could start. */
  readonly problem: string | undefined;
}

/** Keys of LLaMA-Factory v1, which calls the model as ms-swift does. */
const V1 = [
  "train_dataset",
  "peft_config",
  "dist_config",
  "kernel_config",
  "quant_config",
  "optim_config",
  "init_config",
  "model_class",
  "sample_backend",
  "batching_strategy",
];

const MS_SWIFT = [
  "rlhf_type",
  "tuner_type",
  "train_type",
  "split_dataset_ratio",
  "swift_version",
  "model",
];

/** The tool by the keys of a recipe; undefined if they may be ours. */
export function toolOf(recipe: Recipe): RecipeTool | undefined {
  const has = (keys: readonly string[]) => keys.some((key) => key in recipe);
  if (has(["base_model"])) return "Axolotl";
  if (has(V1) || has(["stage", "finetuning_type"])) return "LLaMA-Factory";
  if (isMlxLm(recipe)) return "mlx-lm";
  if (has(MS_SWIFT)) return "ms-swift";
  if (isOpenInstruct(recipe)) return "open-instruct";
  return isTrl(recipe) ? "TRL" : undefined;
}

/** Translates a recipe of a tool; reads no more than its own words and dataset_info.json. */
export async function translated(
  tool: RecipeTool,
  recipe: Recipe,
  readJson: ReadJson,
): Promise<Translated> {
  if (tool === "TRL") return fromTrl(recipe);
  if (tool === "Axolotl") return await fromAxolotl(recipe, readJson);
  if (tool === "ms-swift") return fromMsSwift(recipe);
  if (tool === "open-instruct") return fromOpenInstruct(recipe);
  if (tool === "mlx-lm") return await fromMlxLm(recipe, readJson);
  if (!("model_name_or_path" in recipe) && V1.some((key) => key in recipe)) {
    return fromLlamaFactoryV1(recipe);
  }
  const [own, data] = [
    fromLlamaFactory(recipe),
    await llamaFactoryData(recipe, readJson),
  ];
  return {
    options: { ...own.options, ...data.options },
    notes: [...own.notes, ...data.notes],
    refusals: [...own.refusals ?? [], ...data.refusals ?? []],
  };
}

/**
 * The folder of the run under output/, where alone a run may write, with what was said of another.
 */
function insideOutput(options: Recipe): Pick<Translated, "options" | "notes"> {
  const { output_dir: given } = options;
  if (typeof given !== "string") return { options, notes: [] };
  const plain = given.replace(/^(\.\/)+/, "");
  if (/^output\/[^/]/.test(plain)) return { options, notes: [] };
  const last = given.split(/[\\/]+/).filter((part) => !/^(|\.+)$/.test(part))
    .at(-1) ?? "run";
  const output_dir = `output/${last}`;
  const reason = `runs lie under output/: ${JSON.stringify(given)} becomes ` +
    JSON.stringify(output_dir);
  return {
    options: { ...options, output_dir },
    notes: [{ key: "output_dir", reason }],
  };
}

/** Adds what an evaluation during a run needs: rows to evaluate on. */
function withEvaluation(options: Recipe): Recipe {
  const { dataset_mixture: mixture } = options;
  const hasTest = (typeof mixture === "object" && mixture !== null &&
    ("test_split_size" in mixture || "eval_datasets" in mixture)) ||
    "eval_dataset" in options;
  return "eval_steps" in options && !("eval_strategy" in options) && hasTest
    ? { ...options, eval_strategy: "steps" }
    : options;
}

/** KTO's batches of one answer as batches of two, since its KL takes answers of one batch. */
function twoAnswers(options: Recipe): Pick<Translated, "options" | "notes"> {
  const { trainer, per_device_train_batch_size: size } = options;
  if (trainer !== "kto" || size !== 1) return { options, notes: [] };
  const micro = numbered(options.gradient_accumulation_steps ?? 1);
  return {
    options: {
      ...options,
      per_device_train_batch_size: 2,
      gradient_accumulation_steps: Math.max(1, Math.ceil(micro / 2)),
    },
    notes: [{
      key: "per_device_train_batch_size",
      reason: "kto compares answers of one batch: 2 a batch, in half as many",
    }],
  };
}

/**
 * Translates a recipe. Each key that cannot be translated gives a note with the reason.
 *
 * @param readJson reads a JSON file that a recipe names, such as dataset_info.json; undefined if
 *   there is none
 */
export async function importRecipe(
  recipe: Recipe,
  readJson: ReadJson,
  tool: RecipeTool = toolOf(recipe) ?? "TRL",
): Promise<ImportedRecipe> {
  const own = await translated(tool, recipe, readJson);
  const { refusals = [] } = own;
  const paired = twoAnswers(withEvaluation(own.options));
  const inside = insideOutput(paired.options);
  const problems = refusals.length === 0 ? [] : [
    `Cannot take the recipe over: ${
      refusals.map((one) => noteLine(one)).join("; ")
    }`,
  ];
  try {
    readOptions(trainSchema, [inside.options]);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    problems.push(error.message);
  }
  return {
    tool,
    options: inside.options,
    notes: [...own.notes, ...paired.notes, ...inside.notes],
    refusals,
    problem: problems.length === 0 ? undefined : problems.join(". "),
  };
}

/** The text of the new recipe: JSON with comments, with the notes above the options. */
export function recipeText(
  { tool, options, notes, problem }: ImportedRecipe,
  name: string,
): string {
  const lost = notes.map((note) => `//   ${noteLine(note)}`);
  const body = Object.entries(options).map(([key, value]) =>
    `  ${JSON.stringify(key)}: ${
      JSON.stringify(value, null, 2).replaceAll("\n", "\n  ")
    }`
  ).join(",\n");
  return [
    `// From ${name}, a recipe of ${tool}.`,
    ...(lost.length > 0 ? ["// Not taken over, or not as it stood:"] : []),
    ...lost,
    ...(problem === undefined ? [] : [`// Before it runs: ${problem}`]),
    `{\n${body}\n}\n`,
  ].join("\n");
}
