/** How rows are read whatever their shape, and shapes of judged answers and demonstrations. */
import { assertEquals, assertThrows } from "@std/assert";
import { demonstrationFault } from "../../../src/preference/formats/check.ts";
import { DEMONSTRATION_FORMATS } from "../../../src/preference/formats/demonstration_formats.ts";
import { FEEDBACK_FORMATS } from "../../../src/preference/formats/feedback_formats.ts";
import {
  readRows,
  type ReadSettings,
} from "../../../src/preference/formats/format.ts";
import { PREFERENCE_FORMATS } from "../../../src/preference/formats/preference_formats.ts";
import type { Row } from "../../../src/preference/formats/turns.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;
const user = (content: string) => ({ role: "user", content });
const assistant = (content: string) => ({ role: "assistant", content });
const read = (row: Row, settings: ReadSettings = {}) =>
  readRows(row, 7, PREFERENCE_FORMATS, settings);

test({
  ...pure,
  name: "readRows() makes one pair, the best with each, or all pairs of ranks",
  fn() {
    const row = {
      prompt: "Hi",
      answers: [1, 2, 2, 3].map((rank) => ({ answer: `a${rank}`, rank })),
    };
    const pairs = (ranking: "best_worst" | "best_each" | "all") =>
      read(row, { ranking }).examples.map(({ scores }) =>
        `${-scores!.chosen}>${-scores!.rejected}`
      );
    assertEquals(pairs("best_worst"), ["1>3"]);
    assertEquals(pairs("best_each"), ["1>2", "1>2", "1>3"]);
    assertEquals(pairs("all"), ["1>2", "1>2", "1>3", "2>3", "2>3"]);
    const talk = [user("Hi"), assistant("good")];
    const tie = {
      conversation_a: talk,
      conversation_b: talk,
      winner: "tie",
    };
    assertEquals(read(tie).examples, []);
  },
});

test({
  ...pure,
  name: "readRows() takes alpaca's input and history into the prompt",
  fn() {
    const { examples: [pair] } = read({
      instruction: "Add",
      input: "1 and 2",
      history: [["Hi", "Hello"]],
      chosen: "3",
      rejected: "4",
    });
    assertEquals(pair?.prompt, [
      user("Hi"),
      assistant("Hello"),
      user("Add\n1 and 2"),
    ]);
  },
});

test({
  ...pure,
  name:
    "readRows() keeps template variables, tools and reference log-probabilities, which are never positive",
  fn() {
    const row = {
      prompt: "a",
      chosen: "b",
      rejected: "c",
      chat_template_kwargs: '{"enable_thinking": false}',
      tools: [{ name: "add" }],
      ref_chosen_logps: -3.5,
      ref_rejected_logps: "-4",
    };
    const { examples: [pair] } = read(row);
    assertEquals(pair?.variables, { enable_thinking: false });
    assertEquals(pair?.tools, [{ name: "add" }]);
    assertEquals(pair?.referenceLogps, { chosen: -3.5, rejected: -4 });
    assertEquals(pair?.scores, undefined);
    assertThrows(
      () => read({ ...row, ref_chosen_logps: 0.5 }),
      RangeError,
      '"ref_chosen_logps" is 0.5, expected a log-probability of at most 0',
    );
    assertThrows(
      () =>
        read({ prompt: "a", chosen: "b", rejected: "c", ref_chosen_logps: -1 }),
      TypeError,
      '"ref_rejected_logps"',
    );
  },
});

test({
  ...pure,
  name: "readRows() takes NaN, which tables write for no value, as nothing",
  fn() {
    const none = {
      score_chosen: 8,
      score_rejected: NaN,
      system: NaN,
      tools: NaN,
    };
    const row = { instruction: "a", input: NaN, history: NaN, ...none };
    const { examples: [pair] } = read({ ...row, chosen: "b", rejected: "c" });
    assertEquals<unknown>(pair, {
      prompt: [user("a")],
      chosen: [assistant("b")],
      rejected: [assistant("c")],
      line: 7,
    });
    assertThrows(
      () => read({ prompt: "a", chosen: NaN, rejected: "c" }),
      TypeError,
      '"chosen" is null',
    );
  },
});

