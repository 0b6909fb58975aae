import { assertEquals, assertThrows } from "@std/assert";
import { parseRecipe } from "../../../src/training/options/recipe.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

test(
  "parseRecipe() reads JSON with comments and YAML to the same record",
  pure,
  () => {
    const wanted = {
      beta: 0.1,
      learning_rate: 5e-6,
      dataset_mixer: { "a.jsonl": 1 },
    };
    assertEquals(
      parseRecipe(
        '{ // why\n "beta": 0.1, "learning_rate": 5.0e-6, "dataset_mixer": {"a.jsonl": 1}, }',
        "x.jsonc",
      ),
      wanted,
    );
    assertEquals(
      parseRecipe(
        "# why\nbeta: 0.1\nlearning_rate: 5.0e-6\ndataset_mixer:\n  a.jsonl: 1.0\n",
        "x.YAML",
      ),
      wanted,
    );
  },
);

test(
  "parseRecipe() names file and line of what it cannot parse",
  pure,
  () => {
    assertThrows(
      () => parseRecipe('{\n"beta" 1}', "x.jsonc"),
      SyntaxError,
      'Cannot read recipe "x.jsonc" line 2: unexpected token "1"',
    );
    const yaml = assertThrows(
      () => parseRecipe("beta: 1\nseed: 1\nbeta: 2\n", "x.yaml"),
      SyntaxError,
      'Cannot read recipe "x.yaml" line 3: ',
    );
    assertEquals(yaml.message.includes("\n"), false);
  },
);

test(
  "parseRecipe() refuses another ending and what is no mapping",
  pure,
  () => {
    assertThrows(
      () => parseRecipe("", "x.toml"),
      TypeError,
      'found ending ".toml", expected .json, .jsonc, .yaml, .yml',
    );
    assertThrows(
      () => parseRecipe("- a", "x.yaml"),
      TypeError,
      "found a list, expected a mapping of options",
    );
    assertThrows(
      () => parseRecipe("", "x.yaml"),
      TypeError,
      "found nothing, expected",
    );
  },
);
