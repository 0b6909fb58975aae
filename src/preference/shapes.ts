/**
 * How the rows of each dataset shape become drafts of Preference and Demonstration. The table of shapes is formats.ts.
 */
import type { Message } from "../text/message.ts";
import { splitTexts, splitTurns } from "./common_prompt.ts";
import type { Demonstration, Preference } from "./preference.ts";
import {
  answerAt,
  isRow,
  listAt,
  type Row,
  textAt,
  turnAt,
  turnsAt,
} from "./turns.ts";

/** A Preference or Demonstration that does not know its line yet. */
export type Draft<T> = Omit<T, "line" | "tools">;

const isTurns = (value: unknown): boolean => Array.isArray(value);
const user = (content: string): Message => ({ role: "user", content });

function withSystem(row: Row, turns: readonly Message[]): readonly Message[] {
  if (
    typeof row.system !== "string" || row.system === "" ||
    turns[0]?.role === "system"
  ) return turns;
  return [{ role: "system", content: row.system }, ...turns];
}

function scoresOf(
  chosen: unknown,
  rejected: unknown,
): Pick<Preference, "scores"> {
  return typeof chosen === "number" && typeof rejected === "number"
    ? { scores: { chosen, rejected } }
    : {};
}

function rowScores(row: Row): Pick<Preference, "scores"> {
  return scoresOf(
    row.chosen_score ?? row.score_chosen,
    row.rejected_score ?? row.score_rejected,
  );
}

function beginsWith(
  turns: readonly Message[],
  prompt: readonly Message[],
): boolean {
  return turns.length > prompt.length &&
    prompt.every((turn, i) =>
      JSON.stringify(turn) === JSON.stringify(turns[i])
    );
}

/** A prompt and two answers; texts, or turns. */
export function explicitPrompt(row: Row): Draft<Preference> {
  const { prompt, chosen, rejected } = row;
  if (![prompt, chosen, rejected].some(isTurns)) {
    const texts = {
      prompt: textAt(prompt, "prompt"),
      chosen: textAt(chosen, "chosen"),
    };
    return {
      ...texts,
      rejected: textAt(rejected, "rejected"),
      ...rowScores(row),
    };
  }
  const answers = {
    chosen: answerAt(chosen, "chosen"),
    rejected: answerAt(rejected, "rejected"),
  };
  if (isTurns(prompt)) {
    const turns = turnsAt(prompt, "prompt");
    const repeated = beginsWith(answers.chosen, turns) &&
      beginsWith(answers.rejected, turns);
    const from = repeated ? turns.length : 0; // some datasets give the prompt again inside the answers
    return {
      prompt: withSystem(row, turns),
      chosen: answers.chosen.slice(from),
      rejected: answers.rejected.slice(from),
      ...rowScores(row),
    };
  }
  // A text beside whole conversations (UltraFeedback) only repeats their first question.
  const whole = splitTurns(answers.chosen, answers.rejected);
  const turns = whole.prompt.length > 0
    ? whole
    : { ...answers, prompt: [user(textAt(prompt, "prompt"))] };
  return { ...turns, prompt: withSystem(row, turns.prompt), ...rowScores(row) };
}

/** Two wholes that begin with the same prompt. */
export function implicitPrompt(row: Row): Draft<Preference> {
  const { chosen, rejected } = row;
  if (!isTurns(chosen) && !isTurns(rejected)) {
    return {
      ...splitTexts(textAt(chosen, "chosen"), textAt(rejected, "rejected")),
      ...rowScores(row),
    };
  }
  const parts = splitTurns(
    turnsAt(chosen, "chosen"),
    turnsAt(rejected, "rejected"),
  );
  return { ...parts, prompt: withSystem(row, parts.prompt), ...rowScores(row) };
}

/** History with `value`, the last turn (or the row) with `chosen_value` and `rejected_value`. */
export function messagesWithTwoValues(row: Row): Draft<Preference> {
  const turns = typeof row.messages === "string" &&
      !row.messages.trimStart().startsWith("[")
    ? [{ role: "user", value: row.messages }]
    : listAt(row.messages, "messages");
  const last = turns.at(-1);
  const inside = isRow(last) &&
    ("chosen_value" in last || "rejected_value" in last);
  const pair: Row = inside
    ? { role: "assistant", ...last }
    : { ...row, role: "assistant" };
  const name = inside ? `messages[${turns.length - 1}]` : "row";
  const history = inside ? turns.slice(0, -1) : turns;
  const answer = (key: string) => {
    const { role, content } = turnAt(pair, name, key);
    return [{ role, content }];
  };
  return {
    prompt: withSystem(
      row,
      history.map((turn, i) => turnAt(turn, `messages[${i}]`)),
    ),
    chosen: answer("chosen_value"),
    rejected: answer("rejected_value"),
    ...scoresOf(pair.chosen_score, pair.rejected_score),
  };
}

/** A question and two answers in texts, meant as turns. */
export function questionWithAnswers(row: Row): Draft<Preference> {
  return {
    prompt: withSystem(row, [user(textAt(row.prompt, "prompt"))]),
    chosen: answerAt(textAt(row.pos_resp, "pos_resp"), "pos_resp"),
    rejected: answerAt(textAt(row.neg_resp, "neg_resp"), "neg_resp"),
  };
}

/** History as `conversations`, the answers beside it. */
export function shareGptRanking(row: Row): Draft<Preference> {
  return {
    prompt: withSystem(row, turnsAt(row.conversations, "conversations")),
    chosen: answerAt(row.chosen, "chosen"),
    rejected: answerAt(row.rejected, "rejected"),
    ...rowScores(row),
  };
}

/** The answer of a conversation is its last turn. */
export function lastTurn(row: Row, key: string): Draft<Demonstration> {
  const turns = withSystem(row, turnsAt(row[key], key));
  return { prompt: turns.slice(0, -1), completion: turns.slice(-1) };
}

/** A prompt and its completion; texts, or turns. */
export function promptAndCompletion(row: Row): Draft<Demonstration> {
  const { prompt, completion } = row;
  if (!isTurns(prompt) && !isTurns(completion)) {
    return {
      prompt: textAt(prompt, "prompt"),
      completion: textAt(completion, "completion"),
    };
  }
  const turns = isTurns(prompt)
    ? turnsAt(prompt, "prompt")
    : [user(textAt(prompt, "prompt"))];
  return {
    prompt: withSystem(row, turns),
    completion: answerAt(completion, "completion"),
  };
}
