import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { createChatTemplate } from "../../src/text/chat_template.ts";
import type { Message } from "../../src/text/message.ts";
import { compared, referenceJson } from "../reference_dir.ts";
import { eachCase, referenceTest } from "../reference_test_case.ts";
import { test } from "../test_case.ts";

interface Conversation {
  messages: Message[];
  tools?: unknown[];
}
interface Case {
  messages: string;
  add_generation_prompt: boolean;
  continue_final_message?: boolean;
  kwargs?: Record<string, unknown>;
  text?: string;
  error?: { type: string; message: string };
}
interface ReferenceTemplate {
  name: string;
  bos_token: string;
  eos_token: string;
  kwargs: Record<string, unknown>;
  /** Absent in the subset for templates that others wrote. */
  chat_template?: string;
  cases: Case[];
}

interface Reference {
  message_lists: Record<string, Conversation>;
  templates: ReferenceTemplate[];
}

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

function checkTemplate(
  { name, bos_token, eos_token, chat_template, kwargs, cases }:
    ReferenceTemplate,
  lists: Reference["message_lists"],
): void {
  const chat = createChatTemplate(chat_template!, {
    name,
    specialTokens: { bos_token, eos_token },
  });
  for (const one of cases) {
    const { messages, tools } = lists[one.messages] as Conversation;
    const render = () =>
      chat.render(messages, {
        addGenerationPrompt: one.add_generation_prompt,
        continueFinalMessage: one.continue_final_message ?? false,
        ...(tools ? { tools } : {}),
        variables: { ...kwargs, ...one.kwargs },
      });
    if (one.error) assertThrows(render, Error, one.error.message);
    else assertEquals(render(), one.text ?? "", `${name} ${one.messages}`);
    compared("chat templates");
  }
}

referenceTest(
  "render() equals transformers for each template",
  async (context) => {
    const reference: Reference = referenceJson("chat_templates.json");
    const { message_lists, templates } = reference;
    const whole = templates.filter((one) => one.chat_template !== undefined);
    await eachCase(
      context,
      whole,
      (template) => checkTemplate(template, message_lists),
    );
  },
);

function render(source: string): string {
  return createChatTemplate(source).render([{ role: "user", content: "Hi" }], {
    variables: { tiny: 1e-7 },
  });
}

// Expected texts were made with Python's Jinja2 and the environment of transformers.
const CORNERS: readonly [source: string, text: string][] = [
  [
    "{{ none }} {{ true }} {{ tiny }} {{ 2.0 }} {{ [0.5] }} {{ nothing }}",
    "None True 1e-07 2.0 [0.5] ",
  ],
  [
    "{{ ['a', 1, none, true, {'k': \"it's\"}] }}",
    "['a', 1, None, True, {'k': \"it's\"}]",
  ],
  ["{{ -7 % 3 }} {{ 7 % -3 }} {{ -7 // 2 }}", "2 -2 -4"],
  [
    "{{ 1 == '1' }} {{ 1 == true }} {{ [1, 'a'] == [1, 'a'] }} {{ nothing == none }}",
    "False True True False",
  ],
  [
    "{{ ' a \\n'.strip('\\n') }}|{{ 'xxaxx'.lstrip('x') }}|{{ 'xxaxx'.rstrip('x') }}|",
    " a |axx|xxa|",
  ],
  ["{{ 'a b'.split(' ')[-1] }}{{ '🙂é'|length }}{{ '🙂é'[0] }}", "b2🙂"],
  [
    "{% for i in range(5) %}{{ i }}{% if i == 1 %}!{% continue %}{% endif %}{% if i == 3 %}?{% break %}{% endif %},{% endfor %}",
    "0,1!2,3?",
  ],
  [
    "{% for i in [1, 2] %}{{ x is defined }}{% set x = i %}{% endfor %}",
    "FalseFalse",
  ],
  ["{% for c in nothing %}{{ c }}{% else %}none{% endfor %}", "none"],
  [
    "{% set d = {'items': 3} %}{{ d['items'] }}{% for k, v in d.items() %}{{ k }}{{ v }}{% endfor %}",
    "3items3",
  ],
  ["{% macro m(x) %}{{ none }}{{ x }}{% endmacro %}{{ m(true) }}", "NoneTrue"],
  ["{% set t %}{{ true }}{% endset %}{{ t }}", "True"],
  ["{{ messages | tojson }}", '[{"role": "user", "content": "Hi"}]'],
  ["{{ {'é': '<a> & \\'b\\''} | tojson }}", '{"é": "<a> & \'b\'"}'],
  [
    "{{ ['a', none, 2] | join('-') }} {{ 'hELLO wORLD' | title }} {{ 'hELLO' | capitalize }}",
    "a-None-2 Hello World Hello",
  ],
  [
    '{{ "it\'s a_b-c (dE" | title }} {{ "it\'s a_b-c (dE".title() }}',
    "It's A_b-C (De It'S A_B-C (De",
  ],
  [
    "{{ 3.9 | int }} {{ -3.9 | int }} {{ nothing | trim }}{{ nothing | length }}",
    "3 -3 0",
  ],
  ["{{ 'a' ~ 1 ~ none }} {{ 'ab' * 2 }} {{ 'a' < 'b' }}", "a1None abab True"],
  ["{%- generation %}x{% endgeneration -%}  y", "xy"],
  [
    "{{ [1, 2][true] }}{{ [1, 2].0 }}{{ 'ab'[true] }}{{ 'ab'.0 }}",
    "21ba",
  ],
  [
    "{{ {'a': 1}[1] }}{{ {'a': 1}.0 }}{{ [1][1.0] }}{{ 'a'[0.0] }}{{ [1][none] }}{{ 5[1] }}{{ none[0] }}{{ [1]['x'] }}|",
    "|",
  ],
  [
    "{{ {} is iterable }} {{ true is number }} {{ 'x' in none_such }}",
    "True True False",
  ],
];

