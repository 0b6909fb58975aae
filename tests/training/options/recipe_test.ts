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

test("parseRecipe() refuses more keys than it can answer", () => {
  const keys = (count: number) =>
    JSON.stringify(
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, i])),
    );
  assertEquals(Object.keys(parseRecipe(keys(10_000), "a.json")).length, 10_000);
  assertThrows(
    () => parseRecipe(keys(10_001), "a.json"),
    RangeError,
    'Cannot read recipe "a.json": found 10001 keys, expected at most 10000',
  );
});

test("parseRecipe() refuses aliases that stand for too much, or for themselves", () => {
  const levels = Array.from(
    { length: 8 },
    (_, i) => `a${i}: &a${i} [${`*a${i - 1}, `.repeat(9)}*a${i - 1}]`,
  );
  const text = ["b: &a-1 [1]", ...levels].join("\n");
  assertThrows(
    () => parseRecipe(text, "a.yaml"),
    SyntaxError,
    'Cannot read recipe "a.yaml": its aliases stand for',
  );
  assertThrows(
    () => parseRecipe("a: &a [1, *a]", "a.yaml"),
    SyntaxError,
    "an alias stands inside of what it names",
  );
  const merged = `a: &a {b: 1}\nc:\n  <<: [${"*a, ".repeat(2000)}]`;
  assertThrows(
    () => parseRecipe(merged, "a.yaml"),
    SyntaxError,
    'found 2000 aliases beside "<<", expected at most 1000',
  );
  assertEquals(parseRecipe("a: &a [1]\nb: *a", "a.yml"), { a: [1], b: [1] });
});

test("parseRecipe() refuses what is too long or too deep in words of its own", () => {
  for (const ending of ["jsonc", "yaml"]) {
    assertThrows(
      () => parseRecipe("[".repeat(100_000), `a.${ending}`),
      SyntaxError,
      `Cannot read recipe "a.${ending}": it is nested too deep`,
    );
    assertThrows(
      () => parseRecipe(" ".repeat(10_000_001), `a.${ending}`),
      SyntaxError,
      "found 10000001 characters, expected at most 10000000",
    );
  }
  assertThrows(() => parseRecipe("{}", "a.constructor"), TypeError, "ending");
});
