import { assertEquals, assertThrows } from "@std/assert";
import { either, optional } from "../../src/base/composite_option.ts";
import { choice, flag, integer, number, text } from "../../src/base/option.ts";
import { readOptions } from "../../src/base/read_options.ts";
import { defineSchema } from "../../src/base/schema.ts";
import { test } from "../test_case.ts";

const schema = defineSchema({
  "All": {
    beta: number("Beta", 0.1),
    bf16: flag("Kind", true),
    limit: optional(integer("Limit"), 5),
  },
}, {
  aliases: { strength: "beta" },
  foreign: {
    ignored: { reason: "nothing reads it" },
    fixed: { reason: "it is so", allowed: [true] },
  },
});

test({
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
  name: "readOptions() takes a null for not said, unless null is a value",
  fn() {
    const nulls = { beta: null, bf16: null, limit: null };
    assertEquals(readOptions(schema, [nulls]).options, {
      beta: 0.1,
      bf16: true,
      limit: null,
    });
    const { options, warnings } = readOptions(schema, [
      { strength: 2, ignored: null, fixed: null },
      { beta: null, ignored: false },
    ]);
    assertEquals([options.beta, warnings], [2, []]);
  },
});

test({
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
  name: "readOptions() takes the words for null as null, but not for a choice",
  fn() {
    const given = { beta: "None", bf16: "null", limit: "none" };
    assertEquals(readOptions(schema, [given]).options, {
      beta: 0.1,
      bf16: true,
      limit: null,
    });
    const chosen = defineSchema({
      "All": { when: choice("When", "steps", ["no", "steps"]) },
    });
    assertThrows(
      () => readOptions(chosen, [{ when: "none" }]),
      TypeError,
      '"when" must be one of no, steps, found "none"',
    );
  },
});

test({
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
  name: "readOptions() takes the words for null as no text",
  fn() {
    const texts = defineSchema({
      "All": {
        from: either(flag("Go on"), text("Checkpoint")),
        name: text("Name", "mine"),
      },
    });
    for (const word of ["None", "null", "none", "NULL"]) {
      const { options } = readOptions(texts, [{ from: word, name: word }]);
      assertEquals(options, { from: false, name: "mine" });
    }
    const { options } = readOptions(texts, [{ from: "nonesuch", name: "nil" }]);
    assertEquals(options, { from: "nonesuch", name: "nil" });
  },
});
