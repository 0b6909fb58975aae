/**
 * Makes turns of the texts in which rows ask a question: a system text, earlier rounds, an
 * instruction and its input. Knows no answers.
 */
import type { Message } from "../../text/message.ts";
import { keyIn, pick } from "./format.ts";
import { contentText, kindOf, listAt, type Row, textAt } from "./turns.ts";

/** Columns of a system text. */
const SYSTEM =
  "system|system_prompt|system_message|system_instruction|systemInstruction";

/** Makes a user's turn. */
export function userTurn(content: string): Message {
  return { role: "user", content };
}

/**
 * Whether a row has a system text. Such a row must be read as turns, since only a chat template
 * knows where the system text goes.
 */
export function hasSystem(row: Row): boolean {
  return systemOf(row) !== "";
}

/** The system text of a row, which Vertex and Bedrock write in parts; "" if there is none. */
function systemOf(row: Row): string {
  const name = keyIn(row, SYSTEM);
  const value = row[name];
  return typeof value === "object" && value !== null
    ? contentText(value, name)
    : typeof value === "string"
    ? value
    : "";
}

/** The turns with the row's system text before them, unless they begin with a system turn. */
export function withSystem(
  row: Row,
  turns: readonly Message[],
): readonly Message[] {
  const system = systemOf(row);
  if (system === "" || turns[0]?.role === "system") return turns;
  return [{ role: "system", content: system }, ...turns];
}

/** The turns of `history: [[question, answer], ...]`, which alpaca data has. */
function historyOf(row: Row): Message[] {
  const { history } = row;
  if (history === undefined || history === null || history === "") return [];
  return listAt(history, "history").flatMap((round, i) => {
    if (!Array.isArray(round) || round.length !== 2) {
      throw new TypeError(
        `"history[${i}]" is ${
          kindOf(round)
        }, expected a question and its answer`,
      );
    }
    return [
      userTurn(textAt(round[0], `history[${i}][0]`)),
      {
        role: "assistant",
        content: textAt(round[1], `history[${i}][1]`),
      },
    ];
  });
}

/**
 * The turns of a row's question: the value of the first key that it has, followed by `input` or
 * `context` on a new line.
 */
export function question(row: Row, keys: string): readonly Message[] {
  const key = keyIn(row, keys);
  const instruction = textAt(row[key], key);
  const input = key === "input" ? undefined : pick(row, "input|context");
  const content = typeof input === "string" && input !== ""
    ? [instruction, input].filter((part) => part !== "").join("\n")
    : instruction;
  return withSystem(row, [...historyOf(row), userTurn(content)]);
}