for (const [source, text] of CORNERS) {
  test({
    ...pure,
    name: `render() prints as Python does: ${source}`,
    fn: () => assertEquals(render(source), text),
  });
}

const ERRORS: readonly [source: string, message: string][] = [
  ["{{ nothing.content }}", "'nothing' is undefined"],
  ["{{ messages[0].extra.deep }}", "'messages[0].extra' is undefined"],
  ["{{ 'a' + nothing }}", "'nothing' is undefined"],
  ["{{ 'a' + 1 }}", 'can only concatenate str (not "int") to str'],
  ["{{ 1 + 'a' }}", "unsupported operand type(s) for +: 'int' and 'str'"],
  ["{% for x in none %}{% endfor %}", "'NoneType' object is not iterable"],
  [
    "{{ nothing | tojson }}",
    "Object of type Undefined is not JSON serializable",
  ],
  ["{{ raise_exception('No system role') }}", "No system role"],
  ["{{ raise_exception({'a': [1, none]}) }}", "{'a': [1, None]}"],
  ["{{ raise_exception(message='No tools') }}", 'template": No tools'],
  [
    "{{ raise_exception() }}",
    "raise_exception() missing 1 required positional argument: 'message'",
  ],
  ["{{ strftime_now(1) }}", "strftime_now() argument 1 must be str, not int"],
  [
    "{{ range('a') }}",
    "'str' object cannot be interpreted as an integer",
  ],
  [
    "{{ range(1.5) }}",
    "'float' object cannot be interpreted as an integer",
  ],
  ["{{ range() }}", "range expected 1 to 3 arguments, got 0"],
  ["{{ 'a'.swapcase() }}", "\"'a'.swapcase\" is not a function"],
  ["{{ 'a' | wordwrap }}", "wordwrap"],
  ["{{ strftime_now('%Q') }}", "%Q"],
];

for (const [source, message] of ERRORS) {
  test({
    ...pure,
    name: `render() throws as Python does or names what is missing: ${source}`,
    fn: () => {
      const error = assertThrows(() => render(source), Error, message);
      assert(
        error.message.startsWith(
          'Cannot render chat template "chat template": ',
        ),
      );
    },
  });
}

for (
  const statement of [
    "include 'x'",
    "import 'x' as y",
    "autoescape true",
    "trans",
  ]
) {
  test({
    ...pure,
    name: `createChatTemplate() refuses {% ${statement} %} by name`,
    fn: () => {
      const error = assertThrows(
        () => createChatTemplate(`{% ${statement} %}`, { name: "mine" }),
        SyntaxError,
      );
      assertStringIncludes(error.message, 'Cannot read chat template "mine": ');
      assertStringIncludes(error.message, statement.split(" ")[0] ?? "");
    },
  });
}

for (
  const [source, place] of [
    ["{% if a %}{{ 1e3 + 2 }}{% endif %}", '(at "1 e3 + 2")'],
    ["{% set a = (1,) %}", '(at "set a = ( 1 , )")'],
    ["{% if a %}b", "a block is not closed"],
    ["{% if 1 < 2 < 3 %}{% endif %}", "a chain of comparisons"],
    ["{%- for a in b recursive %}{% endfor %}", '"recursive"'],
  ] as const
) {
  test({
    ...pure,
    name: `createChatTemplate() names what it cannot read in ${source}`,
    fn: () => {
      assertThrows(() => createChatTemplate(source), SyntaxError, place);
    },
  });
}

test({
  ...pure,
  name: "render() writes strftime_now() by the given clock",
  fn: () => {
    const template = createChatTemplate(
      "{{ strftime_now('%d %b %Y, %A %-d') }}",
      {
        now: () => new Date(2024, 6, 5),
      },
    );
    assertEquals(template.render([]), "05 Jul 2024, Friday 5");
  },
});

test({
  ...pure,
  name: "render() refuses to continue a message and to open a new one at once",
  fn: () => {
    const template = createChatTemplate("{{ messages[0].content }}");
    const both = { addGenerationPrompt: true, continueFinalMessage: true };
    assertThrows(
      () => template.render([{ role: "assistant", content: "x" }], both),
      RangeError,
    );
    const hidden = createChatTemplate("fixed");
    assertThrows(
      () =>
        hidden.render([{ role: "assistant", content: "x" }], {
          continueFinalMessage: true,
        }),
      RangeError,
      "cannot be continued",
    );
  },
});

test(
  "createChatTemplate() takes the template for tools where there are tools, as transformers",
  {
    permissions: "none",
  },
  () => {
    const template = createChatTemplate("plain", { toolSource: "{{ tools }}" });
    assertEquals(template.render([]), "plain");
    assertEquals(
      template.render([], { tools: [{ name: "add" }] }),
      "[{'name': 'add'}]",
    );
    assertEquals(template.render([], { tools: [] }), "[]");
    assertEquals(template.toolSource, "{{ tools }}");
  },
);

test("createChatTemplate() and render() say no more than people read", () => {
  const source = `{% set f(${"a, ".repeat(3000)}b) = 1 %}`;
  const { message } = assertThrows(
    () => createChatTemplate(source).render([{ role: "user", content: "Hi" }]),
    Error,
  );
  assert(message.startsWith("Cannot "), message.slice(0, 200));
  assert(message.length < 1000, String(message.length));
});
