import { assertEquals, assertStringIncludes } from "@std/assert";
import { recipeText } from "../../../src/training/importing/import_recipe.ts";
import { parseRecipe } from "../../../src/training/options/recipe.ts";
import { load } from "./import_scene.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

const TRL = `
model_name_or_path: some/model
dataset_mixture: { datasets: [{ id: data/a.jsonl, weight: 0.5 }], seed: 1 }
novel_key: 3
output_dir: output/x
`;

test({
  ...pure,
  name: "recipeText() gives a recipe that loads, with all notes above it",
  async fn() {
    const imported = await load(TRL);
    const text = recipeText(imported, "zephyr.yaml");
    assertEquals(parseRecipe(text, "x.jsonc"), imported.options);
    assertStringIncludes(text, "// From zephyr.yaml, a recipe of TRL.");
    assertStringIncludes(text, '//   "novel_key": not an option here');
    const broken = await load("base_model: m\n");
    assertStringIncludes(recipeText(broken, "x"), "// Before it runs: ");
  },
});
