/**
 * Recipes of other tools to recipes of ours: whose a recipe is, its translation, and what it looks
 * like as a file. Reads no file by itself.
 */
import { readOptions } from "../../base/read_options.ts";
import { trainSchema } from "../options/train_schema.ts";
import { fromAxolotl } from "./axolotl.ts";
import { fromLlamaFactory } from "./llama_factory.ts";
import { llamaFactoryData, type ReadJson } from "./llama_factory_data.ts";
import { noteLine, type Recipe, type Translated } from "./translation.ts";
import { fromTrl } from "./trl.ts";

/** Whose a recipe is. */
export type RecipeTool = "TRL" | "LLaMA-Factory" | "Axolotl";

/** A recipe that was taken over. */
export interface ImportedRecipe extends Translated {
  /** Told by its keys. */
  readonly tool: RecipeTool;
  /** What still stands in the way of a run: one line, undefined if nothing. */
  readonly problem: string | undefined;
}

function toolOf(recipe: Recipe): RecipeTool {
  if ("base_model" in recipe) return "Axolotl";
  return "stage" in recipe || "finetuning_type" in recipe
    ? "LLaMA-Factory"
    : "TRL";
}

async function translated(
  tool: RecipeTool,
  recipe: Recipe,
  readJson: ReadJson,
): Promise<Translated> {
  if (tool === "TRL") return fromTrl(recipe);
  if (tool === "Axolotl") return fromAxolotl(recipe);
  const [own, data] = [
    fromLlamaFactory(recipe),
    await llamaFactoryData(recipe, readJson),
  ];
  return {
    options: { ...own.options, ...data.options },
    notes: [...own.notes, ...data.notes],
  };
}

/** An evaluation in the middle of a run needs rows to evaluate on. */
function withEvaluation(options: Recipe): Recipe {
  const { dataset_mixture: mixture } = options;
  const hasTest = typeof mixture === "object" && mixture !== null &&
    "test_split_size" in mixture;
  return "eval_steps" in options && !("eval_strategy" in options) && hasTest
    ? { ...options, eval_strategy: "steps" }
    : options;
}

/**
 * Translates a recipe; each key that cannot be is noted with the reason.
 *
 * @param readJson gives LLaMA-Factory's dataset_info.json; undefined if there is none
 */
export async function importRecipe(
  recipe: Recipe,
  readJson: ReadJson,
): Promise<ImportedRecipe> {
  const tool = toolOf(recipe);
  const { options: own, notes } = await translated(tool, recipe, readJson);
  const options = withEvaluation(own);
  let problem: string | undefined;
  try {
    readOptions(trainSchema, [options]);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    problem = error.message;
  }
  return { tool, options, notes, problem };
}

/** The file: JSON with comments, what was lost above the options. */
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
