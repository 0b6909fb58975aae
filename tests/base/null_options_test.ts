import { assertEquals } from "@std/assert";
import { optional } from "../../src/base/composite_option.ts";
import { flag, integer, number } from "../../src/base/option.ts";
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
