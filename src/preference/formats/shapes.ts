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
  isEmptySystem,
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

const TWO_VALUES = ["chosen_value", "rejected_value"] as const;

/** Whether a turn has two values. Tables give every turn every key, null where it is absent. */
function hasTwoValues(turn: unknown): turn is Row {
  return isRow(turn) && TWO_VALUES.some((key) => (turn[key] ?? null) !== null);
}

/**
 * Reads an earlier turn; of two values the chosen one is the history of what follows. Says so where
 * they differ.
 */
function earlierTurn(
  turn: unknown,
  name: string,
): { readonly turn: Message; readonly note?: string } {
  if (!hasTwoValues(turn)) return { turn: turnAt(turn, name) };
  const [chosen, rejected] = TWO_VALUES.map((key) =>
    turnAt({ role: "assistant", ...turn }, name, key)
  ) as [Message, Message];
  const { role, content } = chosen;
  return {
    turn: { role, content },
    ...content === rejected.content ? {} : { note: OLDER_VALUES },
  };
}

const OLDER_VALUES =
  "earlier answers with two values that differ: what follows goes on from chosen_value";

/** The row's own two values, where they stand beside `messages`. */
function valuesOf(row: Row): Row {
  const keys = [...TWO_VALUES, "chosen_score", "rejected_score"];
  return Object.fromEntries(
    keys.filter((key) => key in row).map((key) => [key, row[key]]),
  );
}

/**
 * Reads turns with `value`, of which the last (or the row itself) has `chosen_value` and
 * `rejected_value`; earlier answers may have both too.
 */
export function messagesWithTwoValues(row: Row): Draft<Preference> {
  const turns = typeof row.messages === "string" &&
      !row.messages.trimStart().startsWith("[")
    ? [{ role: "user", value: row.messages }]
    : listAt(row.messages, "messages");
  const last = turns.at(-1);
  const inside = hasTwoValues(last);
  const pair: Row = {
    role: "assistant",
    ...inside ? last : valuesOf(row),
  };
  if (!inside && !TWO_VALUES.some((key) => key in row)) {
    throw new TypeError(
      '"messages" has one answer and a pair needs two: give "chosen_value" and "rejected_value" in the last turn, or "chosen" and "rejected" beside it',
    );
  }
  const name = inside ? `messages[${turns.length - 1}]` : "row";
  const history = (inside ? turns.slice(0, -1) : turns).flatMap((turn, i) =>
    isEmptySystem(turn) ? [] : [earlierTurn(turn, `messages[${i}]`)]
  );
  const note = history.find((one) => one.note !== undefined)?.note;
  const answer = (key: string) => {
    const { role, content } = turnAt(pair, name, key);
    return [{ role, content }];
  };
  return {
    prompt: withSystem(row, history.map(({ turn }) => turn)),
    chosen: answer("chosen_value"),
    rejected: answer("rejected_value"),
    ...note === undefined ? {} : { note },
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
