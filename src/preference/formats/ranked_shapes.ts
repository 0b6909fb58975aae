/**
 * Reads rows that rank or rate answers or hold a vote into drafts of Preference; a row that prefers
 * no answer gives none. The table is preference_formats.ts.
 */
import { splitTurns } from "./common_prompt.ts";
import { type Draft, pick } from "./format.ts";
import type { Preference, TurnsOrText } from "./preference.ts";
import { question, userTurn, withSystem } from "./questions.ts";
import { type Ranked, rankedPairs, type Ranking } from "./rankings.ts";
import { parsedNumber } from "./row_numbers.ts";
import {
  answerAt,
  isRow,
  listAt,
  promptTurns,
  type Row,
  textAt,
  turnsAt,
} from "./turns.ts";

function pairsOf(
  prompt: TurnsOrText,
  answers: readonly Ranked<TurnsOrText>[],
  ranking: Ranking,
): Draft<Preference>[] {
  return rankedPairs(answers, ranking).map(({ chosen, rejected }) => ({
    prompt,
    chosen: chosen.answer,
    rejected: rejected.answer,
    scores: { chosen: chosen.score, rejected: rejected.score },
  }));
}

function numberAt(value: unknown, name: string): number {
  const number = parsedNumber(value);
  if (number !== undefined) return number;
  throw new TypeError(
    `"${name}" is ${JSON.stringify(value)}, expected a number`,
  );
}

/** Reads `answers: [{ answer, rank }]`; rank 1 is the best. */
export function answersWithRanks(
  row: Row,
  ranking: Ranking,
): Draft<Preference>[] {
  const prompt = promptTurns(row.prompt) ??
    [userTurn(textAt(row.prompt, "prompt"))];
  const answers = listAt(row.answers, "answers").map((one, i) => {
    const name = `answers[${i}]`;
    const { answer, rank } = isRow(one) ? one : {};
    return {
      answer: answerAt(textAt(answer, `${name}.answer`), `${name}.answer`),
      score: -numberAt(rank, `${name}.rank`),
    };
  });
  return pairsOf(withSystem(row, prompt), answers, ranking);
}

/** Reads `completions: [{ response, overall_score }]`; the highest score is the best. */
export function ratedCompletions(
  row: Row,
  ranking: Ranking,
): Draft<Preference>[] {
  const answers = listAt(row.completions, "completions").map((one, i) => {
    const name = `completions[${i}]`;
    const given = isRow(one) ? one : {};
    const score = pick(given, "fine-grained_score|overall_score|score|rating");
    return {
      answer: answerAt(
        textAt(given.response, `${name}.response`),
        `${name}.response`,
      ),
      score: numberAt(score, `${name}.overall_score`),
    };
  });
  return pairsOf(question(row, "instruction|prompt"), answers, ranking);
}

/**
 * Reads two answers in texts, of which a vote prefers the first, the second or none (undefined).
 */
function votedPair(
  prompt: TurnsOrText,
  answers: readonly [first: unknown, second: unknown],
  { keys, firstWins }: {
    keys: readonly [string, string];
    firstWins: boolean | undefined;
  },
): Draft<Preference>[] {
  if (firstWins === undefined) return [];
  const [first, second] = [
    answerAt(answers[0], keys[0]),
    answerAt(answers[1], keys[1]),
  ];
  return [
    firstWins
      ? { prompt, chosen: first, rejected: second }
      : { prompt, chosen: second, rejected: first },
  ];
}

/** Reads a post and two comments; `labels` is 1 if the first comment is preferred. */
export function twoComments(row: Row): Draft<Preference>[] {
  const keys = ["human_ref_A", "human_ref_B"] as const;
  return votedPair(
    [userTurn(textAt(row.history, "history"))],
    [row[keys[0]], row[keys[1]]],
    { keys, firstWins: numberAt(row.labels, "labels") === 1 },
  ).map((pair) => ({ ...pair, ...commentScores(row) }));
}

function commentScores(row: Row): Pick<Preference, "scores"> {
  const [a, b] = [parsedNumber(row.score_A), parsedNumber(row.score_B)];
  if (a === undefined || b === undefined) return {};
  return { scores: { chosen: Math.max(a, b), rejected: Math.min(a, b) } };
}

/** Reads `response_0`, `response_1` and the number of the better response. */
export function betterResponse(row: Row): Draft<Preference>[] {
  const keys = ["response_0", "response_1"] as const;
  const better = numberAt(row.better_response_id, "better_response_id");
  return votedPair(
    question(row, "prompt"),
    [row[keys[0]], row[keys[1]]],
    { keys, firstWins: better < 0 ? undefined : better === 0 },
  );
}

/** Reads `response_1`, `response_2` and a strength, which is below 0 if the first is better. */
export function preferenceStrength(row: Row): Draft<Preference>[] {
  const keys = ["response_1", "response_2"] as const;
  const strength = numberAt(row.preference_strength, "preference_strength");
  const prompt = Array.isArray(row.prompt)
    ? withSystem(row, turnsAt(row.prompt, "prompt"))
    : question(row, "prompt");
  return votedPair(prompt, [row[keys[0]], row[keys[1]]], {
    keys,
    firstWins: strength === 0 ? undefined : strength < 0,
  });
}

/**
 * Reads `context`, `response1`, `response2` and a preference, which is below 0 if the first is
 * better.
 */
export function overallPreference(row: Row): Draft<Preference>[] {
  const keys = ["response1", "response2"] as const;
  const strength = numberAt(row.overall_preference, "overall_preference");
  return votedPair(
    withSystem(row, turnsAt(row.context, "context")),
    [row[keys[0]], row[keys[1]]],
    { keys, firstWins: strength === 0 ? undefined : strength < 0 },
  );
}

/** Reads two whole conversations and the winner, `model_a` or `model_b`; a tie gives no pair. */
export function votedConversations(row: Row): Draft<Preference>[] {
  const [a, b] = ["conversation_a", "conversation_b"].map((key) =>
    turnsAt(row[key], key)
  );
  const winner = textAt(row.winner, "winner");
  if (!["model_a", "model_b"].includes(winner)) return [];
  return winner === "model_a"
    ? [splitTurns(a ?? [], b ?? [])]
    : [splitTurns(b ?? [], a ?? [])];
}
