/**
 * Layouts of preference rows of other tools, datasets and reward benchmarks: the same pair in each,
 * no pair of a tie, and what is refused.
 */
import { assertEquals, assertThrows } from "@std/assert";
import { preferenceFault } from "../../../src/preference/formats/check.ts";
import { FEEDBACK_FORMATS } from "../../../src/preference/formats/feedback_formats.ts";
import { readRows } from "../../../src/preference/formats/format.ts";
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
const read = (row: Row) => readRows(row, 7, PREFERENCE_FORMATS);
const talk = (answer: string) => [user("Hi"), assistant(answer)];
const parts = (text: string) => [{ type: "text", value: text }];

interface Layout {
  readonly format: string;
  readonly row: Row;
  readonly scores?: readonly [chosen: number, rejected: number];
  /** Columns that say nothing about the pair. */
  readonly unread?: readonly string[];
}

const LAYOUTS: Readonly<Record<string, Layout>> = {
  "OpenAI's preference format": {
    format: "OpenAI",
    row: {
      input: { messages: [user("Hi")], tools: [], parallel_tool_calls: true },
      preferred_output: [assistant("good")],
      non_preferred_output: [assistant("bad")],
    },
  },
  "ms-swift, rejected_response as a text": {
    format: "messages and a rejected answer",
    row: { messages: talk("good"), rejected_response: "bad" },
  },
  "ms-swift, rejected_response as turns": {
    format: "messages and a rejected answer",
    row: { messages: talk("good"), rejected_response: [assistant("bad")] },
  },
  "ms-swift, rejected_messages": {
    format: "messages and a rejected answer",
    row: { messages: talk("good"), rejected_messages: talk("bad") },
  },
  "ms-swift, query and response": {
    format: "question with two responses",
    row: {
      query: "Hi",
      response: "good",
      rejected_response: "bad",
      history: [],
      system: "",
    },
  },
  "LLaMA-Factory v1": {
    format: "two conversations",
    row: {
      chosen_messages: [
        { role: "user", content: parts("Hi") },
        { role: "assistant", content: parts("good") },
      ],
      rejected_messages: [
        { role: "user", content: parts("Hi") },
        { role: "assistant", content: parts("bad") },
      ],
    },
  },
  "torchtune": {
    format: "two conversations",
    row: {
      chosen_conversations: talk("good"),
      rejected_conversations: talk("bad"),
    },
  },
  "NeMo-RL": {
    format: "NeMo-RL",
    row: {
      context: [user("Hi")],
      completions: [
        { rank: 1, completion: [assistant("bad")] },
        { rank: 0, completion: [assistant("good")] },
      ],
    },
    scores: [0, -1],
  },
  "tinker": {
    format: "tinker",
    row: {
      comparison: {
        prompt_conversation: [user("Hi")],
        completion_A: [assistant("bad")],
        completion_B: [assistant("good")],
      },
      label: "B",
    },
  },
  "Vertex": {
    format: "Vertex",
    row: {
      contents: [{ role: "user", parts: [{ text: "Hi" }] }],
      completions: [
        { score: 0, completion: { role: "model", parts: [{ text: "bad" }] } },
        { score: 1, completion: { role: "model", parts: [{ text: "good" }] } },
      ],
    },
    scores: [1, 0],
  },
  "H2O": {
    format: "answer and rejected answer",
    row: { prompt: "Hi", answer: "good", rejected_answer: "bad" },
  },
  "responses with scores": {
    format: "answers with scores",
    row: { prompt: "Hi", responses: ["so", "bad", "good"], scores: [2, 1, 3] },
    scores: [3, 1],
  },
  "distilabel's generations with ratings": {
    format: "answers with scores",
    row: { instruction: "Hi", generations: ["good", "bad"], ratings: [5, 1] },
    scores: [5, 1],
  },
  "lmsys-55k": {
    format: "arena rounds",
    row: {
      prompt: '["Hi"]',
      response_a: '["bad"]',
      response_b: '["good"]',
      winner_model_a: 0,
      winner_model_b: 1,
      winner_tie: 0,
    },
  },
  "WSDM Cup": {
    format: "arena responses",
    row: {
      prompt: "Hi",
      response_a: "bad",
      response_b: "good",
      winner: "model_b",
    },
  },
  "search-arena": {
    format: "arena",
    row: {
      messages_a: talk("good"),
      messages_b: talk("bad"),
      winner: "model_a",
    },
  },
  "compar:IA": {
    format: "compar:IA",
    row: {
      conversation_a: talk("bad"),
      conversation_b: talk("good"),
      model_a_name: "one",
      model_b_name: "two",
      chosen_model_name: "two",
      both_equal: false,
    },
  },
  "WebGPT comparisons": {
    format: "WebGPT comparisons",
    row: {
      question: { full_text: "Hi", id: "1" },
      answer_0: "bad",
      answer_1: "good",
      score_0: -0.5,
      score_1: 0.5,
    },
    scores: [0.5, -0.5],
  },
  "summarize_from_feedback": {
    format: "summaries",
    row: {
      info: { post: "Hi", title: "t" },
      summaries: [{ text: "bad" }, { text: "good" }],
      choice: 1,
    },
  },
  "WebGPT comparisons in a CSV, all of them texts": {
    format: "WebGPT comparisons",
    row: {
      question: '{"full_text": "Hi"}',
      answer_0: "bad",
      answer_1: "good",
      score_0: "-0.5",
      score_1: "0.5",
    },
    scores: [0.5, -0.5],
  },
  "summarize_from_feedback in a CSV": {
    format: "summaries",
    row: {
      info: "{'post': 'Hi', 'title': None}",
      summaries: "[{'text': 'good'}, {'text': 'bad'}]",
      choice: "0",
    },
  },
  "Prometheus": {
    format: "Prometheus",
    row: {
      orig_instruction: "Hi",
      orig_response_A: "good",
      orig_response_B: "bad",
      orig_preference: "A",
      instruction: "###Task: Hi ...",
      output: "[RESULT] A",
    },
    unread: ["instruction", "output"],
  },
  "Code-Preference-Pairs": {
    format: "two answers of other names",
    row: { input: "Hi", accepted: "good", rejected: "bad" },
  },
  "RewardBench 2 and RM-Bench, one answer each": {
    format: "lists of answers",
    row: { prompt: "Hi", chosen: ["good"], rejected: ["bad"] },
  },
  "other names of the two answers": {
    format: "two answers of other names",
    row: { prompt: "Hi", chosen: "good", reject: "bad" },
  },
  "ColossalChat": {
    format: "context ranking",
    row: {
      context: [{ from: "human", content: "Hi" }],
      chosen: [{ from: "assistant", content: "good" }],
      rejected: [{ from: "assistant", content: "bad" }],
    },
  },
  "Align-Anything": {
    format: "Align-Anything",
    row: {
      question: "Hi",
      response_1: "bad",
      response_2: "good",
      overall_response: 2,
    },
  },
  "Unified-Feedback": {
    format: "Unified-Feedback",
    row: {
      conv_A: talk("bad"),
      conv_B: talk("good"),
      conv_A_rating: 0,
      conv_B_rating: 1,
    },
    scores: [1, 0],
  },
  "JudgeBench": {
    format: "JudgeBench",
    row: {
      question: "Hi",
      response_A: "bad",
      response_B: "good",
      label: "B>A",
    },
  },
  "HelpSteer3, edit quality": {
    format: "edit quality",
    row: {
      context: [user("Hi")],
      original_response: "so",
      good_edited_response: "good",
      bad_edited_response: "bad",
    },
    unread: ["original_response"],
  },
};

