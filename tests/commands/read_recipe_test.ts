/** A recipe's file, read as the train task takes it, whichever tool it is written for. */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { listenToNotes } from "../../src/base/notes.ts";
import { readRecipe, readRecipeFile } from "../../src/commands/read_recipe.ts";
import { TEMPORARY, temporaryFolder } from "../temporary_folder.ts";
import { test } from "../test_case.ts";

const files = {
  permissions: { read: [TEMPORARY], write: [TEMPORARY] },
};

/** A recipe as it is read from a file, and what is told meanwhile. */
async function read(text: string, given: Record<string, unknown> = {}) {
  await using folder = await temporaryFolder();
  const path = await folder.write("recipe.yaml", text);
  const told: string[] = [];
  using _ = listenToNotes((sentence) => told.push(sentence));
  const recipe = await readRecipe(path, given);
  return { recipe, told };
}

const TRL = "model_name_or_path: m\ndataset_name: d\nbeta: 0.2\n";

test({
  ...files,
  name: "readRecipe() gives a recipe of ours as it stands and tells nothing",
  async fn() {
    const { recipe, told } = await read("trainer: dpo\nodd_key: 3\n");
    assertEquals(recipe, { trainer: "dpo", odd_key: 3 });
    assertEquals(told, []);
  },
});

test({
  ...files,
  name:
    "readRecipe() translates a recipe of another tool and tells it in one line",
  async fn() {
    const { recipe, told } = await read(`${TRL}push_to_hub: true\n`);
    const { dataset, beta, length_policy } = recipe;
    assertEquals([dataset, beta, length_policy], ["d", 0.2, "keep_start"]);
    assertEquals(told.length, 1);
    assertStringIncludes(told[0]!, "is a recipe of TRL and is translated");
    assertStringIncludes(told[0]!, '"push_to_hub": ');
  },
});

test({
  ...files,
  name: "readRecipe() takes the trainer of the command line for the recipe's",
  async fn() {
    const head = "model_name_or_path: m\ndataset_name: d\n";
    const { recipe, told } = await read(head, { trainer: "sft" });
    assertEquals([recipe.trainer, recipe.learning_rate], ["sft", 2e-5]);
    assertEquals(told[0]!.includes("taken to be"), false);
  },
});

test({
  ...files,
  name: "readRecipe() names all that a recipe asks for and is not served",
  async fn() {
    const { message } = await assertRejects(
      () => read(`${TRL}judge: pair_rm\nnum_generations: 4\n`),
      TypeError,
      "a recipe of TRL: ",
    );
    assertStringIncludes(message, '"judge": ');
    assertStringIncludes(message, '"num_generations": ');
  },
});

test({
  ...files,
  name:
    "readRecipe() leaves a key that no table has, also inside a record, so that it stops the run",
  async fn() {
    const { recipe, told } = await read(`${TRL}odd_key: 3\n`);
    assertEquals(recipe.odd_key, 3);
    assertEquals(told[0]!.includes("odd_key"), false);
    const inside = await read(
      "model: m\nmodel_class: llm\npeft_config: { name: lora, odd: 3 }\n",
    );
    assertEquals(inside.recipe["peft_config.odd"], 3);
  },
});

test({
  ...files,
  name: "readRecipeFile() says of a path whether nothing or a folder is there",
  async fn() {
    await using folder = await temporaryFolder();
    await assertRejects(
      () => readRecipeFile(folder.file("none.yaml")),
      Error,
      "no such file",
    );
    await assertRejects(
      () => readRecipeFile(folder.path),
      TypeError,
      "found a folder, expected a file",
    );
  },
});
