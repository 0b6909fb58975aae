import { Environment } from "@huggingface/jinja";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { createChatTemplate } from "../../../src/text/chat_template.ts";
import {
  type Limits,
  limitsFor,
  OverLimit,
  withinLimits,
} from "../../../src/text/jinja/budget.ts";
import { PythonInterpreter } from "../../../src/text/jinja/interpreter.ts";
import { parseTemplate } from "../../../src/text/jinja/nodes.ts";
import { wrap } from "../../../src/text/jinja/values.ts";
import { test } from "../../test_case.ts";

/** Renders a template under limits of its own, with lists and texts that it may use. */
function renderWithin(limits: Partial<Limits>, source: string): string {
  const scope = new Environment();
  scope.setVariable("two", wrap([1, 2]));
  scope.setVariable("hundred", wrap(Array.from({ length: 100 }, () => "ab")));
  scope.setVariable("numbers", wrap(Array.from({ length: 100 }, (_, i) => i)));
  const program = parseTemplate(source);
  return withinLimits(
    { ...limitsFor(100), ...limits },
    () => String(new PythonInterpreter(scope).run(program).value),
  );
}

/** Limits, a template that is beyond them, and what is said of it. */
const BEYOND: readonly [Partial<Limits>, string, string][] = [
  [
    { steps: 500 },
    "{% for a in hundred %}{% for b in hundred %}{% endfor %}{% endfor %}",
    "more than 500 steps",
  ],
  [{ steps: 500 }, "{{ numbers|unique|length }}", "more than 500 steps"],
  [
    { steps: 500 },
    "{% for a in hundred %}{{ a in hundred[1:] }}{% endfor %}",
    "more than 500 steps",
  ],
  [
    { milliseconds: -1 },
    "{% for a in hundred %}{{ a }}{% endfor %}",
    "more than -1 milliseconds",
  ],
  [{ characters: 99 }, "{{ 'x' * 100 }}", "a text of 100 characters"],
  [{ characters: 99 }, "{{ 100 * 'x' }}", "a text of 100 characters"],
  [
    { characters: 99 },
    "{{ 'x' * 60 ~ 'y' * 60 }}",
    "a text of 120 characters",
  ],
  [
    { characters: 99 },
    "{{ 'x' * 60 + 'y' * 60 }}",
    "a text of 120 characters",
  ],
  [{ characters: 99 }, "{{ 'x'.ljust(101) }}", "a text of 100 characters"],
  [{ characters: 99 }, "{{ 'x'.rjust(101) }}", "a text of 100 characters"],
  [{ characters: 99 }, "{{ 'x'.zfill(101) }}", "a text of 100 characters"],
  [{ characters: 99 }, "{{ 'x'|indent(100) }}", "a text of 100 characters"],
  [
    { characters: 99 },
    "{% filter indent(100) %}x{% endfilter %}",
    "a text of 100 characters",
  ],
  [{ characters: 99 }, "{{ hundred|join }}", "a text of 200 characters"],
  [{ characters: 99 }, "{{ ''.join(hundred) }}", "a text of 200 characters"],
  [{ characters: 99 }, "{{ hundred }}", "a text of 600 characters"],
  [{ characters: 99 }, "{{ hundred|tojson }}", "a text of 602 characters"],
  [
    { characters: 99 },
    `{{ '"'${"|tojson".repeat(7)} }}`,
    "a text of 190 characters",
  ],
  [
    { characters: 99 },
    "{{ '%s%s' % ('x' * 60, 'y' * 60) }}",
    "a text of 120 characters",
  ],
  [
    { characters: 99 },
    "{{ two|tojson(indent=100) }}",
    "a text of 100 characters",
  ],
  [
    { characters: 99 },
    "{{ ('x' * 50)|replace('x', 'y' * 50) }}",
    "a text of 2550 characters",
  ],
  [
    { characters: 99 },
    "{{ ('x' * 50).replace('', 'y' * 50) }}",
    "a text of 2600 characters",
  ],
  [
    { characters: 99 },
    "{% for a in hundred %}{{ a }}{% endfor %}",
    "a text of 100 characters",
  ],
  [
    { characters: 99 },
    "{{ ('{0}' * 33).format('x' * 99) }}",
    "more text in all its parts",
  ],
  [
    { characters: 99 },
    "{{ ('%(a)s' * 18) % {'a': 'x' * 99} }}{{ ('%(a)s' * 18) % {'a': 'x' * 99} }}",
    "a text of 1782 characters",
  ],
  [{ items: 99 }, "{{ [1] * 100 }}", "a list of 100 items"],
  [{ items: 99 }, "{{ hundred + two }}", "a list of 102 items"],
  [{ items: 99 }, "{{ ('x' * 100)|list }}", "a list of 100 items"],
  [
    { depth: 50 },
    "{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}",
    "more than 50 levels of nesting",
  ],
  [
    { depth: 50 },
    "{% set ns = namespace() %}{% set ns.a = ns %}{{ ns }}",
    "more than 50 levels of nesting",
  ],
  [{}, "{{ range(2000000)|length }}", "a range of 2000000 numbers"],
  [{}, "{% for i in range(2000000) %}{% endfor %}", "a range of 2000000"],
];

test("a rendering beyond its limits ends and says what it asked for", () => {
  for (const [limits, source, found] of BEYOND) {
    const text = source.includes("range(")
      ? () => createChatTemplate(source).render([])
      : () => renderWithin(limits, source);
    assertThrows(text, OverLimit, found, source);
  }
});

