/**
 * Translates recipes of other tools: recognizes the tool, translates the keys, and writes the text
 * of the new recipe. Reads no file itself.
 */
import { readOptions } from "../../base/read_options.ts";
import { trainSchema } from "../options/train_schema.ts";
import { fromAxolotl } from "./axolotl.ts";
import { fromLlamaFactory } from "./llama_factory.ts";
import { llamaFactoryData, type ReadJson } from "./llama_factory_data.ts";
import { noteLine, type Recipe, type Translated } from "./translation.ts";
import { fromTrl } from "./trl.ts";

/** The tool that a recipe is written for. */
export type RecipeTool = "TRL" | "LLaMA-Factory" | "Axolotl";

/** A translated recipe. */
export interface ImportedRecipe extends Translated {
  /** The tool, recognized by the keys of the recipe. */
  readonly tool: RecipeTool;
  /** One line about what is still wrong with the options; undefined if a run could start. */
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

/** Adds what an evaluation during a run needs: rows to evaluate on. */
function withEvaluation(options: Recipe): Recipe {
  const { dataset_mixture: mixture } = options;
  const hasTest = typeof mixture === "object" && mixture !== null &&
    "test_split_size" in mixture;
  return "eval_steps" in options && !("eval_strategy" in options) && hasTest
    ? { ...options, eval_strategy: "steps" }
    : options;
}

/**
 * Translates a recipe. Each key that cannot be translated gives a note with the reason.
 *
 * @param readJson reads LLaMA-Factory's dataset_info.json; gives undefined if there is none
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
