import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { optional } from "../../src/base/composite_option.ts";
import { readOptions } from "../../src/base/read_options.ts";
import { defineSchema, type Infer } from "../../src/base/schema.ts";
import { text } from "../../src/base/option.ts";
import { bakerySchema } from "./options_fixture.ts";
import { test } from "../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

test(
  "readOptions() lets the later source win over the earlier and both over the defaults",
  pure,
  () => {
    const { options } = readOptions(bakerySchema, [
      { flour: "rye", water: 1, eggs: 3 },
      { water: "2.5" },
    ]);
    assertEquals([options.flour, options.water, options.eggs], ["rye", 2.5, 3]);
    assertEquals(options.seeds, ["poppy"]);
  },
);

test("Infer gives each option its own type", pure, () => {
  const { options } = readOptions(bakerySchema, [{ flour: "rye" }]);
  const typed: Infer<typeof bakerySchema> = options;
  const heat: "both" | "top" | "no" = typed.heat;
  const rest: number | null = typed.rest;
  const resume: boolean | string = typed.resume;
  const shop: "mill" | "market" | undefined = typed.order?.shop;
  assertEquals([heat, rest, resume, shop], ["both", null, false, undefined]);
});

test("readOptions() names every problem in one error", pure, () => {
  assertThrows(
    () =>
      readOptions(bakerySchema, [{
        watr: 1,
        water: 0,
        eggs: 1.5,
        heat: "gas",
        seeds: ["a", 7],
        mix: { rye: -1, oat: "x" },
        order: { shop: "moon", price: 1 },
      }]),
    TypeError,
    'Cannot read the options: "watr" is not an option, did you mean "water"; ' +
      '"flour" is missing, expected text; ' +
      '"water" must be a number above 0, at most 9, found 0; ' +
      '"eggs" must be an integer of at least 0, found 1.5; ' +
      '"heat" must be one of both, top, no, found "gas"; ' +
      '"seeds[1]" must be text, found 7; ' +
      '"mix.rye" must be a number of at least 0, found -1; ' +
      '"mix.oat" must be a number of at least 0, found "x"; ' +
      '"order.price" is not one of shop, items; ' +
      '"order.shop" must be one of mill, market, found "moon"',
  );
});

test(
  "readOptions() reads every kind from the text of a command line",
  pure,
  () => {
    const { options } = readOptions(bakerySchema, [{
      flour: "rye",
      salted: "true",
      rest: "none",
      seeds: "sesame, flax",
      mix: "rye=0.5,a=b.jsonl=2",
      resume: "output/checkpoint-4",
      order: '{"shop": "market"}',
    }]);
    assertEquals(options.salted, true);
    assertEquals(options.rest, null);
    assertEquals(options.seeds, ["sesame", "flax"]);
    assertEquals(options.mix, { rye: 0.5, "a=b.jsonl": 2 });
    assertEquals(options.resume, "output/checkpoint-4");
    assertEquals(options.order, { shop: "market", items: ["all"] });
  },
);

test(
  "readOptions() takes YAML's bare no, which may arrive as false, for a choice",
  pure,
  () => {
    const { options } = readOptions(bakerySchema, [{
      flour: "x",
      heat: false,
    }]);
    assertEquals(options.heat, "no");
  },
);

test(
  "readOptions() takes a synonym for the word of a choice",
  pure,
  () => {
    const { options } = readOptions(bakerySchema, [
      { flour: "x", heat: "above" },
    ]);
    assertEquals(options.heat, "top");
  },
);

test("readOptions() translates aliases and their values", pure, () => {
  const { options } = readOptions(bakerySchema, [
    { flour: "rye", temperature: "top", crumb: "plain" },
  ]);
  assertEquals([options.heat, options.seeds], ["top", ["none at all"]]);
});

test(
  "readOptions() refuses an alias beside its option and an untranslatable value",
  pure,
  () => {
    assertThrows(
      () =>
        readOptions(bakerySchema, [
          { flour: "rye", temperature: "top", heat: "no", crumb: "soft" },
        ]),
      TypeError,
      '"temperature" and "heat" are the same, give one; ' +
        '"crumb" must be one of plain, found "soft"; see "seeds"',
    );
  },
);

