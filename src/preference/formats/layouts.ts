/**
 * Makes readers of preference rows from a declaration of where their parts stand, so that one more
 * layout costs one row of a table: pairs, votes for one of several answers, and rankings. A path is
 * `"input.messages"`; `"a|b"` means the first of both that a row gives.
 */
import { worded } from "../../base/shown.ts";
import type { Message } from "../../text/message.ts";
import { parseWritten } from "../../text/written_turns.ts";
import { type Split, splitTurns } from "./common_prompt.ts";
import type { Draft } from "./format.ts";
import type { Preference } from "./preference.ts";
import { question, userTurn, withSystem } from "./questions.ts";
import { type Ranked, rankedPairs, type Ranking } from "./rankings.ts";
import { parsedNumber, rowNumbers, scoresOf } from "./row_numbers.ts";
import {
  answerAt,
  isRow,
  isTextList,
  listAt,
  promptTurns,
  type Row,
  textAt,
  turnsAt,
} from "./turns.ts";

type Turns = readonly Message[];
type Drafts = Draft<Preference>[];

/** A value of a row, and the path under which it was found. */
interface Found {
  readonly value: unknown;
  readonly name: string;
}

/** A value inside another one, which tables may hold as text of JSON. */
function inside(value: unknown, key: string): unknown {
  if (isRow(value)) return value[key];
  if (Array.isArray(value)) return value[Number(key)];
  if (typeof value !== "string" || !/^\s*[[{]/.test(value)) return undefined;
  try {
    return inside(parseWritten(value), key);
  } catch {
    return undefined;
  }
}

/** The value at the first given path. */
export function find(row: Row, paths: string): Found {
  const all = paths.split("|").map((name) => ({
    name,
    value: name.split(".").reduce<unknown>(inside, row),
  }));
  return all.find(({ value }) => value !== undefined && value !== null) ??
    all[0]!;
}

/** @throws {TypeError} if there is no number at the path */
function numberAt({ value, name }: Found): number {
  const number = parsedNumber(value);
  if (number !== undefined) return number;
  const found = typeof value === "number" ? `${value}` : JSON.stringify(value);
  throw new TypeError(`"${name}" is ${found ?? "missing"}, expected a number`);
}

/** The columns of a question, beside which `history` and `input` may stand. */
const QUESTIONS = ["instruction", "question", "query", "input", "prompt"];

function promptAt(row: Row, paths: string): Turns {
  const { value, name } = find(row, paths);
  if (Array.isArray(value) || isRow(value)) {
    return withSystem(row, turnsAt(value, name));
  }
  const dialogue = promptTurns(value);
  if (dialogue !== undefined) return withSystem(row, dialogue);
  return QUESTIONS.includes(name)
    ? question(row, name)
    : withSystem(row, [userTurn(textAt(value, name))]);
}

/** Whether turns begin with what is asked, and not with the answer itself. */
function isConversation(turns: Turns): boolean {
  return turns[0]?.role === "user" || turns[0]?.role === "system";
}

/** Puts a prompt and two answers together; answers that are conversations hold their prompt. */
function pairOf(
  row: Row,
  prompt: Turns | undefined,
  [chosen, rejected]: readonly [Turns, Turns],
): Split<Turns> {
  const whole = isConversation(chosen) && isConversation(rejected);
  if (prompt !== undefined && !whole) return { prompt, chosen, rejected };
  const parts = splitTurns(chosen, rejected);
  return { ...parts, prompt: withSystem(row, parts.prompt) };
}

/** A conversation of questions and answers that stand in two lists of texts. */
function roundsOf(questions: Found, answers: Found): Message[] {
  const asked = listAt(questions.value, questions.name);
  const said = listAt(answers.value, answers.name);
  if (asked.length !== said.length) {
    throw new TypeError(
      `"${answers.name}" has ${said.length} texts, expected ${asked.length} as in "${questions.name}"`,
    );
  }
  return asked.flatMap((one, i) => [
    userTurn(textAt(one, `${questions.name}[${i}]`)),
    {
      role: "assistant",
      content: textAt(said[i], `${answers.name}[${i}]`),
    },
  ]);
}

/** Where the parts of a pair stand. */
export interface PairPlaces {
  /** The prompt; absent if both answers are conversations that begin with it. */
  readonly prompt?: string;
  readonly chosen: string;
  readonly rejected: string;
  /** The tools that the prompt offers, if they do not stand in `tools`. */
  readonly tools?: string;
}

/** An answer; where the row has no prompt of its own it is a conversation. */
function answerOf({ value, name }: Found, prompt: string | undefined): Turns {
  return prompt === undefined ? turnsAt(value, name) : answerAt(value, name);
}

/** Makes the reader of rows with a chosen and a rejected answer. */
export function pair(places: PairPlaces): (row: Row) => Draft<Preference> {
  const { prompt, chosen, rejected } = places;
  return (row) => {
    const tools = places.tools && find(row, places.tools).value;
    return {
      ...pairOf(row, prompt === undefined ? undefined : promptAt(row, prompt), [
        answerOf(find(row, chosen), prompt),
        answerOf(find(row, rejected), prompt),
      ]),
      ...rowNumbers(row),
      // an empty list is how these rows say that there are no tools
      ...(Array.isArray(tools) && tools.length > 0 ? { tools } : {}),
    };
  };
}

/** Where the parts of a vote stand. */
export interface VotePlaces {
  /** The prompt; absent if the answers are conversations that begin with it. */
  readonly prompt?: string;
  readonly answers: readonly string[];
  /** The index of the preferred answer; undefined if none is preferred. */
  readonly best: (row: Row) => number | undefined;
  /** Whether prompt and answers are lists of texts, a text for each round, or JSON text of them. */
  readonly rounds?: boolean;
  /** The scores of the answers, which say nothing about the vote. */
  readonly scores?: readonly string[];
}

/** Makes the reader of votes: the preferred answer with each other one, nothing for a tie. */
export function vote(places: VotePlaces): (row: Row) => Drafts {
  const { prompt, answers, best, rounds = false, scores = [] } = places;
  return (row) => {
    const index = best(row);
    if (index === undefined) return [];
    const asked = prompt === undefined ? undefined : find(row, prompt);
    const inRounds = asked !== undefined &&
      (rounds || isTextList(asked.value));
    const turns = answers.map((path) => find(row, path)).map((answer) =>
      inRounds ? roundsOf(asked, answer) : answerOf(answer, prompt)
    );
    const before = prompt === undefined || inRounds
      ? undefined
      : promptAt(row, prompt);
    const values = scores.map((path) => find(row, path).value);
    return turns.flatMap((other, i) =>
      i === index ? [] : [{
        ...pairOf(row, before, [turns[index]!, other]),
        ...scoresOf(values[index], values[i]),
      }]
    );
  };
}

const TIE = /^$|tie|both|equal|neither|none|same|draw|^a=b$/i;

/**
 * Makes a vote's reader of a letter: `A`, `model_a`, `response_b`, `B>A` and so on; a tie is none.
 */
export function letter(path: string, letters = "ab"): VotePlaces["best"] {
  return (row) => {
    const { value, name } = find(row, path);
    const text = worded(value ?? "").trim();
    const found = /^(?:\w+[_ ])?([a-z])(?:>+[a-z])?$/i.exec(text)?.[1];
    const index = found === undefined
      ? -1
      : letters.indexOf(found.toLowerCase());
    if (index >= 0) return index;
    if (TIE.test(text)) return undefined;
    throw new TypeError(
      `"${name}" is ${JSON.stringify(value)}, expected "${
        [...letters].join('", "').toUpperCase()
      }", such a letter after "model_", or "tie"`,
    );
  };
}

/**
 * Makes a vote's reader of the number of the preferred answer; below 0 is a tie.
 *
 * @param numbers the numbers of the answers, in the order of their places
 */
export function index(
  path: string,
  numbers: readonly number[] = [0, 1],
): VotePlaces["best"] {
  return (row) => {
    const found = find(row, path);
    const number = numberAt(found);
    if (number < 0) return undefined;
    if (numbers.includes(number)) return numbers.indexOf(number);
    throw new RangeError(
      `"${found.name}" is ${number}, expected ${
        numbers.toSorted().join(" or ")
      }`,
    );
  };
}

/** Makes a vote's reader of a strength: below 0 if the first answer is better, above if not. */
export function strength(path: string): VotePlaces["best"] {
  return (row) => {
    const number = numberAt(find(row, path));
    return number === 0 ? undefined : Number(number > 0);
  };
}

/** Makes a vote's reader of a number between those of two answers, of which it is nearer to one. */
export function nearer(
  path: string,
  [first, second]: readonly [number, number],
): VotePlaces["best"] {
  return (row) => {
    const number = numberAt(find(row, path));
    const middle = (first + second) / 2;
    return number === middle ? undefined : Number(number > middle);
  };
}

function isMarked({ value, name }: Found): boolean {
  const word = worded(value ?? false).toLowerCase();
  return word === "true" ||
    (word !== "false" && numberAt({ value, name }) > 0);
}

/**
 * Makes a vote's reader of a mark at each answer, of which the preferred one has 1 or true, and of
 * the column that marks a tie.
 */
export function marks(
  paths: readonly string[],
  tie: string,
): VotePlaces["best"] {
  return (row) => {
    const set = paths.map((path) => isMarked(find(row, path)));
    const isTie = isMarked(find(row, tie)) || !set.includes(true);
    if (isTie) return undefined;
    if (set.filter((one) => one).length === 1) return set.indexOf(true);
    throw new RangeError(
      `"${paths.join('" and "')}" are all set, expected one preferred answer`,
    );
  };
}

/** Makes a vote's reader of a name that is the name of one answer's model. */
export function named(
  chosen: string,
  { names, tie }: { readonly names: readonly string[]; readonly tie: string },
): VotePlaces["best"] {
  return (row) => {
    const { value, name } = find(row, chosen);
    if (isMarked(find(row, tie))) return undefined;
    if (value === undefined || value === null || value === "") return undefined;
    const models = names.map((path) => find(row, path));
    const at = models.findIndex((model) => model.value === value);
    if (at >= 0) return at;
    throw new TypeError(
      `"${name}" is ${JSON.stringify(value)}, expected the value of "${
        models.map((model) => model.name).join('" or of "')
      }"`,
    );
  };
}

/** An answer with its score, as they stand in the row. */
interface Candidate {
  readonly answer: Found;
  readonly score: Found;
}

/** Where the answers of a ranking stand. */
export interface RankingPlaces {
  /** The prompt; absent if the answers are conversations that begin with it. */
  readonly prompt?: string;
  readonly candidates: (row: Row) => readonly Candidate[];
  /** Whether a lower number is better, as a rank is. */
  readonly lowerIsBetter?: boolean;
}

/** Candidates in a list of objects, each with its answer and score. */
export function listed(
  list: string,
  answer: string,
  score: string,
): RankingPlaces["candidates"] {
  return (row) => {
    const { value, name } = find(row, list);
    return listAt(value, name).map((one, i) => {
      const part = (paths: string): Found => {
        const found = find(isRow(one) ? one : {}, paths);
        return { ...found, name: `${name}[${i}].${found.name}` };
      };
      return { answer: part(answer), score: part(score) };
    });
  };
}

/** Candidates in a list of answers, with a second list of their scores. */
export function parallel(
  answers: string,
  scores: string,
): RankingPlaces["candidates"] {
  return (row) => {
    const [said, given] = [find(row, answers), find(row, scores)];
    const texts = listAt(said.value, said.name);
    const numbers = listAt(given.value, given.name);
    if (texts.length !== numbers.length) {
      throw new TypeError(
        `"${given.name}" has ${numbers.length} values, expected ${texts.length} as in "${said.name}"`,
      );
    }
    return texts.map((value, i) => ({
      answer: { value, name: `${said.name}[${i}]` },
      score: { value: numbers[i], name: `${given.name}[${i}]` },
    }));
  };
}

/** Candidates in columns of their own, each with a column for its score. */
export function columns(
  places: readonly (readonly [answer: string, score: string])[],
): RankingPlaces["candidates"] {
  return (row) =>
    places.map(([answer, score]) => ({
      answer: find(row, answer),
      score: find(row, score),
    }));
}

/** Makes the reader of answers with scores or ranks; answers with equal scores make no pair. */
export function ranking(
  { prompt, candidates, lowerIsBetter = false }: RankingPlaces,
): (row: Row, ranking: Ranking) => Drafts {
  return (row, which) => {
    const before = prompt === undefined ? undefined : promptAt(row, prompt);
    const ranked = candidates(row).map(({ answer, score }): Ranked<Turns> => ({
      answer: answerOf(answer, prompt),
      score: lowerIsBetter ? 0 - numberAt(score) : numberAt(score),
    }));
    return rankedPairs(ranked, which).map(({ chosen, rejected }) => ({
      ...pairOf(row, before, [chosen.answer, rejected.answer]),
      scores: { chosen: chosen.score, rejected: rejected.score },
    }));
  };
}

/** Reads lists of good and of bad answers to a text: each good one with each bad one. */
export function everyPair(row: Row): Drafts {
  const prompt = promptAt(row, "prompt");
  const answers = (key: string) =>
    listAt(row[key], key).map((one, i) => answerAt(one, `${key}[${i}]`));
  const bad = answers("rejected");
  return answers("chosen").flatMap((chosen) =>
    bad.map((rejected) => ({ prompt, chosen, rejected }))
  );
}

const ROUNDS = ["first", "second", "third", "fourth"];

/**
 * Reads choices among four answers in up to four rounds; the preferred answer of a round goes into
 * the prompt of the next one.
 */
export function choicesInRounds(row: Row): Drafts {
  let before = withSystem(row, []);
  const drafts: Drafts = [];
  for (const round of ROUNDS) {
    const asked = find(row, `${round}_turn_prompt`);
    if (typeof asked.value !== "string" || asked.value === "") break;
    const prompt = [...before, userTurn(asked.value)];
    const best = letter(`${round}_turn_preferred_response`, "abcd")(row);
    if (best === undefined) break;
    const answers = [..."abcd"].map((name) =>
      find(row, `${round}_turn_response_${name}`)
    ).filter(({ value }) => value !== undefined && value !== null)
      .map(({ value, name }) => answerAt(value, name));
    const chosen = answers[best];
    if (chosen === undefined) {
      throw new TypeError(
        `"${round}_turn_response_${
          "abcd"[best]
        }" is nothing, but it is preferred`,
      );
    }
    for (const rejected of answers) {
      if (rejected !== chosen) drafts.push({ prompt, chosen, rejected });
    }
    before = [...prompt, ...chosen];
  }
  return drafts;
}

/**
 * Reads a conversation that ends with the chosen answer, beside a rejected one: a text for the last
 * turn, turns for all that follow the last question, or a whole conversation.
 */
export function conversationBesideRejected(row: Row): Draft<Preference> {
  const turns = withSystem(row, turnsAt(row.messages, "messages"));
  if (turns.at(-1)?.role !== "assistant") {
    throw new TypeError(
      `"messages" ends with ${
        turns.length === 0 ? "nothing" : `the role "${turns.at(-1)?.role}"`
      }, expected the chosen answer, by the role "assistant"`,
    );
  }
  const { value, name } = find(
    row,
    "rejected_messages|rejected_response|rejected",
  );
  const rejected = answerAt(value, name);
  if (isConversation(rejected)) {
    return {
      ...pairOf(row, undefined, [turns, withSystem(row, rejected)]),
      ...rowNumbers(row),
    };
  }
  const from = typeof value === "string"
    ? turns.length - 1
    : turns.findLastIndex(({ role }) => role === "user") + 1;
  return {
    prompt: turns.slice(0, from),
    chosen: turns.slice(from),
    rejected,
    ...rowNumbers(row),
  };
}
