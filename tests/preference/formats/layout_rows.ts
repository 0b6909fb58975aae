/** Rows of the layouts of other tools, datasets and reward benchmarks: the same pair in each. */
import type { Row } from "../../../src/preference/formats/turns.ts";

/** A user's turn. */
export const user = (content: string) => ({ role: "user", content });
/** An assistant's turn. */
export const assistant = (content: string) => ({ role: "assistant", content });
const talk = (answer: string) => [user("Hi"), assistant(answer)];
const parts = (text: string) => [{ type: "text", value: text }];

/** A row, and what is read of it beside the pair. */
export interface Layout {
  readonly format: string;
  readonly row: Row;
  readonly scores?: readonly [chosen: number, rejected: number];
  /** Columns that say nothing about the pair. */
  readonly unread?: readonly string[];
}

/** The layouts by their makers. */
export const LAYOUTS: Readonly<Record<string, Layout>> = {
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
  "Nova": {
    format: "Nova",
    row: {
      schemaVersion: "bedrock-conversation-2024",
      messages: [{ role: "user", content: [{ text: "Hi" }] }, {
        role: "assistant",
        candidates: [
          { content: [{ text: "bad" }], preferenceLabel: "non-preferred" },
          { content: [{ text: "good" }], preferenceLabel: "preferred" },
        ],
      }],
    },
    unread: ["schemaVersion"],
  },
  "PaddleNLP": {
    format: "PaddleNLP",
    row: { src: ["Hi"], tgt: [], response: [["bad"], ["good"]], sort: [0, 1] },
  },
  "a list of ranks": {
    format: "answers with ranks",
    row: { prompt: "Hi", candidates: ["bad", "good"], ranks: [2, 1] },
    scores: [-1, -2],
  },
  "AlpacaFarm": {
    format: "AlpacaFarm",
    row: {
      instruction: "Hi",
      input: "",
      output_1: "bad",
      output_2: "good",
      preference: 1.8,
    },
  },
  "an arena with answers": {
    format: "arena responses",
    row: { question: "Hi", answer_a: "bad", answer_b: "good", preference: "B" },
  },
  "an arena with marks": {
    format: "arena marks",
    row: {
      conversation_a: talk("bad"),
      conversation_b: talk("good"),
      winner_model_a: 0,
      winner_model_b: 1,
    },
  },
  "a rejected text beside messages": {
    format: "messages and a rejected answer",
    row: { messages: talk("good"), rejected: "bad" },
  },
  "turns in objects": {
    format: "explicit prompt",
    row: {
      prompt: { messages: [user("Hi")], tools: null },
      chosen: { messages: [assistant("good")] },
      rejected: { messages: [assistant("bad")] },
    },
  },
  ...Object.fromEntries(
    [
      ["positive", "negative"],
      ["better", "worse"],
      ["y_w", "y_l"],
      ["chosen_text", "rejected_text"],
      ["preferred_response", "dispreferred_response"],
    ].map(([chosen, rejected]) => [chosen!, {
      format: "two answers of other names",
      row: { instruction: "Hi", [chosen!]: "good", [rejected!]: "bad" },
    }]),
  ),
};
