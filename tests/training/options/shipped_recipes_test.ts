import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { readOptions } from "../../../src/base/read_options.ts";
import { trainSchema } from "../../../src/training/options/train_schema.ts";
import { toolOf } from "../../../src/training/importing/import_recipe.ts";
import { parseRecipe } from "../../../src/training/options/recipe.ts";
import { test } from "../../test_case.ts";

const RECIPES = fromFileUrl(new URL("../../../recipes", import.meta.url));
const reading = {
  permissions: { read: [RECIPES] },
  sanitizeOps: true,
  sanitizeResources: true,
};

const names = [
  "qwen2-0.5b-cvalues.jsonc",
  "qwen2-0.5b-cvalues-lora.jsonc",
  "tiny-sft.jsonc",
  "tiny-dpo.jsonc",
  "tiny-dpo-lora.jsonc",
];

function load(name: string) {
  const text = Deno.readTextFileSync(`${RECIPES}/${name}`);
  return { text, ...readOptions(trainSchema, [parseRecipe(text, name)]) };
}

test(
  "recipes/ holds the recipes that are tested here; other files are people's own",
  reading,
  () => {
    const found = [...Deno.readDirSync(RECIPES)].map(({ name }) => name);
    assertEquals(names.filter((name) => !found.includes(name)), []);
  },
);

test(
  "the recipes of this project are taken for no other tool's",
  reading,
  () => {
    for (const name of names) {
      const { text } = load(name);
      assertEquals(toolOf(parseRecipe(text, name)), undefined, name);
    }
    // one key that TRL reads and that is no option here
    assertEquals(toolOf({ loss_type: "ipo", beta: 0.1 }), undefined);
    assertEquals(toolOf({ loss_type: "ipo", max_seq_length: 9 }), "TRL");
  },
);

for (const name of names) {
  test(
    `trainSchema reads recipes/${name} without a warning`,
    reading,
    () => {
      const { options, warnings } = load(name);
      assertEquals(warnings, []);
      assertEquals(options.output_dir, `output/${name.replace(".jsonc", "")}`);
    },
  );

  test(
    `recipes/${name} has a comment on every option but repository names`,
    reading,
    () => {
      const bare = load(name).text.split("\n").filter((line) =>
        /^ {2}"(?!download)/.test(line) && !/\/\/ \S/.test(line)
      );
      assertEquals(bare, []);
    },
  );
}

test(
  "recipes/qwen2-0.5b-cvalues.jsonc has the settings of the run that it repeats",
  reading,
  () => {
    const { options } = load("qwen2-0.5b-cvalues.jsonc");
    assertEquals([options.max_train_samples, options.max_eval_samples], [
      10_000,
      100,
    ]);
    assertEquals([options.learning_rate, options.lr_scheduler_type], [
      1e-5,
      "cosine",
    ]);
    assertEquals([options.warmup_ratio, options.num_train_epochs], [0.1, 2]);
    assertEquals([options.gradient_accumulation_steps, options.beta], [4, 0.1]);
    assertEquals([
      options.eval_steps,
      options.save_steps,
      options.save_total_limit,
    ], [100, 100, 1]);
    assertEquals(options.max_length, 1024);
    assert(options.sample_seed !== null);
    assertEquals(options.download?.datasets[0]?.files, [
      "train.jsonl",
      "test.jsonl",
    ]);
  },
);
