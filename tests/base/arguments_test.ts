import { assertEquals, assertThrows } from "@std/assert";
import { readArguments } from "../../src/base/arguments.ts";
import { text } from "../../src/base/option.ts";
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

test(
  "readArguments() says of an option without dashes how it is written",
  pure,
  () => {
    assertThrows(
      () => readArguments(bakerySchema, ["note.yaml", "water=2", "salted=no"]),
      TypeError,
      'found "water=2", "salted=no" without dashes, expected --water=2 --salted=no',
    );
    const { positionals } = readArguments(bakerySchema, ["a=b.yaml"]);
    assertEquals(positionals, ["a=b.yaml"]);
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

const taskSchema = defineSchema(bakerySchema.groups, {
  positionals: [{
    name: "RECIPE",
    help: "a run's file",
    required: false,
    endings: /\.yaml$/,
  }],
  foreign: bakerySchema.foreign,
});

for (const word of ["True", "FALSE", "yes", "No", "on", "off", "1", "0"]) {
  test(`readArguments() takes ${word} after a flag as its value`, pure, () => {
    const { values, positionals } = readArguments(taskSchema, [
      "--salted",
      word,
      "note.yaml",
    ]);
    assertEquals([values, positionals], [{ salted: word }, ["note.yaml"]]);
  });
}

test(
  "readArguments() takes several words for a list and for a record, up to what is none of them",
  pure,
  () => {
    const { values, positionals } = readArguments(taskSchema, [
      "--seeds",
      "poppy",
      "rice, oat",
      "--mix",
      "rye=1,",
      "wheat=0.5",
      "note.yaml",
    ]);
    assertEquals(values, {
      seeds: '["poppy","rice","oat"]',
      mix: "rye=1,wheat=0.5",
    });
    assertEquals(positionals, ["note.yaml"]);
  },
);

test(
  "readArguments() lets a flag with another kind of value stand before a recipe",
  pure,
  () => {
    for (
      const words of [["--resume", "note.yaml"], ["note.yaml", "--resume"]]
    ) {
      const { values, positionals } = readArguments(taskSchema, words);
      assertEquals([values, positionals], [{ resume: true }, ["note.yaml"]]);
    }
  },
);

test(
  "readArguments() lets another tool's key stand alone or with several words",
  pure,
  () => {
    const { values, positionals } = readArguments(taskSchema, [
      "--gas_low",
      "--gas_names",
      "a",
      "b",
      "--gas_high",
      "note.yaml",
    ]);
    assertEquals(values, { gas_low: true, gas_names: "a,b", gas_high: true });
    assertEquals(positionals, ["note.yaml"]);
  },
);

test(
  "readArguments() tells --help from --help=all, and sees --version",
  pure,
  () => {
    const read = (...words: string[]) => readArguments(taskSchema, words);
    assertEquals(read("--help=all").help, "all");
    assertEquals(read("--help", "all").help, "all");
    assertEquals(read("--help", "note.yaml").help, true);
    assertEquals(read("--version").version, true);
  },
);

test(
  "readArguments() takes a word for the option that it stands for, and no second value",
  pure,
  () => {
    const schema = defineSchema({ "": { tuned: text("A folder") } }, {
      aliases: { adapter: "tuned" },
      positionals: [{
        name: "RUN",
        help: "a folder",
        required: false,
        option: "tuned",
      }],
    });
    assertEquals(readArguments(schema, ["a/b"]).values, { tuned: "a/b" });
    for (const option of ["--tuned=c", "--adapter=c"]) {
      assertThrows(
        () => readArguments(schema, ["a/b", option]),
        TypeError,
        `found "a/b" and ${option}, expected one of them`,
      );
    }
  },
);
