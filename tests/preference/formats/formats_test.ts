import { assertEquals } from "@std/assert";
import {
  demonstrationFault,
  preferenceFault,
} from "../../../src/preference/formats/check.ts";
import { DEMONSTRATION_FORMATS } from "../../../src/preference/formats/demonstration_formats.ts";
import { PREFERENCE_FORMATS } from "../../../src/preference/formats/preference_formats.ts";
import {
  detectFormat,
  readRow,
  readRows,
  renameColumns,
} from "../../../src/preference/formats/format.ts";
import type { Message } from "../../../src/text/message.ts";
import type { Row } from "../../../src/preference/formats/turns.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;
const user = (content: string) => ({ role: "user", content });
const assistant = (content: string) => ({ role: "assistant", content });
const read = (row: Row) => readRow(row, 7, PREFERENCE_FORMATS);
const parts = {
  prompt: [user("Hi")],
  chosen: [assistant("good")],
  rejected: [assistant("bad")],
  line: 7,
};

const SAME: Readonly<Record<string, { format: string; row: Row }>> = {
  "TRL, explicit prompt, turns": {
    format: "explicit prompt",
    row: {
      prompt: [user("Hi")],
      chosen: [assistant("good")],
      rejected: [assistant("bad")],
    },
  },
  "explicit prompt repeated inside the answers": {
    format: "explicit prompt",
    row: {
      prompt: [user("Hi")],
      chosen: [user("Hi"), assistant("good")],
      rejected: [user("Hi"), assistant("bad")],
    },
  },
  "UltraFeedback: text prompt beside whole conversations": {
    format: "explicit prompt",
    row: {
      prompt: "Hi",
      chosen: [user("Hi"), assistant("good")],
      rejected: [user("Hi"), assistant("bad")],
    },
  },
  "text prompt beside bare answers as turns": {
    format: "explicit prompt",
    row: {
      prompt: "Hi",
      chosen: [assistant("good")],
      rejected: [assistant("bad")],
    },
  },
  "prompt as turns beside answers as text": {
    format: "explicit prompt",
    row: { prompt: [user("Hi")], chosen: "good", rejected: "bad" },
  },
  "TRL, implicit prompt, turns": {
    format: "implicit prompt",
    row: {
      chosen: [user("Hi"), assistant("good")],
      rejected: [user("Hi"), assistant("bad")],
    },
  },
  "CValues": {
    format: "CValues",
    row: {
      prompt: "Hi",
      pos_resp: "good",
      neg_resp: "bad",
      pos_type: "a",
      neg_type: "b",
    },
  },
  "ShareGPT ranking, answers as turns": {
    format: "ShareGPT ranking",
    row: {
      conversations: [{ from: "human", value: "Hi" }],
      chosen: { from: "gpt", value: "good" },
      rejected: { from: "gpt", value: "bad" },
    },
  },
  "ShareGPT ranking, answers as text": {
    format: "ShareGPT ranking",
    row: {
      conversations: [{ from: "human", value: "Hi" }],
      chosen: "good",
      rejected: "bad",
    },
  },
  "messages with two values": {
    format: "messages with two values",
    row: {
      messages: [{ role: "user", value: "Hi" }, {
        role: "assistant",
        chosen_value: "good",
        rejected_value: "bad",
      }],
    },
  },
  "turns as JSON text beside a text": {
    format: "explicit prompt",
    row: {
      prompt: "Hi",
      chosen: JSON.stringify([user("Hi"), assistant("good")]),
      rejected: JSON.stringify([user("Hi"), assistant("bad")]),
    },
  },
  "turns as Python's repr, without a prompt": {
    format: "implicit prompt",
    row: {
      chosen:
        "[{'role': 'user', 'content': 'Hi'}, {'role': 'assistant', 'content': 'good'}]",
      rejected:
        "[{'role': 'user', 'content': 'Hi'}\n {'role': 'assistant', 'content': 'bad'}]",
    },
  },
  "one turn in place of a list": {
    format: "explicit prompt",
    row: {
      prompt: user("Hi"),
      chosen: assistant("good"),
      rejected: "{'role': 'assistant', 'content': 'bad'}",
    },
  },
  "a prompt beside a column that is empty, as in CSV": {
    format: "explicit prompt",
    row: {
      prompt: [user("Hi")],
      input: "",
      chosen: [assistant("good")],
      rejected: [assistant("bad")],
    },
  },
  "a trajectory with two answers": {
    format: "trajectory",
    row: {
      trajectory: [{ from: "user", value: "Hi" }],
      chosen: "good",
      rejected: "bad",
    },
  },
  "a system turn without a text": {
    format: "explicit prompt",
    row: {
      prompt: [{ role: "system", content: null }, user("Hi")],
      chosen: [assistant("good")],
      rejected: [assistant("bad")],
    },
  },
  "messages as JSON text": {
    format: "messages with two values",
    row: {
      messages:
        '[{"role":"user","value":"Hi"},{"role":"assistant","chosen_value":"good","rejected_value":"bad"}]',
    },
  },
  "messages as the question, values in the row": {
    format: "messages with two values",
    row: { messages: "Hi", chosen_value: "good", rejected_value: "bad" },
  },
};

for (const [name, { row, format }] of Object.entries(SAME)) {
  test({
    ...pure,
    name: `readRow() reads ${name}`,
    fn() {
      assertEquals(detectFormat(row, PREFERENCE_FORMATS).name, format);
      assertEquals(read(row), parts);
      assertEquals(preferenceFault(read(row)), undefined);
    },
  });
}

