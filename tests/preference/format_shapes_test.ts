/** Shapes of data of other tools: the same pair in each. */
import { assertEquals, assertThrows } from "@std/assert";
import {
  demonstrationFault,
  preferenceFault,
} from "../../src/preference/check.ts";
import { DEMONSTRATION_FORMATS } from "../../src/preference/demonstration_formats.ts";
import { FEEDBACK_FORMATS } from "../../src/preference/feedback_formats.ts";
import { readRows, type ReadSettings } from "../../src/preference/format.ts";
import { PREFERENCE_FORMATS } from "../../src/preference/preference_formats.ts";
import type { Row } from "../../src/preference/turns.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;
const user = (content: string) => ({ role: "user", content });
const assistant = (content: string) => ({ role: "assistant", content });
const system = { role: "system", content: "Be kind." };
const read = (row: Row, settings: ReadSettings = {}) =>
  readRows(row, 7, PREFERENCE_FORMATS, settings);

interface Shape {
  readonly format: string;
  readonly row: Row;
  readonly system?: true;
  readonly scores?: { readonly chosen: number; readonly rejected: number };
  readonly settings?: ReadSettings;
}

const HH = "\n\nHuman: Hi\n\nAssistant:";

const PAIRS: Readonly<Record<string, Shape>> = {
  "HH-RLHF, whole dialogues": {
    format: "HH-RLHF",
    row: { chosen: `${HH} good`, rejected: `${HH} bad` },
  },
  "HH-RLHF, the prompt apart": {
    format: "HH-RLHF with a prompt",
    row: { prompt: HH, chosen: " good", rejected: " bad" },
  },
  "HH-RLHF, the prompt apart and repeated": {
    format: "HH-RLHF with a prompt",
    row: { prompt: HH, chosen: `${HH} good`, rejected: `${HH} bad` },
  },
  "UltraFeedback binarized": {
    format: "explicit prompt",
    row: {
      prompt: "Hi",
      chosen: [user("Hi"), assistant("good")],
      rejected: [user("Hi"), assistant("bad")],
      messages: [user("Hi"), assistant("good")],
      score_chosen: 8.5,
      score_rejected: 2,
    },
    scores: { chosen: 8.5, rejected: 2 },
  },
  "UltraFeedback, rated completions": {
    format: "UltraFeedback",
    row: {
      instruction: "Hi",
      completions: [
        { response: "so so", overall_score: 5 },
        { response: "bad", overall_score: 2 },
        { response: "good", overall_score: 8 },
      ],
    },
    scores: { chosen: 8, rejected: 2 },
  },
  "Orca pairs (Axolotl chatml.intel)": {
    format: "question with two answers",
    row: {
      system: "Be kind.",
      question: "Hi",
      chosen: "good",
      rejected: "bad",
    },
    system: true,
  },
  "Axolotl chatml.icr": {
    format: "question with two answers",
    row: { system: "Be kind.", input: "Hi", chosen: "good", rejected: "bad" },
    system: true,
  },
  "Axolotl chatml.argilla": {
    format: "question with two responses",
    row: {
      system: "Be kind.",
      instruction: "Hi",
      chosen_response: "good",
      rejected_response: "bad",
    },
    system: true,
  },
  "Axolotl chatml.prompt_pairs by a column map": {
    format: "question with two answers",
    row: { system: "Be kind.", prompt: "Hi", chosen: "good", rejected: "bad" },
    system: true,
    settings: { columns: { instruction: "prompt" } },
  },
  "Axolotl chatml.ultra": {
    format: "explicit prompt",
    row: {
      system: "Be kind.",
      prompt: "Hi",
      chosen: [user("Hi"), assistant("good")],
      rejected: [user("Hi"), assistant("bad")],
    },
    system: true,
  },
  "Axolotl chat_template.default with field maps": {
    format: "messages ranking",
    row: {
      talk: [{ speaker: "human", text: "Hi" }],
      better: { speaker: "bot", text: "good" },
      worse: { speaker: "bot", text: "bad" },
    },
    settings: {
      columns: { messages: "talk", chosen: "better", rejected: "worse" },
      turns: {
        role: "speaker",
        content: "text",
        roles: { human: "user", bot: "assistant" },
      },
    },
  },
  "LLaMA-Factory alpaca, ranking": {
    format: "question with two answers",
    row: {
      system: "Be kind.",
      instruction: "Hi",
      input: "",
      chosen: "good",
      rejected: "bad",
    },
    system: true,
  },
  "LLaMA-Factory alpaca, two outputs": {
    format: "alpaca with two outputs",
    row: { instruction: "Hi", input: "", output: ["good", "bad"] },
  },
  "LLaMA-Factory openai, ranking": {
    format: "messages ranking",
    row: {
      messages: [user("Hi")],
      chosen: assistant("good"),
      rejected: assistant("bad"),
    },
  },
  "Nectar": {
    format: "Nectar",
    row: {
      prompt: "\n\nHuman: Hi\n\nAssistant: ",
      answers: [
        { answer: "so so", rank: 2 },
        { answer: "good", rank: 1 },
        { answer: "bad", rank: 3 },
      ],
    },
    scores: { chosen: -1, rejected: -3 },
  },
  "SHP": {
    format: "SHP",
    row: {
      history: "Hi",
      human_ref_A: "bad",
      human_ref_B: "good",
      labels: 0,
      score_A: 3,
      score_B: 40,
    },
    scores: { chosen: 40, rejected: 3 },
  },
  "PKU-SafeRLHF": {
    format: "SafeRLHF",
    row: {
      prompt: "Hi",
      response_0: "bad",
      response_1: "good",
      better_response_id: 1,
    },
  },
  "HelpSteer preferences": {
    format: "HelpSteer",
    row: {
      prompt: "Hi",
      response_1: "good",
      response_2: "bad",
      preference_strength: -2,
    },
  },
  "arena votes": {
    format: "arena",
    row: {
      conversation_a: [user("Hi"), assistant("bad")],
      conversation_b: [user("Hi"), assistant("good")],
      winner: "model_b",
    },
  },
  "Stack Exchange pairs": {
    format: "question with two responses",
    row: { question: "Hi", response_j: "good", response_k: "bad" },
  },
};

