/** Recipes of ours in JSONC and YAML, and the importing of those of other tools. */
import { readOptions } from "../../../src/base/read_options.ts";
import {
  importRecipe,
  recipeText,
} from "../../../src/training/importing/import_recipe.ts";
import { parseRecipe } from "../../../src/training/options/recipe.ts";
import { trainSchema } from "../../../src/training/options/train_schema.ts";
import type { Chance } from "../chance.ts";
import { type DrawInput, hold } from "../fuzz_target.ts";
import { mutateObject } from "../mutate_json.ts";
import { DATA_PIECES, mutateText, YAML_PIECES } from "../mutate_text.ts";
import { asLine, projectNames, projectText } from "../project_files.ts";

const FOLDERS = { ours: "recipes", others: "tests/fixtures/recipes" };

/** Parsed recipes of a folder, with what options alone cannot show. */
function recipesIn(folder: string): [string, string][] {
  return projectNames(folder)
    .filter((name) => /\.(jsonc|ya?ml)$/.test(name))
    .map((name) => [name, projectText(`${folder}/${name}`)]);
}

const MORE = {
  lr_scheduler_kwargs: { num_cycles: 1 },
  optim_args: { eps: 1e-8 },
  lora_rank_pattern: { q_proj: 2 },
  dataset_mixture: { datasets: [{ id: "a", columns: { a: "b" } }] },
  loss_type: ["sigmoid", "sft"],
  loss_weights: [1, 0.5],
};

interface DrawnRecipe {
  readonly words: string;
  readonly text: string;
  readonly path: string;
}

/** A recipe with changes: of its values, or of its text. */
function changed(
  chance: Chance,
  [name, text]: readonly [string, string],
  more: Readonly<Record<string, unknown>>,
): DrawnRecipe {
  const isYaml = !name.endsWith(".jsonc");
  if (chance.oneIn(2)) {
    const pieces = isYaml ? [...YAML_PIECES, ...DATA_PIECES] : DATA_PIECES;
    return {
      words: `changed text of ${name}`,
      text: mutateText(chance, text, pieces),
      path: isYaml ? "x.yaml" : "x.jsonc",
    };
  }
  const whole = { ...parseRecipe(text, name), ...more };
  return {
    words: `changed values of ${name}`,
    text: JSON.stringify(mutateObject(chance, whole)),
    path: chance.pick(["x.json", "x.yaml"]),
  };
}

/** Recipes of ours. */
export function recipe(): Promise<DrawInput> {
  const all = [...recipesIn(FOLDERS.ours), ...recipesIn(FOLDERS.others)];
  return Promise.resolve((chance) => {
    const { words, text, path } = changed(
      chance,
      chance.pick(all),
      chance.oneIn(2) ? MORE : {},
    );
    return {
      words,
      run() {
        const { options } = readOptions(trainSchema, [parseRecipe(text, path)]);
        const again = readOptions(trainSchema, [{ ...options }]).options;
        hold(
          JSON.stringify(again) === JSON.stringify(options),
          () => "options that are read again become others",
        );
      },
      show: () => `${path} ${asLine(text)}`,
    };
  });
}

/** Recipes of other tools. */
export function imports(): Promise<DrawInput> {
  const all = recipesIn(FOLDERS.others);
  return Promise.resolve((chance) => {
    const { words, text, path } = changed(chance, chance.pick(all), {});
    return {
      words,
      async run() {
        const imported = await importRecipe(
          parseRecipe(text, path),
          () => Promise.resolve(undefined),
        );
        const written = recipeText(imported, path);
        const read = parseRecipe(written, "x.jsonc");
        hold(
          JSON.stringify(read) === JSON.stringify(imported.options),
          () => "the written recipe says something else",
        );
      },
      show: () => `${path} ${asLine(text)}`,
    };
  });
}