test({
  ...pure,
  name:
    "readRow() takes the chosen value of an earlier answer, and notes where both differ",
  fn() {
    const talk = (rejected_value: string) => ({
      messages: [
        { role: "user", value: "a", chosen_value: null },
        { role: "assistant", chosen_value: "b", rejected_value },
        { role: "user", value: "c" },
        { role: "assistant", chosen_value: "good", rejected_value: "bad" },
      ],
    });
    const [same, other] = [read(talk("b")), read(talk("d"))];
    assertEquals(same.prompt, [user("a"), assistant("b"), user("c")]);
    assertEquals(same.note, undefined);
    assertEquals(other.prompt, same.prompt);
    assertEquals(other.note?.includes("goes on from chosen_value"), true);
  },
});

test({
  ...pure,
  name: "readRows() names the columns with a value that it does not read",
  fn() {
    const row = {
      id: 7,
      source: "web",
      note: "",
      prompt: "<video> is a tag, and <audio></audio> too",
      chosen: "b",
      rejected: "c",
      images: [],
      system: null,
      question: "is a tag", // a part of what is read
    };
    const { unread } = readRows(row, 7, PREFERENCE_FORMATS, {
      format: "explicit prompt",
    });
    assertEquals(unread, ["id", "source", "question"]);
    const images = { ...row, images: ["a.png"] };
    const { examples } = readRows(images, 7, PREFERENCE_FORMATS, {
      ignoreUnserved: true,
      format: "explicit prompt",
    });
    assertEquals(examples.length, 1);
  },
});

test({
  ...pure,
  name: "readRow() takes earlier turns as history and keeps the scores",
  fn() {
    const messages = [
      { role: "system", value: "Be kind." },
      { role: "user", value: "Hi" },
      { role: "assistant", value: "Hello" },
      { role: "user", value: "And?" },
      {
        role: "assistant",
        chosen_value: "good",
        rejected_value: "bad",
        chosen_score: 4.5,
        rejected_score: 1,
      },
    ];
    const preference = read({ messages });
    assertEquals(preference.prompt, [
      { role: "system", content: "Be kind." },
      user("Hi"),
      assistant("Hello"),
      user("And?"),
    ]);
    assertEquals(preference.scores, { chosen: 4.5, rejected: 1 });
  },
});

test({
  ...pure,
  name: "readRow() maps ShareGPT's roles, function calls and system column",
  fn() {
    const preference = read({
      system: "Use tools.",
      tools: '[{"name": "add"}]',
      conversations: [
        { from: "human", value: "1+1?" },
        {
          from: "function_call",
          value: '{"name": "add", "arguments": {"a": 1}}',
        },
        { from: "observation", value: "2" },
      ],
      chosen: { from: "gpt", value: "Two." },
      rejected: { from: "gpt", value: "Three." },
    });
    assertEquals(
      (preference.prompt as Message[]).map(({ role }) => role),
      ["system", "user", "assistant", "tool"],
    );
    assertEquals(preference.tools, [{ name: "add" }]);
    assertEquals(preferenceFault(preference), undefined);
  },
});

test({
  ...pure,
  name:
    "readRow() keeps plain text plain and splits an implicit prompt before a space",
  fn() {
    assertEquals(read({ prompt: "a ", chosen: "b", rejected: "c" }), {
      prompt: "a ",
      chosen: "b",
      rejected: "c",
      line: 7,
    });
    const implicit = read({
      chosen: "The sky is blue",
      rejected: "The sky is low",
    });
    assertEquals([implicit.prompt, implicit.chosen, implicit.rejected], [
      "The sky is",
      " blue",
      " low",
    ]);
    // no common start; one the start of the other; a difference inside the same emoji's surrogates
    assertEquals(read({ chosen: "Yes", rejected: "No" }).prompt, "");
    assertEquals(read({ chosen: "ab", rejected: "abc" }), {
      prompt: "a",
      chosen: "b",
      rejected: "bc",
      line: 7,
    });
    assertEquals(read({ chosen: "x🙂", rejected: "x🙃" }).prompt, "x");
  },
});

const DEMONSTRATIONS: Readonly<
  Record<string, { row: Row; prompt: unknown; completion: unknown }>
> = {
  "messages": {
    row: { messages: [user("Hi"), assistant("Yo")] },
    prompt: [user("Hi")],
    completion: [assistant("Yo")],
  },
  "ShareGPT": {
    row: {
      conversations: [{ from: "human", value: "Hi" }, {
        from: "gpt",
        value: "Yo",
      }],
    },
    prompt: [user("Hi")],
    completion: [assistant("Yo")],
  },
  "prompt and completion as turns": {
    row: { prompt: [user("Hi")], completion: [assistant("Yo")] },
    prompt: [user("Hi")],
    completion: [assistant("Yo")],
  },
  "prompt and completion as text": {
    row: { prompt: "Hi", completion: " Yo" },
    prompt: "Hi",
    completion: " Yo",
  },
  "text": { row: { text: "Once" }, prompt: "", completion: "Once" },
};

for (
  const [name, { row, prompt, completion }] of Object.entries(DEMONSTRATIONS)
) {
  test({
    ...pure,
    name: `readRow() reads a demonstration: ${name}`,
    fn() {
      const demonstration = readRow(row, 2, DEMONSTRATION_FORMATS);
      assertEquals<unknown>(demonstration, { prompt, completion, line: 2 });
      assertEquals(demonstrationFault(demonstration), undefined);
    },
  });
}

test({
  ...pure,
  name: "renameColumns() gives the table's keys to columns of other names",
  fn() {
    const row = renameColumns({
      q: "a",
      good: "b",
      bad: "c",
      chosen: "an old column",
    }, {
      prompt: "q",
      chosen: "good",
      rejected: "bad",
    });
    assertEquals(read(row), {
      prompt: "a",
      chosen: "b",
      rejected: "c",
      line: 7,
    });
  },
});
