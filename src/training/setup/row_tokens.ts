/**
 * Checks that a model has a row of its embedding for every token of a run's data. A tokenizer may
 * have more ids than the embedding has rows, as Gemma 3 has, as long as no row of data uses them.
 */
import type { Encoder } from "../../preference/tokens/tokenize.ts";
import type { Objective } from "../method/objective.ts";
import type { Examples, RunData } from "./run_data.ts";

/**
 * Fails if an example has a token that is beyond the rows of an embedding.
 *
 * @param model `path`: the model's folder; `vocab_size`: the number of the embedding's rows
 * @throws {RangeError} naming the token, its line and both sizes
 */
export function checkRowTokens<Example extends Examples>(
  { train, evaluation }: RunData<Example>,
  objective: Objective<Example>,
  { tokenizer }: Encoder,
  model: { readonly path: string; readonly vocab_size: number },
): void {
  const { path, vocab_size } = model;
  if (tokenizer.vocabSize <= vocab_size) return;
  for (
    const example of [...train.examples, ...evaluation?.examples ?? []]
  ) {
    const ids = objective.sequences(example).flatMap(({ ids }) => ids);
    const beyond = ids.find((id) => id >= vocab_size);
    if (beyond === undefined) continue;
    throw new RangeError(
      `Cannot train "${path}": line ${example.line} has token ${beyond} (${
        JSON.stringify(tokenizer.decode([beyond]))
      }), the model's embedding has ${vocab_size} rows and its tokenizer ${tokenizer.vocabSize} tokens; leave the row out, or take a model with a larger embedding`,
    );
  }
}