for (const [name, shape] of Object.entries(PAIRS)) {
  Deno.test({
    ...pure,
    name: `readRows() reads ${name}`,
    fn() {
      const { examples, format } = read(shape.row, shape.settings);
      const scores = shape.scores ? { scores: shape.scores } : {};
      assertEquals<unknown>(examples, [{
        prompt: [...(shape.system ? [system] : []), user("Hi")],
        chosen: [assistant("good")],
        rejected: [assistant("bad")],
        ...scores,
        line: 7,
      }]);
      assertEquals(format, shape.format);
      assertEquals(examples.map(preferenceFault), [undefined]);
    },
  });
}

Deno.test({
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
    const tie = { ...PAIRS["arena votes"]!.row, winner: "tie" };
    assertEquals(read(tie).examples, []);
  },
});

Deno.test({
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

Deno.test({
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

Deno.test({
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

Deno.test({
  ...pure,
  name: "readRows() reads by the format that is named, and refuses others",
  fn() {
    const row = PAIRS["HH-RLHF, whole dialogues"]!.row;
    const { examples: [pair] } = read(row, { format: "implicit prompt" });
    assertEquals(pair?.prompt, HH); // plain text, the space going to the answers
    assertThrows(
      () => read(row, { format: "hh" }),
      TypeError,
      'no format is called "hh", expected "CValues"',
    );
  },
});

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
};

for (const [name, row] of Object.entries(FEEDBACK)) {
  Deno.test({
    ...pure,
    name: `readRows() reads a judged answer: ${name}`,
    fn() {
      const { examples } = readRows(row, 2, FEEDBACK_FORMATS);
      assertEquals<unknown>(examples, [{ ...ANSWERED, label: true, line: 2 }]);
      assertEquals(examples.map(demonstrationFault), [undefined]);
    },
  });
}

Deno.test({
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
};

for (const [name, row] of Object.entries(ALPACA)) {
  Deno.test({
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
