/**
 * Reads the lines of a prompts file, `{"prompt"}` or `{"messages"}`, as questions, and adds the
 * answers to each line. Opens no file: it takes rows and gives rows.
 */
import type { Message } from "../text/message.ts";
import { BrokenTurns, withWrittenTurns } from "../text/written_turns.ts";
import { parseWithFloats } from "../base/json_float.ts";
import { unprintedParts } from "../text/unprinted.ts";
import {
  answerEach,
  type AnswerOptions,
  type PromptContext,
  type Speaker,
} from "./answer.ts";
import { systemTurns } from "./conversation.ts";

/** A line of the file. */
export interface PromptRow {
  /** Number of the line, from 1. */
  readonly line: number;
  /** The parsed line. */
  readonly value: Readonly<Record<string, unknown>>;
}

/** The question of a line: plain text, or turns. */
export interface RowQuestion {
  /** The line that it came from. */
  readonly row: PromptRow;
  /** Plain text of `prompt`, or the turns of `messages`. */
  readonly prompt: string | readonly Message[];
  /** Text of the row's own `system`, which wins over that of the options. */
  readonly system?: string;
  /** The row's own tools and variables of the chat template. */
  readonly context?: PromptContext;
}

/**
 * Reads a line.
 *
 * @throws {TypeError} with the line and the keys found, if the line has neither form
 */
export function readQuestion(row: PromptRow): RowQuestion {
  const value = withWrittenTurns(row.value);
  const { prompt, messages } = value;
  if (prompt instanceof BrokenTurns || messages instanceof BrokenTurns) {
    throw new TypeError(
      `Cannot ask line ${row.line}: its turns are a text that is neither JSON nor Python's repr of turns, or is cut off`,
    );
  }
  const beside = besideOf(value, row.line);
  if (typeof prompt === "string" && prompt !== "") {
    return { row, prompt, ...beside };
  }
  const turns = prompt ?? messages;
  if (isConversation(turns)) return { row, prompt: turns, ...beside };
  const keys = Object.keys(row.value).map((key) => `"${key}"`).join(", ");
  throw new TypeError(
    `Cannot ask line ${row.line}: found keys ${keys}, expected "prompt" with text, or "messages" with turns of "role" and "content" that do not end with the assistant's`,
  );
}

/** Columns of a system text, as rows for training have them. */
const SYSTEM = ["system", "system_prompt", "system_message"];

/** What a line has beside its question: a system text, tools, variables of the chat template. */
function besideOf(
  value: Readonly<Record<string, unknown>>,
  line: number,
): Pick<RowQuestion, "system" | "context"> {
  const own = SYSTEM.map((key) => value[key])
    .find((one) => typeof one === "string" && one !== "");
  const tools = parsed(value.tools);
  const variables = parsed(value.chat_template_kwargs);
  const isObject = typeof variables === "object" && !Array.isArray(variables);
  if (
    tools !== undefined && !Array.isArray(tools) ||
    variables !== undefined && !isObject
  ) {
    throw new TypeError(
      `Cannot ask line ${line}: its "tools" or "chat_template_kwargs" cannot be read, expected a list and an object, or JSON text of them`,
    );
  }
  const context = {
    ...tools === undefined ? {} : { tools },
    ...variables === undefined ? {} : { variables },
  } as PromptContext;
  return {
    ...typeof own === "string" ? { system: own } : {},
    ...Object.keys(context).length === 0 ? {} : { context },
  };
}

/** A value that a table may hold as JSON text; undefined for none, the text if it is no JSON. */
function parsed(value: unknown): unknown {
  if (value === null || value === undefined || value === "") return undefined;
  if (typeof value !== "string") return value;
  try {
    return parseWithFloats(value);
  } catch {
    return value;
  }
}

/**
 * Reads all lines before the first is answered, so that a broken line stops the work before it
 * begins.
 */
export async function readQuestions(
  rows: AsyncIterable<PromptRow>,
): Promise<RowQuestion[]> {
  return await Array.fromAsync(rows, readQuestion);
}

function isConversation(value: unknown): value is readonly Message[] {
  if (!Array.isArray(value) || value.length === 0) return false;
  const turns = value.every((turn) =>
    typeof turn?.role === "string" && typeof turn?.content === "string"
  );
  return turns && value.at(-1).role !== "assistant";
}

/**
 * The prompt that a model gets for a question: with a chat template, a text becomes a user's turn.
 */
export function promptFor(
  { template }: Pick<Speaker, "template">,
  { prompt, system: own }: Pick<RowQuestion, "prompt" | "system">,
  general: string | null = null,
): string | readonly Message[] {
  const isText = typeof prompt === "string";
  if (isText && !template) return prompt;
  const turns = isText ? [{ role: "user", content: prompt }] : prompt;
  return turns[0]?.role === "system"
    ? turns
    : [...systemTurns(own ?? general), ...turns];
}

/**
 * What the speakers' chat templates do not print of the questions, each once with its first line.
 *
 * @throws {RangeError} if one leaves out a whole turn, or a tool call
 */
export function unprintedNotes(
  questions: readonly RowQuestion[],
  speakers: readonly Pick<Speaker, "template">[],
  general: string | null = null,
): string[] {
  const notes = new Map<string, number>();
  for (const { template } of speakers) {
    if (template === undefined) continue;
    for (const question of questions) {
      const turns = promptFor({ template }, question, general);
      if (typeof turns === "string") continue;
      const { context = {}, row: { line } } = question;
      const text = template.render(turns, {
        addGenerationPrompt: true,
        ...context,
      });
      const answerFrom = turns.length;
      const parts = unprintedParts(template, turns, {
        ...context,
        text,
        answerFrom,
      });
      const lost = parts.find(({ weight }) => weight === "spoken");
      if (lost !== undefined) {
        throw new RangeError(
          `Cannot ask line ${line}: the chat template does not print ${lost.part}; name a template that does by --chat_template`,
        );
      }
      for (const { part, weight } of parts) {
        if (weight === "beside" && !notes.has(part)) notes.set(part, line);
      }
    }
  }
  return [...notes].map(([part, line]) =>
    `the chat template does not print ${part} (line ${line})`
  );
}

/** How many questions are answered. */
export interface AnswerRowsOptions
  extends Omit<AnswerOptions, "seed" | "onText"> {
  /** Seed of the draws: every model answers line n with the seed `seed + n`. */
  readonly seed: number;
  /** Number of questions that are answered side by side. */
  readonly batchSize: number;
  /** Text of the system's turn for lines that have none; null: none. */
  readonly system?: string | null;
}

/**
 * Answers questions in order, a batch at a time, and gives each line with one more key per speaker.
 */
export async function* answerRows(
  questions: readonly RowQuestion[],
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
  questions: readonly RowQuestion[],
  speakers: readonly Speaker[],
  { system = null, seed, ...options }: Omit<AnswerRowsOptions, "batchSize">,
): Promise<Record<string, unknown>[]> {
  const asked = speakers.flatMap((speaker) =>
    questions.map((question) => ({
      speaker,
      prompt: promptFor(speaker, question, system),
      context: question.context,
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

/** The error with the numbers of its lines. */
function withLines(error: unknown, questions: readonly RowQuestion[]): unknown {
  if (!(error instanceof RangeError)) return error;
  const lines = questions.map(({ row }) => row.line);
  const named = lines.length === 1
    ? `line ${lines[0]}`
    : `one of lines ${lines[0]} to ${lines.at(-1)}`;
  error.message = `${error.message} (${named})`;
  return error;
}
