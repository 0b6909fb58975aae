/**
 * Recipes with the keys that the tools' own examples have: each key is taken over, asks for
 * nothing, or is named.
 */
import { assert, assertEquals } from "@std/assert";
import { importRecipe } from "../../../src/training/importing/import_recipe.ts";
import type { Recipe } from "../../../src/training/importing/translation.ts";
import { parseRecipe } from "../../../src/training/options/recipe.ts";
import { test } from "../../test_case.ts";

const FOLDER = new URL("../../fixtures/recipes/", import.meta.url);

interface NamedRecipe {
  readonly name: string;
  readonly recipe: Recipe;
}

function readRecipes(): NamedRecipe[] {
  return [...Deno.readDirSync(FOLDER)].map(({ name }) => ({
    name,
    recipe: parseRecipe(Deno.readTextFileSync(new URL(name, FOLDER)), name),
  }));
}

const DATASET_INFO = {
  dpo_en_demo: {
    file_name: "dpo_en_demo.json",
    ranking: true,
    formatting: "sharegpt",
    columns: {
      messages: "conversations",
      chosen: "chosen",
      rejected: "rejected",
    },
  },
  kto_en_demo: {
    file_name: "kto_en_demo.json",
    formatting: "sharegpt",
    columns: { messages: "messages", kto_tag: "label" },
    tags: { role_tag: "role", content_tag: "content" },
  },
  identity: { file_name: "identity.json" },
  alpaca_en_demo: { file_name: "alpaca_en_demo.json" },
};

const translate = (recipe: Recipe) =>
  importRecipe(
    recipe,
    (path) =>
      Promise.resolve(
        path === "data/dataset_info.json" ? DATASET_INFO : undefined,
      ),
  );

/** Keys that say what is so without them: no option comes of them and none goes. */
const AS_EVER: Readonly<Record<string, readonly unknown[]>> = {
  do_train: [true],
  do_eval: [true], // eval_strategy says so too
  truncation_mode: ["keep_start"],
  load_in_4bit: [true], // adapter: qlora says so too
  num_epochs: [1],
  micro_batch_size: [1],
  lr_scheduler: ["cosine"],
  saves_per_epoch: [1],
  bf16: ["auto", true],
  eval_strategy: ["steps"], // eval_steps beside it says so too
  lora_dropout: [0.05],
  num_train_epochs: [3],
  lora_r: [16],
  val_size: [0],
  lora_target_modules: ["q_proj,v_proj"],
  per_device_train_batch_size: [1], // kto's becomes 2
  dpo_beta: [0.1],
  rl_beta: [0.1],
  orpo_alpha: [0.1],
  pref_beta: [0.1],
  train_sampling_strategy: ["random"],
  dataset_config: [null],
  save_only_model: [false],
  save_safetensors: [true],
  logging_strategy: ["steps"],
  stage: ["sft"],
  finetuning_type: ["lora"],
  cosine_min_lr_ratio: [0.1],
  quantization_method: ["bnb"], // it says how, quantization_bit whether
  shuffle_merged_datasets: [true],
  dataset_train_split: ["train"],
  dataset_test_split: ["test"],
  neat_packing: [true],
  lora_rank: [8],
  lora_alpha: [16, 32],
  packing: [true], // neat_packing beside it says so too
  lora_task_type: ["CAUSAL_LM"],
  sequence_len: [512],
  adapter: ["qlora"],
  val_set_size: [0],
};

const reading = { permissions: { read: [FOLDER] } };

/**
 * Keys of a recipe that change no option, are not named in a note, and are not off by their value.
 */
async function silentKeys(recipe: Recipe): Promise<string[]> {
  const { options, notes, refusals } = await translate(recipe);
  const said = new Set([...notes, ...refusals].map(({ key }) => key));
  const silent: string[] = [];
  for (const [key, value] of Object.entries(recipe)) {
    if (value === null || said.has(key)) continue;
    const { [key]: _, ...rest } = recipe;
    const without = await translate(rest);
    const changes = JSON.stringify(without.options) !== JSON.stringify(options);
    if (changes || AS_EVER[key]?.some((one) => String(one) === String(value))) {
      continue;
    }
    const isOff = value === false || value === 0 || value === "none" ||
      JSON.stringify(value) === "{}";
    if (!isOff) silent.push(`${key}: ${JSON.stringify(value)}`);
  }
  return silent;
}

test(
  "importRecipe() takes over or names each key of the tools' own recipes",
  reading,
  async (context) => {
    for (const { name, recipe } of readRecipes()) {
      await context.step(name, async () => {
        assertEquals(await silentKeys(recipe), []);
      });
    }
  },
);

test(
  "importRecipe() knows which tool the recipes are from, and most would run",
  reading,
  async () => {
    const recipes = readRecipes();
    const found = await Promise.all(recipes.map(async ({ name, recipe }) => {
      const { tool, problem } = await translate(recipe);
      const wanted = name.startsWith("axolotl")
        ? "Axolotl"
        : name.startsWith("llama_factory")
        ? "LLaMA-Factory"
        : "TRL";
      assertEquals(tool, wanted, name);
      return problem === undefined;
    }));
    assert(found.filter(Boolean).length >= 9, `${found}`);
  },
);
