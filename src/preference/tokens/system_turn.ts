/** Puts the system text of a run before the rows that have none. */
import type { Message } from "../../text/message.ts";
import type { AskedRow, TurnsOrText } from "../formats/preference.ts";

/** The answers of rows of every kind. */
const ANSWERS = ["chosen", "rejected", "completion"] as const;

type Answers = { readonly [name in typeof ANSWERS[number]]?: TurnsOrText };

/**
 * The row with a system turn before its prompt. A prompt of plain text becomes a user's turn and
 * its answers the assistant's, since only a chat template knows where the system text goes. A text
 * without a prompt stays as it is.
 */
export function withSystemTurn<R extends AskedRow & Answers>(
  row: R,
  system: string | undefined,
): R {
  if (system === undefined || row.prompt === "") return row;
  const prompt = turnsOf(row.prompt, "user");
  const answers = ANSWERS.flatMap((name) => {
    const answer = row[name];
    return answer === undefined
      ? []
      : [[name, turnsOf(answer, "assistant")] as const];
  });
  const hasSystem = [prompt, ...answers.map(([, turns]) => turns)]
    .some(([first]) => first?.role === "system");
  const before = hasSystem ? [] : [{ role: "system", content: system }];
  return {
    ...row,
    prompt: [...before, ...prompt],
    ...Object.fromEntries(answers),
  };
}

function turnsOf(given: TurnsOrText, role: string): readonly Message[] {
  return typeof given === "string" ? [{ role, content: given }] : given;
}
