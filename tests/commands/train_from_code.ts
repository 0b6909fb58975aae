/**
 * A program as a user of the library writes it: trains as a recipe says, with some options changed.
 * Run by train_test.ts beside `deno task train`.
 *
 * Arguments: the recipe's path, and the changed options as JSON.
 */
// deno-lint-ignore-file no-console
import { readOptions, readRecipe, train, trainSchema } from "../../mod.ts";

const [recipe = "", changed = "{}"] = Deno.args;
try {
  const { options } = readOptions(trainSchema, [
    await readRecipe(recipe),
    JSON.parse(changed),
  ]);
  await train(options);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  Deno.exit(1);
}