test(
  "readOptions() warns of a harmless foreign key and refuses a harmful one, each with its reason",
  pure,
  () => {
    const { warnings } = readOptions(bakerySchema, [
      { flour: "rye", eggs: 0, gas_pressure: 3, knead_by_hand: "false" },
    ]);
    assertEquals(warnings, ['"gas_pressure" is ignored: the oven is electric']);
    assertThrows(
      () => readOptions(bakerySchema, [{ flour: "rye", knead_by_hand: true }]),
      TypeError,
      '"knead_by_hand" cannot be true: the machine kneads',
    );
  },
);

test("readOptions() runs the check over all options last", pure, () => {
  const { warnings } = readOptions(bakerySchema, [{ flour: "rye" }]);
  assertEquals(warnings, ["eggs without salt"]);
  assertThrows(
    () => readOptions(bakerySchema, [{ flour: "rye", eggs: 100 }]),
    TypeError,
    "Cannot read the options: too many eggs",
  );
});

test(
  "defineSchema() refuses a name in two groups and an alias of nothing",
  pure,
  () => {
    assertThrows(
      () =>
        defineSchema({ A: { x: text("") }, B: { x: text("") } }, {
          aliases: { y: "z" },
        }),
      TypeError,
      'found "x", "y" twice',
    );
  },
);

for (const value of ["True", "yes", "ON", "1", 1, true]) {
  test(`readOptions() reads ${JSON.stringify(value)} as true`, () => {
    const given = { flour: "rye", eggs: 0, salted: value };
    assertEquals(readOptions(bakerySchema, [given]).options.salted, true);
  });
}

for (const value of ["False", "no", "OFF", "0", 0, false]) {
  test(`readOptions() reads ${JSON.stringify(value)} as false`, () => {
    const given = { flour: "rye", eggs: 0, salted: value, heat: value };
    const { salted, heat } = readOptions(bakerySchema, [given]).options;
    assertEquals([salted, heat], [false, "no"]);
  });
}

test("readOptions() reads None and a foreign key's False as their values", () => {
  const given = { flour: "rye", eggs: 0, rest: "None", knead_by_hand: "False" };
  const { options, warnings } = readOptions(bakerySchema, [given]);
  assertEquals([options.rest, warnings], [null, []]);
});

test("readOptions() names the nearest option only if it is near", () => {
  const error = (key: string) =>
    assertThrows(
      () => readOptions(bakerySchema, [{ flour: "rye", eggs: 0, [key]: 1 }]),
      TypeError,
    ).message;
  assertStringIncludes(error("salt_ed"), 'did you mean "salted"');
  assertEquals(
    error("enable_thinking"),
    'Cannot read the options: "enable_thinking" is not an option, --help=all lists them',
  );
});

test("readOptions() lets an option replace what says the same in an earlier source", () => {
  const schema = defineSchema({
    Data: { one: optional(text("")), two: optional(text("")) },
  }, { replacing: [["one", "two"]] });
  const read = (last: Record<string, unknown>) =>
    readOptions(schema, [{ two: "recipe" }, last]).options;
  assertEquals(read({ one: "line" }), { one: "line", two: null });
  assertEquals(read({ one: null }), { one: null, two: "recipe" });
});

/** What is said of a recipe with these keys. */
function refusal(keys: Record<string, unknown>): string {
  const { message } = assertThrows(
    () => readOptions(bakerySchema, [{ flour: "rye", ...keys }]),
    TypeError,
  );
  assertEquals(message.length < 10_000, true);
  return message;
}

test("readOptions() tells of many unknown keys by the first ones", pure, () => {
  const many = Array.from({ length: 50_000 }, (_, i) => [`water${i}`, 1]);
  const message = refusal(Object.fromEntries(many));
  assertStringIncludes(
    message,
    '"water0" is not an option, did you mean "water"',
  );
  assertStringIncludes(message, "; and 49980 more");
});

test("readOptions() shows the beginning of a long key or value", pure, () => {
  const long = "w".repeat(1_000_000);
  assertStringIncludes(refusal({ [long]: 1 }), "... (1000002 characters)");
  assertStringIncludes(refusal({ water: long }), "... (1000002 characters)");
  assertStringIncludes(refusal({ seeds: [[long]] }), "...");
});

test(
  "readOptions() takes no word of JavaScript for one of its own",
  pure,
  () => {
    for (const word of ["constructor", "toString", "__proto__"]) {
      const keys = JSON.parse(`{"${word}": 1}`);
      assertStringIncludes(refusal(keys), `"${word}" is not an option`);
      for (const key of ["flour", "water", "heat", "order"]) {
        refusal({ [key]: JSON.parse(`{"${word}": 1}`) });
      }
    }
  },
);
