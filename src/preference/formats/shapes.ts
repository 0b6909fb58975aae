/**
 * Reads rows that hold a chosen and a rejected answer into drafts of Preference. The table is
 * preference_formats.ts; layouts.ts makes readers from declarations.
 */
import type { Message } from "../../text/message.ts";
import { splitTexts, splitTurns } from "./common_prompt.ts";
import { type Draft, keyIn, pick } from "./format.ts";
import type { Preference } from "./preference.ts";
import { hasSystem, question, userTurn, withSystem } from "./questions.ts";
import { rowNumbers, scoresOf } from "./row_numbers.ts";
import {
  answerAt,
  dialogueTurns,
  isRow,
  listAt,
  promptTurns,
  type Row,
  textAt,
  turnAt,
  turnsAt,
} from "./turns.ts";

const isTurns = (value: unknown): boolean =>
  Array.isArray(value) || isRow(value);

function beginsWith(
  turns: readonly Message[],
  prompt: readonly Message[],
): boolean {
  return turns.length > prompt.length &&
    prompt.every((turn, i) =>
      JSON.stringify(turn) === JSON.stringify(turns[i])
    );
}

/** Reads a prompt and two answers, all texts or all turns. */
export function explicitPrompt(row: Row): Draft<Preference> {
  const { prompt, chosen, rejected } = row;
  if (![prompt, chosen, rejected].some(isTurns) && !hasSystem(row)) {
    const texts = {
      prompt: textAt(prompt, "prompt"),
      chosen: textAt(chosen, "chosen"),
    };
    return {
      ...texts,
      rejected: textAt(rejected, "rejected"),
      ...rowNumbers(row),
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
    // some datasets repeat the prompt inside the answers
    const from = repeated ? turns.length : 0;
    return {
      prompt: withSystem(row, turns),
      chosen: answers.chosen.slice(from),
      rejected: answers.rejected.slice(from),
      ...rowNumbers(row),
    };
  }
  // In UltraFeedback the prompt is a text that repeats the first question of both conversations.
  const split = splitTurns(answers.chosen, answers.rejected);
  const turns = split.prompt.length > 0
    ? split
    : { ...answers, prompt: [userTurn(textAt(prompt, "prompt"))] };
  return {
    ...turns,
    prompt: withSystem(row, turns.prompt),
    ...rowNumbers(row),
  };
}

/** Reads two texts or conversations that both begin with the prompt. */
export function implicitPrompt(row: Row): Draft<Preference> {
  const { chosen, rejected } = row;
  if (!isTurns(chosen) && !isTurns(rejected)) {
    return {
      ...splitTexts(textAt(chosen, "chosen"), textAt(rejected, "rejected")),
      ...rowNumbers(row),
    };
  }
  const parts = splitTurns(
    turnsAt(chosen, "chosen"),
    turnsAt(rejected, "rejected"),
  );
  return {
    ...parts,
    prompt: withSystem(row, parts.prompt),
    ...rowNumbers(row),
  };
}

/** Reads two whole dialogues that are texts. */
export function twoDialogues(row: Row): Draft<Preference> {
  return {
    ...splitTurns(
      dialogueTurns(textAt(row.chosen, "chosen")),
      dialogueTurns(textAt(row.rejected, "rejected")),
    ),
    ...rowNumbers(row),
  };
}

/**
 * Reads a dialogue that ends before its answer, and two answers that are texts; the answers may
 * repeat the dialogue.
 */
export function dialogueWithAnswers(row: Row): Draft<Preference> {
  const prompt = textAt(row.prompt, "prompt");
  const answer = (key: string) => {
    const text = textAt(row[key], key);
    const rest = text.startsWith(prompt) ? text.slice(prompt.length) : text;
    return [{ role: "assistant", content: rest.trim() }];
  };
  return {
    prompt: promptTurns(prompt) ?? [],
    chosen: answer("chosen"),
    rejected: answer("rejected"),
    ...rowNumbers(row),
  };
}

/**
 * Reads turns with `value`, of which the last (or the row itself) has `chosen_value` and
 * `rejected_value`.
 */
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
    ...rowNumbers(row),
    ...scoresOf(pair.chosen_score, pair.rejected_score),
  };
}

/** Reads the prompt as turns under a key, with the answers beside it. */
export function turnsWithAnswers(row: Row, key: string): Draft<Preference> {
  return {
    prompt: withSystem(row, turnsAt(row[key], key)),
    chosen: answerAt(row.chosen, "chosen"),
    rejected: answerAt(row.rejected, "rejected"),
    ...rowNumbers(row),
  };
}

/**
 * Makes a reader of a question and two answers, texts that become turns. A key may be `"a|b"`,
 * which means either.
 */
export function questionWithAnswers(
  keys: readonly [question: string, chosen: string, rejected: string],
): (row: Row) => Draft<Preference> {
  const [questionKeys, chosen, rejected] = keys;
  const answerOf = (row: Row, key: string) =>
    answerAt(pick(row, key), keyIn(row, key));
  return (row) => {
    const answers = {
      chosen: answerOf(row, chosen),
      rejected: answerOf(row, rejected),
    };
    const split = splitTurns(answers.chosen, answers.rejected);
    // answers that are conversations repeat the question and may have more rounds
    const parts = split.prompt.length > 0
      ? { ...split, prompt: withSystem(row, split.prompt) }
      : { ...answers, prompt: question(row, questionKeys) };
    return { ...parts, ...rowNumbers(row) };
  };
}

/** Reads `output: [better, worse]` of older alpaca rankings. */
export function twoOutputs(row: Row): Draft<Preference> {
  const [chosen, rejected] = listAt(row.output, "output");
  return {
    prompt: question(row, "instruction"),
    chosen: answerAt(chosen, "output[0]"),
    rejected: answerAt(rejected, "output[1]"),
    ...rowNumbers(row),
  };
}
