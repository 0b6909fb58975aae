/**
 * The table of shapes of data for supervised fine-tuning: which keys a row has, and how it becomes a Demonstration.
 * To serve another shape, add a row; the most particular come first.
 */
import { type Draft, type Format, pick } from "./format.ts";
import type { Demonstration } from "./preference.ts";
import { question, userTurn, withSystem } from "./questions.ts";
import { answerAt, type Row, textAt, turnsAt } from "./turns.ts";

const QUESTION = "instruction|question|input|prompt";
const ANSWER = "output|response|answer|completion";

/** The answer of a conversation is its last turn. */
export function lastTurn(row: Row, key: string): Draft<Demonstration> {
  const turns = withSystem(row, turnsAt(row[key], key));
  return { prompt: turns.slice(0, -1), completion: turns.slice(-1) };
}

/** A prompt and its completion; texts, or turns. */
export function promptAndCompletion(row: Row): Draft<Demonstration> {
  const { prompt, completion } = row;
  if (!Array.isArray(prompt) && !Array.isArray(completion)) {
    return {
      prompt: textAt(prompt, "prompt"),
      completion: textAt(completion, "completion"),
    };
  }
  const turns = Array.isArray(prompt)
    ? turnsAt(prompt, "prompt")
    : [userTurn(textAt(prompt, "prompt"))];
  return {
    prompt: withSystem(row, turns),
    completion: answerAt(completion, "completion"),
  };
}

/** A question and its answer, texts that are meant as turns. */
export function questionAndAnswer(row: Row): Draft<Demonstration> {
  const name = ANSWER.split("|").find((key) => key in row) ?? ANSWER;
  return {
    prompt: question(row, QUESTION),
    completion: answerAt(textAt(pick(row, ANSWER), name), name),
  };
}

/** Shapes of data for supervised fine-tuning. */
export const DEMONSTRATION_FORMATS: readonly Format<Demonstration>[] = [
  {
    name: "messages",
    keys: ["messages"],
    looks: '{"messages": [turns]}, the last by the assistant',
    read: (row) => lastTurn(row, "messages"),
  },
  {
    name: "ShareGPT",
    keys: ["conversations"],
    looks:
      '{"conversations": [{"from": "human", "value": "..."}, {"from": "gpt", "value": "..."}]}',
    read: (row) => lastTurn(row, "conversations"),
  },
  {
    name: "prompt and completion",
    keys: ["prompt", "completion"],
    looks: '{"prompt": [turns] or "...", "completion": [turns] or "..."}',
    read: promptAndCompletion,
  },
  {
    name: "question and answer",
    keys: [QUESTION, ANSWER],
    looks:
      '{"instruction": "...", "input": "...", "output": "..."} with "system" and "history", or "question" and "response"',
    read: questionAndAnswer,
  },
  {
    name: "text",
    keys: ["text"],
    looks: '{"text": "..."}, learnt as a whole',
    read: (row) => ({
      prompt: "",
      completion: textAt(row.text, "text"),
    }),
  },
];