for (
  const [name, { format, row, scores, unread = [] }] of Object.entries(LAYOUTS)
) {
  test({
    ...pure,
    name: `readRows() reads the layout of ${name}`,
    fn() {
      const found = read(row);
      assertEquals(found.format, format);
      const [chosen, rejected] = scores ?? [];
      assertEquals<unknown>(found.examples, [{
        prompt: [user("Hi")],
        chosen: [assistant("good")],
        rejected: [assistant("bad")],
        ...(scores === undefined ? {} : { scores: { chosen, rejected } }),
        line: 7,
      }]);
      assertEquals(found.examples.map((one) => preferenceFault(one)), [
        undefined,
      ]);
      assertEquals(found.unread, unread);
    },
  });
}

/** The row of a layout with other values. */
const other = (name: string, values: Row) => ({
  ...LAYOUTS[name]!.row,
  ...values,
});

test({
  ...pure,
  name: "readRows() makes no pair of a tie, in every layout that has ties",
  fn() {
    const ties: readonly Row[] = [
      other("lmsys-55k", { winner_model_b: 0, winner_tie: 1 }),
      other("WSDM Cup", { winner: "tie" }),
      other("search-arena", { winner: "tie (bothbad)" }),
      other("compar:IA", { both_equal: true, chosen_model_name: null }),
      other("WebGPT comparisons", { score_0: 0, score_1: 0 }),
      other("responses with scores", { scores: [1, 1, 1] }),
      other("tinker", { label: "Tie" }),
      other("JudgeBench", { label: "A=B" }),
      other("NeMo-RL", {
        completions: ["a", "b"].map((one) => ({ rank: 0, completion: one })),
      }),
    ];
    for (const row of ties) {
      const { examples, unread } = read(row);
      assertEquals([examples, unread], [[], []]);
    }
  },
});

