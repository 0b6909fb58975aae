/** What a chat template does not print of a conversation is found, and nothing that it prints. */
import { assertEquals } from "@std/assert";
import {
  createChatTemplate,
  type RenderOptions,
} from "../../src/text/chat_template.ts";
import type { Message } from "../../src/text/message.ts";
import { unprintedFault, unprintedParts } from "../../src/text/unprinted.ts";
import { test } from "../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

const TEXTS =
  "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}";
/** Prints calls, tools, and the reasoning of the last turn, as Qwen3's template does. */
const ALL = "{% if tools %}{{ tools | tojson }}{% endif %}" +
  "{% for m in messages %}<{{ m.role }}>" +
  "{% if loop.last and m.reasoning_content %}{{ m.reasoning_content }}{% endif %}" +
  "{{ m.content.split('</think>')[-1] if not loop.last else m.content }}" +
  "{% for c in m.tool_calls %}{{ c.function.name }}{{ c.function.arguments | tojson }}{% endfor %}" +
  "{% endfor %}";

const ask: Message = { role: "user", content: "Hi" };
const call = [{
  type: "function",
  id: "abcdef123",
  function: { name: "now", arguments: { zone: "UTC" } },
}];
const tools = [{ type: "function", function: { name: "now", parameters: {} } }];

function parts(
  source: string,
  turns: readonly Message[],
  row: Pick<RenderOptions, "tools" | "variables"> = {},
) {
  const template = createChatTemplate(source);
  const text = template.render(turns, row);
  const answerFrom = turns.length - 1;
  return unprintedParts(template, turns, { ...row, text, answerFrom });
}

const names = (...given: Parameters<typeof parts>) =>
  parts(...given).map(({ part }) => part);

test({
  ...pure,
  name:
    "unprintedParts() names calls, reasoning, names and tools by their turns",
  fn() {
    const turns: Message[] = [
      { ...ask, name: "Bo" },
      { role: "assistant", content: "", tool_calls: call },
      { role: "tool", content: "12:00", tool_call_id: "abcdef123" },
      { role: "assistant", content: "Noon", reasoning_content: "It is 12" },
    ];
    assertEquals(names(TEXTS, turns, { tools }), [
      '"name" of a turn of the role "user"',
      '"tool_calls" of an earlier answer',
      '"reasoning_content" of an answer',
      '"tools"',
    ]);
    assertEquals(names(ALL, turns, { tools }), [
      '"name" of a turn of the role "user"',
    ]);
  },
});

test({
  ...pure,
  name:
    "unprintedParts() names the texts of a role, and thoughts of earlier answers",
  fn() {
    const noSystem =
      "{% for m in messages if m.role != 'system' %}{{ m.content }}{% endfor %}";
    const led = [{ role: "system", content: "Be brief" }, ask];
    assertEquals(names(noSystem, led), [
      'the text of a turn of the role "system"',
    ]);
    assertEquals(
      names(TEXTS.replace("m.content", "m.content | tojson"), [
        { role: "system", content: 'Say "no"' },
        ask,
      ]),
      [],
    );
    const thought = { role: "assistant", content: "<think>hm</think>Yes" };
    assertEquals(names(ALL, [ask, thought, ask]), [
      "the thought of an earlier answer",
    ]);
    assertEquals(names(ALL, [ask, thought]), []);
  },
});

test({
  ...pure,
  name:
    "unprintedParts() names variables that no template reads, and keys of turns",
  fn() {
    const variables = { enable_thinking: false };
    assertEquals(names(TEXTS, [ask], { variables }), [
      '"enable_thinking" of chat_template_kwargs',
    ]);
    const thinks = `${TEXTS}{% if enable_thinking %}<think>{% endif %}`;
    assertEquals(names(thinks, [ask], { variables }), []);
    const annotated = { ...ask, id: "a7", weight: 1, country: "Peru" };
    assertEquals(parts(TEXTS, [annotated]), [
      { part: "country of turns", weight: "other" },
    ]);
    assertEquals(names("{{ messages | tojson }}", [annotated]), []);
  },
});

test({
  ...pure,
  name:
    "unprintedFault() refuses lost turns unless told, and an answer of lost calls always",
  fn() {
    const called = { role: "assistant", content: "", tool_calls: call };
    const spoken = { ...called, content: "I look" };
    const fault = (turn: Message, ignore?: boolean) =>
      unprintedFault(parts(TEXTS, [ask, turn]), ignore);
    assertEquals(
      fault(spoken),
      'the chat template does not print "tool_calls" of an answer; name a template that does by --chat_template, or --ignore_unserved reads the row without it',
    );
    assertEquals(fault(spoken, true), undefined);
    assertEquals(
      fault(called, true),
      'the chat template does not print "tool_calls" of an answer, which has nothing else; name a template that does by --chat_template',
    );
    const picky = ALL.replace(
      "{{ c.function.name }}",
      "{% if c.function.name != 'now' %}{{ raise_exception('no such tool') }}{% endif %}",
    );
    assertEquals(parts(picky, [ask, called]), []);
  },
});