test({
  ...pure,
  name: "readRows() drops the nulls that tables leave in turns",
  fn() {
    const chosen = [{ ...assistant("b"), name: null, tool_calls: null }];
    const { examples: [pair] } = read({
      prompt: [{ ...user("a"), name: null }],
      chosen,
      rejected: "c",
    });
    assertEquals(pair?.prompt, [user("a")]);
    assertEquals(pair?.chosen, [assistant("b")]);
  },
});

test({
  ...pure,
  name: "readRows() reads by the format that is named, and refuses others",
  fn() {
    const row = { chosen: `${HH} good`, rejected: `${HH} bad` };
    const { examples: [pair] } = read(row, { format: "implicit prompt" });
    assertEquals(pair?.prompt, HH); // plain text, the space going to the answers
    assertThrows(
      () => read(row, { format: "hh" }),
      TypeError,
      'no format is called "hh", expected "Nectar"',
    );
  },
});

const HH = "\n\nHuman: Hi\n\nAssistant:";

const ANSWERED = { prompt: [user("Hi")], completion: [assistant("Yo")] };

const FEEDBACK: Readonly<Record<string, Row>> = {
  "TRL, turns": { ...ANSWERED, label: true },
  "LLaMA-Factory alpaca": {
    instruction: "Hi",
    input: "",
    output: "Yo",
    kto_tag: true,
  },
  "LLaMA-Factory openai": {
    messages: [user("Hi"), assistant("Yo")],
    label: "true",
  },
  "LLaMA-Factory sharegpt": {
    conversations: [{ from: "human", value: "Hi" }, {
      from: "gpt",
      value: "Yo",
    }],
    kto_tag: 1,
  },
  "Axolotl chatml.intel": { question: "Hi", completion: "Yo", label: true },
  "Axolotl chatml.argilla_chat": {
    completion: [user("Hi"), assistant("Yo")],
    label: true,
  },
};

for (const [name, row] of Object.entries(FEEDBACK)) {
  test({
    ...pure,
    name: `readRows() reads a judged answer: ${name}`,
    fn() {
      const { examples } = readRows(row, 2, FEEDBACK_FORMATS);
      assertEquals<unknown>(examples, [{ ...ANSWERED, label: true, line: 2 }]);
      assertEquals(examples.map(demonstrationFault), [undefined]);
    },
  });
}

test({
  ...pure,
  name: "readRows() judges both answers of a pair, and refuses a strange label",
  fn() {
    const pair = { prompt: "q", chosen: "a", rejected: "b" };
    const { examples } = readRows(pair, 2, FEEDBACK_FORMATS);
    assertEquals<unknown>(examples, [
      { prompt: "q", completion: "a", label: true, line: 2 },
      { prompt: "q", completion: "b", label: false, line: 2 },
    ]);
    assertThrows(
      () => readRows({ ...ANSWERED, label: "good" }, 2, FEEDBACK_FORMATS),
      TypeError,
      '"label" is "good", expected true or false',
    );
  },
});

const ALPACA: Readonly<Record<string, Row>> = {
  "alpaca": { instruction: "Hi", input: "", output: "Yo" },
  "Dolly": { instruction: "Hi", context: "", response: "Yo" },
  "Orca": { system_prompt: "", question: "Hi", response: "Yo" },
  "question and answer": { question: "Hi", answer: "Yo" },
  "MetaMath": { query: "Hi", response: "Yo" },
  "FLAN": { inputs: "Hi", targets: "Yo" },
  "Capybara": { conversation: [{ input: "Hi", output: "Yo" }] },
  "LIMA": { conversations: ["Hi", "Yo"] },
};

for (const [name, row] of Object.entries(ALPACA)) {
  test({
    ...pure,
    name: `readRows() reads a demonstration: ${name}`,
    fn() {
      assertEquals<unknown>(
        readRows(row, 2, DEMONSTRATION_FORMATS).examples,
        [{ ...ANSWERED, line: 2 }],
      );
    },
  });
}
