/**
 * What base and tuned model are asked at the end of `all`, and the file with what they answered.
 * Asks no model.
 */
import { worded } from "../base/shown.ts";
import { dirname, join } from "@std/path";
import { formatJsonLine } from "../base/json_lines.ts";
import { disk, NotFound } from "../files/disk.ts";
import { makeFolder, writeFileAtomic } from "../files/disk/atomic.ts";
import { readRecords } from "../files/records/records.ts";
import { chatOptions } from "../text/chat_options.ts";
import { quantizationOptions } from "../model/weights/quantization_options.ts";
import type { TrainOptions } from "../training/options/options.ts";
import { dataPrompts } from "../training/setup/data_prompts.ts";
import type { Option } from "../base/option.ts";
import type { Compared } from "../report/side_by_side.ts";

/** The questions with both answers, and the file that has them. */
export interface Answers {
  /** Path of the file. */
  readonly path: string;
  /** What both were asked, and their answers. */
  readonly rows: readonly Compared[];
}

/** The options that say what is asked. */
type Asking = TrainOptions & {
  readonly prompts: number;
  readonly prompt: string | null;
  readonly input: string | null;
  readonly max_new_tokens: number;
};

type Line = Readonly<Record<string, unknown>>;

/**
 * The file of questions, written if it is not the user's own, and the answers to them if the file
 * of answers has all of them and is not older than the weights.
 */
export async function findAnswers(
  options: Asking,
  { path, newerThan }: {
    readonly path: string;
    readonly newerThan?: string | undefined;
  },
): Promise<{ readonly input: string; readonly answers?: Answers | undefined }> {
  const input = options.input ?? join(dirname(path), "prompts.jsonl");
  const questions = options.input !== null
    ? await linesOf(input)
    : options.prompt !== null
    ? [{ prompt: options.prompt }]
    : await dataPrompts(options, options.prompts);
  if (questions.length === 0) {
    throw new TypeError(
      "Cannot choose prompts: the data has none that a model can be asked; name one by --prompt, or a file by --input",
    );
  }
  const rows = await linesOf(path).catch((error) => {
    if (error instanceof NotFound || error instanceof RangeError) return [];
    throw error;
  });
  const isWhole = rows.length === questions.length &&
    rows.every((row, i) => isAnswered(row, questions[i]!));
  if (isWhole && (!newerThan || await isNewer(path, newerThan))) {
    return { input, answers: { path, rows: rows.map(compared) } };
  }
  if (options.input === null) {
    await makeFolder(dirname(input));
    await writeFileAtomic(input, questions.map(formatJsonLine).join(""));
  }
  return { input };
}

/** The words of `deno task predict` for a run. */
export function predictWords(
  options: Asking,
  input: string,
  output: string,
): string[] {
  const shared: Readonly<Record<string, Option<unknown>>> = {
    ...chatOptions,
    ...quantizationOptions,
  };
  const values: Line = { ...options };
  const changed = Object.entries(shared).filter(([name, { fallback }]) =>
    values[name] !== fallback
  ).map(([name]) => `--${name}=${textOf(values[name])}`);
  const { chat_template } = options;
  return [
    `--model_name_or_path=${options.model_name_or_path}`,
    `--tuned=${options.output_dir}`,
    ...chat_template === null ? [] : [`--chat_template=${chat_template}`],
    ...changed,
    `--input=${input}`,
    `--output=${output}`,
    `--max_new_tokens=${options.max_new_tokens}`,
  ];
}

const textOf = (value: unknown) =>
  typeof value === "string" ? value : JSON.stringify(value);

async function linesOf(path: string): Promise<Line[]> {
  return await Array.fromAsync(readRecords(path), ({ value }) => value);
}

function isAnswered(row: Line, question: Line): boolean {
  const { base, tuned, ...asked } = row;
  const { base: _, tuned: __, ...wanted } = question;
  return typeof base === "string" && typeof tuned === "string" &&
    JSON.stringify(asked) === JSON.stringify(wanted);
}

/** A line as the table shows it: the last turn of a conversation is its question. */
function compared({ prompt, messages, base, tuned }: Line): Compared {
  const turns: unknown = prompt ?? messages;
  const last = Array.isArray(turns) ? turns.at(-1)?.content : turns;
  return { prompt: worded(last), base: worded(base), tuned: worded(tuned) };
}

async function isNewer(path: string, than: string): Promise<boolean> {
  const [one, other] = await Promise.all(
    [path, than].map(async (file) => (await disk().stat(file)).mtime),
  );
  return (one?.getTime() ?? 0) >= (other?.getTime() ?? 0);
}