test({
  ...pure,
  name:
    "readRows() refuses a vote that it cannot read, and lists that do not fit",
  fn() {
    const refusals: Readonly<Record<string, Row>> = {
      '"winner" is "model_c", expected "A", "B"': other("WSDM Cup", {
        winner: "model_c",
      }),
      '"chosen_model_name" is "three", expected the value of "model_a_name"':
        other("compar:IA", { chosen_model_name: "three" }),
      '"winner_model_a" and "winner_model_b" are all set': other("lmsys-55k", {
        winner_model_a: 1,
      }),
      '"choice" is 2, expected 0 or 1': other("summarize_from_feedback", {
        choice: 2,
      }),
      '"scores" has 1 values, expected 3 as in "responses"': other(
        "responses with scores",
        { scores: [1] },
      ),
      '"completions[0].rank" is undefined, expected a number': other(
        "NeMo-RL",
        { completions: [{ completion: "a" }] },
      ),
      '"response_a" has 2 texts, expected 1 as in "prompt"': other(
        "lmsys-55k",
        { response_a: '["a", "b"]' },
      ),
      '"messages" ends with the role "user", expected the chosen answer': other(
        "ms-swift, rejected_response as a text",
        { messages: [user("Hi")] },
      ),
    };
    for (const [message, row] of Object.entries(refusals)) {
      assertThrows(() => read(row), Error, message);
    }
  },
});

test({
  ...pure,
  name:
    "readRows() reads a vote's rounds, tools and system text of their layouts",
  fn() {
    const { examples: [rounds] } = read(other("lmsys-55k", {
      prompt: '["Hi", "And?"]',
      response_a: '["a", "b"]',
      response_b: '["c", "d"]',
    }));
    assertEquals(rounds?.prompt, [user("Hi")]);
    assertEquals(rounds?.chosen, [
      assistant("c"),
      user("And?"),
      assistant("d"),
    ]);
    const tools = [{ type: "function", function: { name: "add" } }];
    const openai = other("OpenAI's preference format", {
      input: { messages: [user("Hi")], tools },
    });
    assertEquals(read(openai).examples[0]?.tools, tools);
    const judged = readRows(openai, 7, FEEDBACK_FORMATS).examples;
    assertEquals(judged.map((one) => one.tools), [tools, tools]);
    const vertex = other("Vertex", {
      systemInstruction: { role: "system", parts: [{ text: "Be kind." }] },
    });
    assertEquals(read(vertex).examples[0]?.prompt, [
      { role: "system", content: "Be kind." },
      user("Hi"),
    ]);
  },
});

test({
  ...pure,
  name: "readRows() takes ms-swift's rejected turns from the last question on",
  fn() {
    const call = {
      role: "tool_call",
      content: '{"name": "f", "arguments": {}}',
    };
    const { examples: [agent] } = read({
      messages: [
        ...talk("Yo"),
        user("And?"),
        call,
        { role: "tool_response", content: "1" },
        assistant("good"),
      ],
      rejected_response: [assistant("bad")],
    });
    assertEquals(agent?.prompt, [...talk("Yo"), user("And?")]);
    assertEquals(
      (agent?.chosen as readonly Row[]).map(({ role }) => role),
      ["assistant", "tool", "assistant"],
    );
    assertEquals(agent?.rejected, [assistant("bad")]);
    const text = { messages: [...talk("Yo"), user("?"), assistant("good")] };
    const { examples: [pair] } = read({ ...text, rejected_response: "bad" });
    assertEquals(pair?.prompt, [...talk("Yo"), user("?")]);
  },
});

test({
  ...pure,
  name: "readRows() pairs each good answer of a benchmark with each bad one",
  fn() {
    const row = { prompt: "Hi", chosen: ["a", "b"], rejected: ["c", "d"] };
    const texts = read(row).examples.map(({ chosen, rejected }) =>
      [chosen, rejected].map((turns) => (turns as readonly Row[])[0]!.content)
        .join(">")
    );
    assertEquals(texts, ["a>c", "a>d", "b>c", "b>d"]);
    // as judged answers each counts once
    const judged = readRows(row, 7, FEEDBACK_FORMATS).examples;
    assertEquals(judged.map(({ label }) => label), [true, false, false, true]);
  },
});

test({
  ...pure,
  name: "readRows() reads the rounds of community-alignment, four answers each",
  fn() {
    const answers = (round: string) =>
      Object.fromEntries([..."abcd"].map((letter) => [
        `${round}_turn_response_${letter}`,
        `${round} ${letter}`,
      ]));
    const { examples } = read({
      first_turn_prompt: "Hi",
      ...answers("first"),
      first_turn_preferred_response: "b",
      second_turn_prompt: "And?",
      ...answers("second"),
      second_turn_preferred_response: "response_d",
      third_turn_prompt: null,
    });
    assertEquals(
      examples.map(({ rejected }) => (rejected as readonly Row[])[0]!.content),
      [
        ...["first a", "first c", "first d"],
        ...["second a", "second b", "second c"],
      ],
    );
    assertEquals(examples[3]?.prompt, [
      ...talk("first b"),
      user("And?"),
    ]);
    assertEquals(examples[3]?.chosen, [assistant("second d")]);
  },
});
