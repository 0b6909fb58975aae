import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  promptFor,
  readQuestion,
  readQuestions,
  unprintedNotes,
} from "../../src/generation/prompt_rows.ts";
import { createChatTemplate } from "../../src/text/chat_template.ts";
import { test } from "../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

const template = createChatTemplate("{{ messages[0].content }}");
const user = { role: "user", content: "hi" };
const system = { role: "system", content: "be brief" };

test("readQuestion() takes text, or turns under either key", pure, () => {
  const read = (value: Record<string, unknown>) =>
    readQuestion({ line: 1, value }).prompt;
  assertEquals(read({ prompt: "hi", id: 3 }), "hi");
  assertEquals(read({ messages: [user] }), [user]);
  assertEquals(read({ prompt: [system, user] }), [system, user]);
  const text = "[{'role': 'user', 'content': 'hi'}]"; // as pandas writes turns into CSV
  assertEquals(read({ prompt: text }), [user]);
});

test(
  "readQuestions() stops at a line that asks nothing, by its number",
  pure,
  async () => {
    const wrong = [
      {},
      { prompt: "" },
      { prompt: 3 },
      { messages: "hi" },
      { prompt: "[{'role': 'user', 'conten" },
      { messages: [] },
      { messages: [{ role: "user" }] },
      { messages: [user, { role: "assistant", content: "ho" }] },
    ];
    for (const value of wrong) {
      const rows = [{ line: 1, value: { prompt: "fine" } }, { line: 2, value }];
      await assertRejects(
        () => readQuestions(ReadableStream.from(rows)),
        TypeError,
        "Cannot ask line 2",
      );
    }
  },
);

test(
  "promptFor() makes a turn of text where there is a template",
  pure,
  () => {
    assertEquals(promptFor({ template }, { prompt: "hi" }), [user]);
    assertEquals(promptFor({}, { prompt: "hi" }), "hi");
  },
);

test(
  "promptFor() adds the system's turn unless there is one",
  pure,
  () => {
    const own = { role: "system", content: "own" };
    assertEquals(promptFor({ template }, { prompt: "hi" }, "be brief"), [
      system,
      user,
    ]);
    assertEquals(promptFor({ template }, { prompt: [own, user] }, "be brief"), [
      own,
      user,
    ]);
  },
);

test(
  "readQuestion() takes a line's own system text, tools and variables, also as JSON text",
  pure,
  () => {
    const tools = [{ name: "f" }];
    const chat_template_kwargs = { enable_thinking: false };
    const written = {
      tools: JSON.stringify(tools),
      chat_template_kwargs: JSON.stringify(chat_template_kwargs),
    };
    for (const beside of [{ tools, chat_template_kwargs }, written]) {
      const value = { prompt: "hi", system: "own", ...beside };
      const question = readQuestion({ line: 1, value });
      assertEquals(question.context, {
        tools,
        variables: chat_template_kwargs,
      });
      assertEquals(promptFor({ template }, question, "general"), [
        { role: "system", content: "own" },
        user,
      ]);
    }
    const broken = { prompt: "hi", tools: "f(x)" };
    assertThrows(
      () => readQuestion({ line: 4, value: broken }),
      TypeError,
      'Cannot ask line 4: its "tools" or "chat_template_kwargs" cannot be read',
    );
  },
);

test(
  "unprintedNotes() tells once of what no template prints, and refuses lost turns",
  pure,
  () => {
    const question = (line: number) =>
      readQuestion({ line, value: { prompt: "hi", tools: [{ name: "f" }] } });
    const questions = [question(3), question(4)];
    assertEquals(unprintedNotes(questions, [{ template }, {}]), [
      'the chat template does not print "tools" (line 3)',
    ]);
    assertThrows(
      () => unprintedNotes(questions, [{ template }], "be brief"),
      RangeError,
      'Cannot ask line 3: the chat template does not print the text of a turn of the role "user"',
    );
  },
);
