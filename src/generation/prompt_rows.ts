/**
 * Lines of a file of prompts, `{"prompt"}` or `{"messages"}`, to what is asked, and each line with
 * its answers added. Knows no file: rows come in, rows go out.
 */
import type { Message } from "../text/message.ts";
import { answerEach, type AnswerOptions, type Speaker } from "./answer.ts";
import { systemTurns } from "./conversation.ts";

/** One line of a file, as it stands there. */
export interface PromptRow {
  /** Counted from 1. */
  readonly line: number;
  /** The parsed line. */
  readonly value: Readonly<Record<string, unknown>>;
}

/** What a line asks: plain text, or turns. */
export interface Question {
  /** The line that it came from. */
  readonly row: PromptRow;
  /** Plain text of `prompt`, or the turns of `messages`. */
  readonly asked: string | readonly Message[];
}

/**
 * Reads a line.
 *
 * @throws {TypeError} telling the line and the keys found, if it is neither shape
 */
export function readQuestion(row: PromptRow): Question {
  const { prompt, messages } = row.value;
  const asked = prompt ?? messages;
  if (typeof asked === "string" && asked !== "" && asked === prompt) {
    return { row, asked };
  }
  if (isConversation(asked)) return { row, asked };
  const keys = Object.keys(row.value).map((key) => `"${key}"`).join(", ");
  throw new TypeError(
    `Cannot ask line ${row.line}: found keys ${keys}, expected "prompt" with text, or "messages" with turns of "role" and "content" that do not end with the assistant's`,
  );
}

/** Reads all lines before any is asked, so that a broken one stops nothing half done. */
export async function readQuestions(
  rows: AsyncIterable<PromptRow>,
): Promise<Question[]> {
  return await Array.fromAsync(rows, readQuestion);
}

function isConversation(value: unknown): value is readonly Message[] {
  if (!Array.isArray(value) || value.length === 0) return false;
  const turns = value.every((turn) =>
    typeof turn?.role === "string" && typeof turn?.content === "string"
  );
  return turns && value.at(-1).role !== "assistant";
}

/** A question as one model is asked: text becomes a user's turn where there is a template. */
export function promptFor(
  { template }: Pick<Speaker, "template">,
  { asked }: Pick<Question, "asked">,
  system: string | null = null,
): string | readonly Message[] {
  const isText = typeof asked === "string";
  if (isText && !template) return asked;
  const turns = isText ? [{ role: "user", content: asked }] : asked;
  return turns[0]?.role === "system"
    ? turns
    : [...systemTurns(system), ...turns];
}

/** How to answer many questions. */
export interface AnswerRowsOptions
  extends Omit<AnswerOptions, "seed" | "onText"> {
  /** Line n is drawn with the seed `seed + n`, by every model. */
  readonly seed: number;
  /** Questions that are answered side by side. */
  readonly batchSize: number;
  /** What the models are told first, where a line does not say it; null: nothing. */
  readonly system?: string | null;
}

/** Answers questions in order: each line with one key per speaker added, a batch at a time. */
export async function* answerRows(
  questions: readonly Question[],
  speakers: readonly Speaker[],
  { batchSize, ...options }: AnswerRowsOptions,
): AsyncGenerator<Record<string, unknown>> {
  for (let at = 0; at < questions.length; at += batchSize) {
    yield* await answerBatch(
      questions.slice(at, at + batchSize),
      speakers,
      options,
    );
  }
}

async function answerBatch(
  questions: readonly Question[],
  speakers: readonly Speaker[],
  { system = null, seed, ...options }: Omit<AnswerRowsOptions, "batchSize">,
): Promise<Record<string, unknown>[]> {
  const asked = speakers.flatMap((speaker) =>
    questions.map((question) => ({
      speaker,
      prompt: promptFor(speaker, question, system),
      seed: seed + question.row.line,
    }))
  );
  const texts = await answerEach(asked, options).catch((error) => {
    throw withLines(error, questions);
  });
  return questions.map(({ row }, i) => {
    const named = speakers.map(({ name }, s) =>
      [name, texts[s * questions.length + i]] as const
    );
    return { ...row.value, ...Object.fromEntries(named) };
  });
}

/** The error with the lines it is about. */
function withLines(error: unknown, questions: readonly Question[]): unknown {
  if (!(error instanceof RangeError)) return error;
  const lines = questions.map(({ row }) => row.line);
  const named = lines.length === 1
    ? `line ${lines[0]}`
    : `one of lines ${lines[0]} to ${lines.at(-1)}`;
  error.message = `${error.message} (${named})`;
  return error;
}
