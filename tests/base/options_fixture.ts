/** A small schema that has one option of every kind. */
import {
  fields,
  list,
  optional,
  record,
} from "../../src/base/composite_option.ts";
import { either } from "../../src/base/composite_option.ts";
import { choice, flag, integer, number, text } from "../../src/base/option.ts";
import { defineSchema } from "../../src/base/schema.ts";

export const bakerySchema = defineSchema({
  Dough: {
    flour: text("Flour by name"),
    water: number("Litres; 0.3 to 2 is usual", 0.5, { above: 0, max: 9 }),
    eggs: integer("How many", 2, { min: 0 }),
    salted: flag("With salt"),
    rest: optional(integer("Minutes of rest", undefined, { min: 1 })),
  },
  Oven: {
    heat: choice("Where heat comes from", "both", ["both", "top", "no"], {
      above: "top",
    }),
    seeds: list("On the crust", ["poppy"], text("Seed")),
    mix: record("Flour to its share", { rye: 1 }, number("", 1, { min: 0 })),
    resume: either(flag("Go on"), text("From where")),
    order: optional(fields("From where to fetch", {
      shop: choice("", "mill", ["mill", "market"]),
      items: list("", ["all"], text("")),
    })),
  },
}, {
  positionals: [{ name: "NOTE", help: "a file", required: false }],
  aliases: {
    temperature: "heat",
    crumb: { name: "seeds", values: { plain: ["none at all"] } },
  },
  foreign: {
    "gas_*": { reason: "the oven is electric" },
    knead_by_hand: { reason: "the machine kneads", allowed: [false, null] },
  },
  check: ({ eggs, salted }) => ({
    problems: eggs > 99 ? ["too many eggs"] : [],
    warnings: eggs > 0 && !salted ? ["eggs without salt"] : [],
  }),
});
