/**
 * A third of the keys of the tools' public recipes, each with a value that occurs: every one is
 * served, left with a reason or refused with a reason, and none is unknown.
 */
import { assertEquals } from "@std/assert";
import { importRecipe } from "../../../src/training/importing/import_recipe.ts";
import { UNKNOWN } from "../../../src/training/importing/translation.ts";
import { test } from "../../test_case.ts";

const FILE = new URL("../../fixtures/recipe_keys.json", import.meta.url);

/** The keys by which each tool is known. */
const HEADS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "TRL": { model_name_or_path: "m", dataset_name: "d" },
  "Axolotl": { base_model: "m" },
  "LLaMA-Factory": { model_name_or_path: "m", stage: "sft" },
  "LLaMA-Factory v1": { model: "m", model_class: "llm" },
  "ms-swift": { model: "m", tuner_type: "lora" },
};

async function outcomeOf(tool: string, key: string, value: unknown) {
  const { notes, refusals } = await importRecipe(
    { ...HEADS[tool], [key]: value },
    () => Promise.resolve(undefined),
  );
  if (refusals.some((one) => one.key === key)) return "refused";
  const note = notes.find((one) => one.key === key);
  if (note === undefined) return "served";
  return note.reason === UNKNOWN ? "unknown" : "ignored";
}

test(
  "importRecipe() serves, leaves or refuses each public key, and knows them all",
  { permissions: { read: [FILE] } },
  async () => {
    const keys: Record<string, Record<string, [unknown, string]>> = JSON.parse(
      Deno.readTextFileSync(FILE),
    );
    for (const [tool, table] of Object.entries(keys)) {
      const found: Record<string, string> = {};
      const wanted: Record<string, string> = {};
      for (const [key, [value, outcome]] of Object.entries(table)) {
        found[key] = await outcomeOf(tool, key, value);
        wanted[key] = outcome;
      }
      assertEquals(found, wanted, tool);
    }
  },
);
