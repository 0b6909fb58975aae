/** Tokens beyond the rows of the embedding: allowed in the tokenizer, refused in the data. */
import { assertThrows } from "@std/assert";
import type { Objective } from "../../../src/training/method/objective.ts";
import type { RunData } from "../../../src/training/setup/run_data.ts";
import { checkRowTokens } from "../../../src/training/setup/row_tokens.ts";
import { characterEncoder } from "../../preference/tokens/character_encoder.ts";
import { test } from "../../test_case.ts";

interface Example {
  readonly line: number;
  readonly ids: readonly number[];
}

const objective = {
  sequences: ({ ids }: Example) => [{ ids, completionStart: 0 }],
} as unknown as Objective<Example>;

function dataOf(train: Example[], evaluation: Example[] = []) {
  return {
    train: { examples: train },
    evaluation: { examples: evaluation },
  } as unknown as RunData<Example>;
}

test(
  "checkRowTokens() lets a tokenizer have more tokens than the embedding has rows, no row of data",
  {
    permissions: "none",
  },
  () => {
    const encoder = characterEncoder();
    const { vocabSize } = encoder.tokenizer;
    const model = { path: "model", vocab_size: vocabSize - 1 };
    const plain = { line: 1, ids: [0, vocabSize - 2] };
    const beyond = { line: 7, ids: [0, vocabSize - 1] };
    checkRowTokens(dataOf([plain], [plain]), objective, encoder, model);
    for (const data of [dataOf([plain, beyond]), dataOf([plain], [beyond])]) {
      assertThrows(
        () => checkRowTokens(data, objective, encoder, model),
        RangeError,
        `line 7 has token ${vocabSize - 1} (`,
      );
    }
  },
);
