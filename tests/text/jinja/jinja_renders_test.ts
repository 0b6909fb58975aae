/**
 * Small templates, each with what Python's Jinja2 renders in the environment of transformers: ours
 * renders the same, or refuses; it never renders otherwise.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { createChatTemplate } from "../../../src/text/chat_template.ts";
import type { Message } from "../../../src/text/message.ts";
import { test } from "../../test_case.ts";

interface Case {
  readonly messages: string;
  readonly template: string;
  readonly tools?: unknown[];
  readonly variables?: Record<string, unknown>;
  /** What Python renders; absent where it raises. */
  readonly text?: string;
  /** Ours has not all that the template needs, and says so. */
  readonly refused?: boolean;
}

interface Renders {
  readonly messages: Readonly<Record<string, Message[]>>;
  readonly cases: readonly Case[];
}

const FIXTURE = new URL("../../fixtures/jinja_renders.json", import.meta.url);

/** What must become of a case, for its name. */
function outcome({ text, refused = false }: Case): string {
  if (text === undefined) return "throws where Python raises";
  return refused ? "refuses what it has not" : "equals Python's Jinja2";
}

function checkCase(one: Case, { messages }: Renders): void {
  const { template, tools, variables, text, refused = false } = one;
  const rendered = () =>
    createChatTemplate(template).render(messages[one.messages] ?? [], {
      addGenerationPrompt: true,
      ...(tools ? { tools } : {}),
      ...(variables ? { variables } : {}),
    });
  if (text === undefined || refused) assertThrows(rendered, Error);
  else assertEquals(rendered(), text);
}

test(
  "render() gives what Python's Jinja2 gives, or refuses",
  { permissions: { read: [FIXTURE] } },
  async (context) => {
    const renders: Renders = JSON.parse(Deno.readTextFileSync(FIXTURE));
    const rendered = renders.cases.filter(({ text, refused }) =>
      text !== undefined && !refused
    );
    assert(rendered.length >= 150, `${rendered.length} render`);
    for (const one of renders.cases) {
      const start = JSON.stringify(one.template).slice(0, 120);
      await context.step(
        `${outcome(one)}: ${start}`,
        () => checkCase(one, renders),
      );
    }
  },
);

const TALK = ["a", "b c", "d", "e"].map((content, i) => ({
  role: i % 2 === 0 ? "user" : "assistant",
  content,
}));

/**
 * Templates, and the places that transformers' `return_assistant_tokens_mask` finds in the text of
 * `TALK`.
 */
const MARKED: readonly [source: string, places: [number, number][]][] = [
  [
    "{% for m in messages %}<{{ m.role }}>{% if m.role == 'assistant' %}{% generation %}{{ m.content }}</s>{% endgeneration %}{% else %}{{ m.content }}</s>{% endif %}\n{% endfor %}",
    [[22, 29], [51, 56]],
  ],
  [
    "{%- for m in messages %}\n  {%- if m.role == 'assistant' %}\n    {%- generation %}\n      {{- m.content }}</s>\n    {%- endgeneration %}\n  {%- else %}\n  {{- m.content }}|\n  {%- endif %}\n{%- endfor %}",
    [[2, 9], [11, 16]],
  ],
  [
    "{% for m in messages %}\n  {% if m.role == 'assistant' %}\n  {% generation %}\n  {{ m.content }}\n  {% endgeneration %}\n  {% else %}\n{{ m.content }}\n{% endif %}\n{% endfor %}",
    [[2, 8], [10, 14]],
  ],
  [
    "{% for m in messages %}{% if m.role == 'assistant' %}A: {% generation -%}  {{ m.content }}  {%- endgeneration -%}  \n{% else %}{{ m.content }}{% endif %}{% endfor %}",
    [[4, 7], [11, 12]],
  ],
];

for (const [source, places] of MARKED) {
  test({
    name: `generated() finds the places of transformers: ${
      JSON.stringify(source).slice(0, 60)
    }`,
    permissions: "none",
    sanitizeOps: true,
    sanitizeResources: true,
    fn() {
      assertEquals(createChatTemplate(source).generated(TALK), places);
    },
  });
}
