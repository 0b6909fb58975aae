import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  JsonFloat,
  parseWithFloats,
  withoutFloat,
} from "../../src/base/json_float.ts";
import { createChatTemplate } from "../../src/text/chat_template.ts";
import { test } from "../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

test({
  ...pure,
  name: "parseWithFloats() keeps whole floats apart, and nothing else",
  fn() {
    const text = '{"a": 1.0, "b": [1, 2e3, 0.5, "1.0", -0.0], "c": null}';
    const { a, b, c } = parseWithFloats(text) as Record<string, unknown[]>;
    assert(a instanceof JsonFloat && b?.[1] instanceof JsonFloat);
    assert(b[4] instanceof JsonFloat);
    assertEquals([b[0], b[2], b[3], c], [1, 0.5, "1.0", null]);
    assertEquals([a, b[1]].map(withoutFloat), [1, 2000]);
    assertEquals(JSON.stringify(b), '[1,2000,0.5,"1.0",0]');
    assertEquals(parseWithFloats("[1, 2]"), [1, 2]);
    assertThrows(() => parseWithFloats("[1.0, "), SyntaxError);
  },
});

test({
  ...pure,
  name:
    "parseWithFloats() reads Python's NaN and Infinity, and leaves texts alone",
  fn() {
    const value = parseWithFloats(
      '{"a": NaN, "b": [-Infinity, Infinity, 1.0], "NaN": "a \\" NaN, Infinity"}',
    ) as Record<string, unknown[]>;
    assertEquals(value.a as unknown, NaN);
    assertEquals(value.b?.slice(0, 2), [-Infinity, Infinity]);
    assert(value.b?.[2] instanceof JsonFloat);
    assertEquals(value.NaN as unknown, 'a " NaN, Infinity');
    for (
      const broken of ["[NaN", "[NaNs]", "[nan]", "[+Infinity]", "NaN NaN"]
    ) {
      assertThrows(() => parseWithFloats(broken), SyntaxError);
    }
  },
});

test({
  ...pure,
  name: "render() prints the floats of JSON as Python does",
  fn() {
    const d = parseWithFloats(
      '{"b": 1.0, "a": [null, true, 1e-9, 1e22, 123456789.125, -0.0]}',
    );
    // by Python's Jinja2 in the environment of transformers
    assertEquals(
      createChatTemplate("{{ d }}{{ d | tojson }}{{ d.b + 1 }}").render([], {
        variables: { d },
      }),
      "{'b': 1.0, 'a': [None, True, 1e-09, 1e+22, 123456789.125, -0.0]}" +
        '{"b": 1.0, "a": [null, true, 1e-09, 1e+22, 123456789.125, -0.0]}2.0',
    );
  },
});
