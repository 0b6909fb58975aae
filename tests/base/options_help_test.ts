import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { helpText, optionsTable } from "../../src/base/options_help.ts";
import { choice } from "../../src/base/option.ts";
import { optionsOf } from "../../src/base/schema.ts";
import { bakerySchema } from "./options_fixture.ts";
import { test } from "../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

test(
  "helpText() shows usage, headings and every option within 100 columns",
  pure,
  () => {
    const help = helpText(bakerySchema, {
      command: "deno task bake",
      summary: "Bakes bread.",
    });
    assertStringIncludes(
      help,
      "Bakes bread.\n\nUsage: deno task bake [NOTE] [--key=value ...]\n",
    );
    assertStringIncludes(help, "\nOven:\n");
    for (const name of optionsOf(bakerySchema).keys()) {
      assertStringIncludes(help, `  --${name} `);
    }
    assert(help.split("\n").every((line) => line.length <= 100));
    assertStringIncludes(help, "[text; required]");
  },
);

test("optionsTable() has a row per option with its default", pure, () => {
  const table = optionsTable(bakerySchema);
  assertStringIncludes(
    table,
    "### Dough\n\n| Option | Default | Meaning | Values |\n",
  );
  assertStringIncludes(
    table,
    "| `water` | `0.5` | Litres; 0.3 to 2 is usual | a number above 0, at most 9 |",
  );
  assertStringIncludes(table, "| `flour` | required | Flour by name | text |");
  const rows = table.split("\n").filter((line) => line.startsWith("| `"));
  assertEquals(rows.length, optionsOf(bakerySchema).size);
});

test(
  "optionsTable() leads to the page of values that have one",
  pure,
  () => {
    const schema = {
      groups: {
        Oven: {
          shelf: choice("Shelf: top (hot), low (mild)", "top", ["top", "low"]),
        },
      },
    };
    const table = optionsTable(schema, {
      heading: "##",
      elsewhere: {
        shelf: { meaning: "Shelf", values: "[shelves](shelves.md)" },
      },
    });
    assertStringIncludes(table, "## Oven\n");
    assertStringIncludes(
      table,
      "| `shelf` | `top` | Shelf | [shelves](shelves.md) |",
    );
  },
);

test("helpText() explains the usual options unless it is to be whole, and names the others", () => {
  const schema = { ...bakerySchema, usual: ["water", "heat"] };
  const heading = { command: "bake", summary: "Bakes." };
  const short = helpText(schema, { ...heading, isWhole: false });
  const rows = [...short.matchAll(/^ {2}--(\w+) {2,}/gm)].map(([, name]) =>
    name
  );
  assertEquals(rows, ["water", "heat", "version", "debug"]);
  assertStringIncludes(short, "--flour [required]");
  assertStringIncludes(short, "--help=all");
  assertStringIncludes(short, "Litres [default 0.5]\n");
  const whole = helpText(schema, { ...heading, isWhole: true });
  assertStringIncludes(whole, "--flour");
});
