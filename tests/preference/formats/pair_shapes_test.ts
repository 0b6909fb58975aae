/** Shapes of preference data of other tools: the same pair in each. */
import { assertEquals } from "@std/assert";
import { preferenceFault } from "../../../src/preference/formats/check.ts";
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
  "HelpSteer3 preferences": {
    format: "HelpSteer3",
    row: {
      context: [user("Hi")],
      response1: "bad",
      response2: "good",
      overall_preference: 2,
    },
  },
  "texts beside a system text (truthy-dpo)": {
    format: "explicit prompt",
    row: {
      system: "Be kind.",
      prompt: "Hi",
      chosen: "good",
      rejected: "bad",
    },
    system: true,
  },
  "a prompt in a text, answers in a turn each": {
    format: "explicit prompt",
    row: {
      prompt: "Hi",
      chosen: assistant("good"),
      rejected: assistant("bad"),
    },
  },
  "columns of other rows, null in this one": {
    format: "question with two answers",
    row: {
      conversations: null,
      instruction: null,
      question: "Hi",
      chosen: "good",
      rejected: "bad",
    },
  },
  "Stack Exchange pairs": {
    format: "question with two responses",
    row: { question: "Hi", response_j: "good", response_k: "bad" },
  },
};

test({
  ...pure,
  name:
    "readRows() keeps all rounds of conversations beside their first question",
  fn() {
    const rounds = [user("Hi"), assistant("Yo"), user("And?")];
    const { examples: [pair] } = read({
      question: "Hi",
      chosen: [...rounds, assistant("good")],
      rejected: [...rounds, assistant("bad")],
    });
    assertEquals(pair?.prompt, rounds);
    assertEquals(pair?.chosen, [assistant("good")]);
  },
});

for (const [name, shape] of Object.entries(PAIRS)) {
  test({
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
      assertEquals(examples.map((one) => preferenceFault(one)), [undefined]);
    },
  });
}
