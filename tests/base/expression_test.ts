import { assertEquals, assertThrows } from "@std/assert";
import {
  boundedExpression,
  expressionFault,
} from "../../src/base/expression.ts";
import { test } from "../test_case.ts";

const PATH = "model.layers.10.self_attn.q_proj";

/** Expressions that a backtracking engine would try for ever on a path that they do not fit. */
const ENDLESS = [
  "^(([a-z.0-9_]+)+)+X$",
  "^(?:(a|m|o|d|e|l|.)*)*X$",
  "^([a-z.0-9_]*?)*X$",
  `${"(m|.)?".repeat(40)}X`,
  `${"(.|[a-z])".repeat(31)}X`,
  `${".*".repeat(12)}X`,
  `${".?".repeat(40)}${".".repeat(40)}X`,
  "^(.?){40}.{40}X$",
  "^(?:.{0,30}){12}X$",
];

test("boundedExpression() ends where a backtracking engine does not", () => {
  for (const source of ENDLESS) {
    assertEquals(boundedExpression(source).test(PATH), false, source);
  }
  assertEquals(boundedExpression("^(([a-z.0-9_]+)+)+j$").test(PATH), true);
  assertEquals(boundedExpression("^(([A-Z.0-9_]+)+)+J$", "i").test(PATH), true);
});

test("boundedExpression() refuses a look-around in what it cannot bound", () => {
  for (const source of [...ENDLESS, "^.*a.*b.*c.*X$"]) {
    const error = assertThrows(
      () => boundedExpression(`(?!x)${source}`),
      SyntaxError,
      "has too many ways to match beside a look-around or back-reference",
    );
    assertEquals(
      expressionFault("e", error),
      '"e" has too many ways to match beside a look-around or back-reference',
    );
  }
});

test("boundedExpression() keeps the forms that adapters have", () => {
  const cases: readonly [source: string, fits: boolean][] = [
    ["^(?:.*\\.(q|v)_proj)$", true],
    ["^(?:.*(?<name>q)_proj)$", true],
    ["^(?:(?=.*q_proj)(?!.*lm_head).*\\.layers\\.(\\d+)\\..*)$", true],
    ["^(?:model(?=\\.).*\\.(o_proj|v_proj))$", false],
    [
      "^(?:(?:.*?(?:vision|image).*?(?:attn).*?(?:q_proj).*?)|(?:\\bmodel\\.layers\\.[\\d]{1,}\\.(?:self_attn|mlp)\\.(?:(?:q_proj|k_proj))))$",
      true,
    ],
    ["^(?:.*layers\\.([0-9]|1[0-5])\\..*_proj)$", true],
    ["^(?:.*layers\\.(?:[5-9])\\.+.*)$", false],
    ["^(.*\\.)?(q_proj)$", true],
    ["^(.*\\.)?(model.layers.10.*q_proj)$", true],
  ];
  for (const [source, fits] of cases) {
    assertEquals(boundedExpression(source).test(PATH), fits, source);
  }
});

test("boundedExpression() tells what is no expression, shown by its beginning", () => {
  const error = assertThrows(() => boundedExpression("("), SyntaxError);
  assertEquals(expressionFault("(", error), '"(" is not a regular expression');
  assertEquals(expressionFault("(".repeat(1000), error).length, 233);
});