test("what doubles ends long before it fills the memory", () => {
  const doubling = "{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}";
  const nesting = "{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] %}";
  for (
    const [first, loop, last] of [
      ["'x'", doubling, "ns.s"],
      ["[1]", doubling, "ns.s|length"],
      ["[1]", nesting, "ns.s"],
      ["[1]", nesting, "ns.s|tojson"],
      ["[1]", nesting, "ns.s == ns.s"],
    ]
  ) {
    const source =
      `{% set ns = namespace(s=${first}) %}${loop}{% endfor %}{{ ${last} }}`;
    assertThrows(() => createChatTemplate(source).render([]), OverLimit);
  }
});

test("the error of a rendering beyond its limits names the template", () => {
  assertThrows(
    () => createChatTemplate("{{ 'x' * 10 ** 9 }}", { name: "a" }).render([]),
    OverLimit,
    'Cannot render chat template "a": found a text of 1000000000 characters, expected at most 100',
  );
});

test("a long conversation may be rendered in proportion", () => {
  const chat = createChatTemplate(
    "{% for m in messages %}{{ m.role }}: {{ m.content | trim }}\n{% endfor %}",
  );
  const content = "word ".repeat(400_000);
  const text = chat.render([{ role: "user", content }]);
  assertEquals(text.length, content.length - 1 + "user: \n".length);
});

test("one rendering does not use up the limits of the next", () => {
  const chat = createChatTemplate("{{ 'x' * 900000 }}");
  for (let i = 0; i < 40; i++) assertEquals(chat.render([]).length, 900_000);
});

test("a template whose last tag is not closed is refused", () => {
  for (
    const source of [
      "{{ 1 -",
      "{{ a | b -",
      "{{ a }}{{ b +",
      "{% set a = 1 -",
      "{% if a -",
      "{{ a - }}{% if b -",
    ]
  ) {
    assertThrows(
      () => createChatTemplate(source),
      SyntaxError,
      "Cannot read chat template",
    );
  }
});

test("a template with much white space in a row is refused by its line", () => {
  for (const source of ["{% generation", "{{ 1", "{% raw", "text"]) {
    assertThrows(
      () => createChatTemplate(`\n\n${source}${" ".repeat(2000)}`),
      SyntaxError,
      "found 2000 characters of white space in a row from line 3 on, expected at most 1000",
    );
  }
  assertEquals(createChatTemplate(" ".repeat(1000)).render([]).length, 1000);
});

test("a template of deep nesting is refused in words of ours", () => {
  for (const [open, close] of ["()", "[]"]) {
    const source = `{{ ${open!.repeat(30_000)}1${close!.repeat(30_000)} }}`;
    assertThrows(
      () => createChatTemplate(source),
      SyntaxError,
      "it is nested too deep",
    );
  }
});

test("raw blocks without an end are read once, not each to the end", () => {
  const source = "{% raw %}{{ a }}{% endraw %}" + "{% raw %}".repeat(50_000);
  assertThrows(() => createChatTemplate(source), SyntaxError, "raw");
});

test("strip() and its kin take the time of the text, not of its square", () => {
  const spaces = " ".repeat(200_000);
  const content = `x${spaces}x${spaces}`;
  const render = (source: string) =>
    createChatTemplate(source).render([{ role: "user", content }]);
  const stripped = content.length - spaces.length;
  for (
    const way of ["|trim", ".strip()", ".rstrip()", "|trim(' ')", ".strip(' ')"]
  ) {
    const text = render(`{{ messages[0].content${way} }}`);
    assertEquals(text.length, stripped, way);
  }
  const text = render("{{ messages[0].content.replace(' ', '1')|float }}");
  assert(text === "0.0");
});

test("strip() drops whole characters from both ends", () => {
  const cases: readonly [string, string][] = [
    ["{{ '\u3000 a \u00a0'.strip() }}", "a"],
    ["{{ '\ufeffa\ufeff'.strip() }}", "\ufeffa\ufeff"],
    ["{{ '😀a😀😀'.strip('😀') }}", "a"],
    ["{{ '😀a😁'.strip('\ude00') }}", "😀a😁"],
    ["{{ '   '.strip() }}", ""],
    ["{{ ''.rstrip() }}", ""],
    ["{{ 'aab'.lstrip('a') }}", "b"],
    ["{{ 'baa'.rstrip('a') }}", "b"],
  ];
  for (const [source, text] of cases) {
    assertEquals(createChatTemplate(source).render([]), text, source);
  }
});

test("replace() follows Python, with and without a count", () => {
  const cases: readonly [string, string][] = [
    ["{{ 'abab'.replace('a', 'x') }}", "xbxb"],
    ["{{ 'abab'.replace('a', 'x', 1) }}", "xbab"],
    ["{{ 'abab'.replace('a', 'x', count=1) }}", "xbab"],
    ["{{ 'abab'.replace('a', 'x', -1) }}", "xbxb"],
    ["{{ 'ab'.replace('', '-') }}", "-a-b-"],
    ["{{ 'ab'.replace('', '-', 1) }}", "-ab"],
    ["{{ ''.replace('', '-') }}", "-"],
    ["{{ 'a$1'.replace('a', '$&') }}", "$&$1"],
    ["{{ 'abab'|replace('b', 'x', 1) }}", "axab"],
    ["{{ 12|replace('1', 'x') }}", "x2"],
  ];
  for (const [source, text] of cases) {
    assertEquals(createChatTemplate(source).render([]), text, source);
  }
});

test("methods are looked for among those of Python alone", () => {
  for (const name of ["constructor", "toString", "__proto__", "valueOf"]) {
    for (const value of ["''", "[1]", "{}"]) {
      assertThrows(
        () => createChatTemplate(`{{ ${value}.${name}() }}`).render([]),
        TypeError,
        "is not a function that the template engine has",
      );
    }
  }
});
