/**
 * The table of formats of data for supervised fine-tuning: which keys a row has, and how it becomes
 * a Demonstration. To serve another format, add a row; the most specific formats come first.
 */
import { type Draft, type Format, keyIn, pick } from "./format.ts";
import { sourceAndTarget } from "./judged_in_place.ts";
import type { Demonstration } from "./preference.ts";
import { hasSystem, question, userTurn, withSystem } from "./questions.ts";
import { answerAt, isRow, listAt, type Row, textAt, turnsAt } from "./turns.ts";

/** Keys that may hold the question as a text. */
export const QUESTION = "instruction|question|query|input|inputs|prompt";
/** Keys that may hold the answer as a text. */
export const ANSWER = "output|response|answer|completion|target|targets";

/** Reads a conversation whose last turn is the answer. */
export function lastTurn(row: Row, key: string): Draft<Demonstration> {
  const list = listAt(row[key], key);
  const turns = withSystem(
    row,
    list.length > 0 && list.every((turn) => typeof turn === "string")
      ? list.map((content, i) => ({
        role: i % 2 === 0 ? "user" : "assistant",
        content,
      }))
      : turnsAt(list, key),
  );
  return { prompt: turns.slice(0, -1), completion: turns.slice(-1) };
}

/** Reads `conversation: [{ input, output }]`, where each item is a question and its answer. */
function rounds(row: Row): Draft<Demonstration> {
  const turns = listAt(row.conversation, "conversation").flatMap((round, i) => {
    const given = isRow(round) ? round : {};
    const text = (keys: string) => {
      const key = keyIn(given, keys);
      return textAt(given[key], `conversation[${i}].${key}`);
    };
    return [
      userTurn(text("input|human")),
      { role: "assistant", content: text("output|assistant") },
    ];
  });
  const all = withSystem(row, turns);
  return { prompt: all.slice(0, -1), completion: all.slice(-1) };
}

/** Reads a prompt and its completion, both texts or both turns. */
export function promptAndCompletion(row: Row): Draft<Demonstration> {
  const { prompt, completion } = row;
  if (
    ![prompt, completion].some((one) => Array.isArray(one) || isRow(one)) &&
    !hasSystem(row)
  ) {
    return {
      prompt: textAt(prompt, "prompt"),
      completion: textAt(completion, "completion"),
    };
  }
  const turns = Array.isArray(prompt) || isRow(prompt)
    ? turnsAt(prompt, "prompt")
    : [userTurn(textAt(prompt, "prompt"))];
  return {
    prompt: withSystem(row, turns),
    completion: answerAt(completion, "completion"),
  };
}

/** Reads a question and its answer, texts that become turns. */
export function questionAndAnswer(row: Row): Draft<Demonstration> {
  const name = keyIn(row, ANSWER);
  return {
    prompt: question(row, QUESTION),
    completion: answerAt(textAt(pick(row, ANSWER), name), name),
  };
}

/** The formats of data for supervised fine-tuning. */
export const DEMONSTRATION_FORMATS: readonly Format<Demonstration>[] = [
  {
    name: "messages",
    keys: ["messages"],
    looks: '{"messages": [turns]}, the last by the assistant',
    from: "OpenAI, TRL, ms-swift, LLaMA-Factory v1",
    read: (row) => lastTurn(row, "messages"),
  },
  {
    name: "ShareGPT",
    keys: ["conversations"],
    looks:
      '{"conversations": [{"from": "human", "value": "..."}, {"from": "gpt", "value": "..."}]}',
    from: "ShareGPT, LLaMA-Factory, Axolotl",
    read: (row) => lastTurn(row, "conversations"),
  },
  {
    name: "Vertex",
    keys: ["contents"],
    looks:
      '{"systemInstruction": {...}, "contents": [{"role": "user", "parts": [{"text": "..."}]}, {"role": "model", ...}]}',
    from: "Google Vertex AI",
    read: (row) => lastTurn(row, "contents"),
  },
  {
    name: "rounds",
    keys: ["conversation"],
    looks:
      '{"conversation": [{"input": "...", "output": "..."}, ...]}, or "human" and "assistant"',
    from: "Capybara; ms-swift with human and assistant",
    read: rounds,
  },
  {
    name: "prompt and completion",
    keys: ["prompt", "completion"],
    looks: '{"prompt": [turns] or "...", "completion": [turns] or "..."}',
    from: "TRL",
    read: promptAndCompletion,
  },
  {
    name: "question and answer",
    keys: [QUESTION, ANSWER],
    looks:
      '{"instruction": "...", "input": "...", "output": "..."} with "system" and "history", or "question" and "response"',
    from: "alpaca, LLaMA-Factory, ms-swift (query), MetaMath, FLAN",
    read: questionAndAnswer,
  },
  {
    name: "PaddleNLP",
    keys: ["src", "tgt"],
    looks: '{"src": "..." or ["...", ...], "tgt": "..." or ["...", ...]}',
    from: "PaddleNLP",
    read: sourceAndTarget,
  },
  {
    name: "text",
    keys: ["text"],
    looks: '{"text": "..."}, learnt as a whole',
    from: "TRL, plain text files",
    read: (row) => ({
      prompt: "",
      completion: textAt(row.text, "text"),
    }),
  },
];
