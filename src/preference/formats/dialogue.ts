/**
 * Splits dialogues that are one text into turns, as in HH-RLHF:
 * `"\n\nHuman: ...\n\nAssistant: ..."`.
 */
import type { Message } from "../../text/message.ts";

const SPEAKER = /(?:^|\n\n)(Human|Assistant):/g;

/** Whether a value is the text of a dialogue. */
export function isDialogue(value: unknown): value is string {
  return typeof value === "string" && /^\s*Human:/.test(value);
}

/** The turns of a dialogue, each without the white space around it. */
export function dialogueTurns(text: string): Message[] {
  const starts = [...text.trimStart().matchAll(SPEAKER)];
  return starts.map((match, i) => {
    const end = starts[i + 1]?.index;
    const content = text.trimStart().slice(match.index + match[0].length, end);
    const role = match[1] === "Human" ? "user" : "assistant";
    return { role, content: content.trim() };
  });
}

/**
 * The turns of a prompt, without the empty assistant's turn at its end; undefined if the value is
 * not a dialogue.
 */
export function promptTurns(value: unknown): Message[] | undefined {
  if (!isDialogue(value)) return undefined;
  const turns = dialogueTurns(value);
  const last = turns.at(-1);
  return last?.role === "assistant" && last.content === ""
    ? turns.slice(0, -1)
    : turns;
}
