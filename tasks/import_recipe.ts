/**
 * `deno task import-recipe FILE`: a recipe of TRL, alignment-handbook, LLaMA-Factory, Axolotl or
 * ms-swift as one of ours. Each key that cannot be taken over is named with the reason.
 */
// deno-lint-ignore-file no-console
import {
  importRecipe,
  importRecipeCommand,
  noteLine,
} from "../src/commands/import_recipe.ts";
import { readTaskOptions, runTask } from "./run_task.ts";

await runTask(async () => {
  const { options, positionals: [path = ""] } = await readTaskOptions(
    importRecipeCommand,
  );
  const { text, notes, problem } = await importRecipe(path, options);
  if (options.output === null) return console.log(text.trimEnd());
  for (const note of notes) console.error(noteLine(note));
  if (problem) console.error(`warning: ${problem}`);
  console.log(`done: ${options.output}`);
});
