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
import { assistant, LAYOUTS, user } from "./layout_rows.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

const read = (row: Row) => readRows(row, 7, PREFERENCE_FORMATS);
const talk = (answer: string) => [user("Hi"), assistant(answer)];

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
      other("PaddleNLP", { sort: [1, 1] }),
      other("AlpacaFarm", { preference: 1.5 }),
      other("an arena with marks", { winner_model_b: 0 }),
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
      '"messages[1].candidates" has the preferenceLabels "preferred", expected':
        other("Nova", {
          messages: [{ role: "user", content: "Hi" }, {
            role: "assistant",
            candidates: [{ content: "good", preferenceLabel: "preferred" }],
          }],
        }),
      '"response" has 1 answers and "sort" 2 numbers, expected two of each':
        other("PaddleNLP", { response: ["a"] }),
      '"response[0]" has 2 texts, expected one': other("PaddleNLP", {
        response: [["a", "b"], ["c"]],
      }),
      '"scores" is missing, found keys "prompt", "responses"; the nearest layout is "answers with scores"':
        { prompt: "Hi", responses: ["a", "b"] },
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
      '"completions[0].rank" is missing, expected a number': other(
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
