import { assertEquals, assertThrows } from "@std/assert";
import { readArguments } from "../../src/base/arguments.ts";
import { defineSchema } from "../../src/base/schema.ts";
import { bakerySchema } from "./options_fixture.ts";
import { test } from "../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

test(
  "readArguments() takes --key=value, --key value and dashes for underscores",
  pure,
  () => {
    const { values, positionals } = readArguments(bakerySchema, [
      "note.yaml",
      "--water=2",
      "--max-rest",
      "-1",
      "--mix=a=b",
    ]);
    assertEquals(values, { water: "2", max_rest: "-1", mix: "a=b" });
    assertEquals(positionals, ["note.yaml"]);
  },
);

test(
  "readArguments() leaves a positional argument after a bare flag alone",
  pure,
  () => {
    const { values, positionals } = readArguments(bakerySchema, [
      "--salted",
      "note.yaml",
    ]);
    assertEquals([values, positionals], [{ salted: true }, ["note.yaml"]]);
  },
);

test(
  "readArguments() takes --no-flag and a spoken true or false",
  pure,
  () => {
    assertEquals(readArguments(bakerySchema, ["--no-salted"]).values, {
      salted: false,
    });
    assertEquals(readArguments(bakerySchema, ["--salted", "false"]).values, {
      salted: "false",
    });
  },
);

test(
  "readArguments() sees --help, -h and --debug apart from the options",
  pure,
  () => {
    const { help, debug, values } = readArguments(bakerySchema, [
      "-h",
      "--debug",
    ]);
    assertEquals([help, debug, values], [true, true, {}]);
  },
);

test("readArguments() names all that is wrong at once", pure, () => {
  assertThrows(
    () => readArguments(bakerySchema, ["-x", "a", "b", "--water"]),
    TypeError,
    'Cannot read the command line: found "-x", expected --key=value; ' +
      "--water has no value, expected --water=VALUE; " +
      'found "b" too many, expected NOTE',
  );
});

test(
  "readArguments() asks for a missing positional argument unless help is wanted",
  pure,
  () => {
    const schema = defineSchema({}, {
      positionals: [{ name: "RECIPE", help: "a run's file", required: true }],
    });
    assertThrows(
      () => readArguments(schema, []),
      TypeError,
      "Cannot read the command line: RECIPE is missing (a run's file)",
    );
    assertEquals(readArguments(schema, ["--help"]).help, true);
  },
);

test("readArguments() keeps numbers, dots and empty values as text, and of two the last", () => {
  const { values, positionals } = readArguments(bakerySchema, [
    "--water=0x10",
    "true",
    "--a.b=1",
    "--mix=",
    "--salted=perhaps",
    "--salted",
    "--max_rest=1e3\n",
  ]);
  assertEquals(values, {
    water: "0x10",
    "a.b": "1",
    mix: "",
    salted: true,
    max_rest: "1e3\n",
  });
  assertEquals(positionals, ["true"]);
});

test("readArguments() refuses words with dashes that are no options", () => {
  assertThrows(
    () => readArguments(bakerySchema, ["note.yaml", "--", "-abc"]),
    TypeError,
    'Cannot read the command line: found "--", expected --key=value; found "-abc", expected --key=value',
  );
});
