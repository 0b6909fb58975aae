/**
 * The ONE table of dataset shapes: which keys a row has, and how it becomes a Preference or a Demonstration.
 * To serve another shape, add a row. Checks of the contents are in check.ts.
 */
import type { Demonstration, Preference } from "./preference.ts";
import {
  type Draft,
  explicitPrompt,
  implicitPrompt,
  lastTurn,
  messagesWithTwoValues,
  promptAndCompletion,
  questionWithAnswers,
  shareGptRanking,
} from "./shapes.ts";
import { keyList, listAt, type Row, textAt } from "./turns.ts";

/** One shape of dataset. */
export interface Format<T> {
  /** Its name in reports. */
  readonly name: string;
  /** The keys that a row must have; the first format whose keys are all there is taken. */
  readonly keys: readonly string[];
  /** What it looks like, for people. */
  readonly looks: string;
  /** Reads a row that has the keys. @throws {TypeError} naming the key that is wrong */
  readonly read: (row: Row) => Draft<T>;
}

/** Shapes of preference data, most particular first. */
export const PREFERENCE_FORMATS: readonly Format<Preference>[] = [
  {
    name: "CValues",
    keys: ["prompt", "pos_resp", "neg_resp"],
    looks:
      '{"prompt": "...", "pos_resp": "...", "neg_resp": "...", "pos_type": "...", "neg_type": "..."}',
    read: questionWithAnswers,
  },
  {
    name: "ShareGPT ranking",
    keys: ["conversations", "chosen", "rejected"],
    looks:
      '{"conversations": [{"from": "human", "value": "..."}], "chosen": {"from": "gpt", "value": "..."}, "rejected": {...}}',
    read: shareGptRanking,
  },
  {
    name: "messages with two values",
    keys: ["messages"],
    looks:
      '{"messages": [{"role": "user", "value": "..."}, {"role": "assistant", "chosen_value": "...", "rejected_value": "..."}]}',
    read: messagesWithTwoValues,
  },
  {
    name: "explicit prompt",
    keys: ["prompt", "chosen", "rejected"],
    looks:
      '{"prompt": [turns] or "...", "chosen": [turns] or "...", "rejected": [turns] or "..."}',
    read: explicitPrompt,
  },
  {
    name: "implicit prompt",
    keys: ["chosen", "rejected"],
    looks:
      '{"chosen": [turns] or "...", "rejected": [turns] or "..."}, both beginning with the prompt',
    read: implicitPrompt,
  },
];

/** Shapes of data for supervised fine-tuning, most particular first. */
export const DEMONSTRATION_FORMATS: readonly Format<Demonstration>[] = [
  {
    name: "messages",
    keys: ["messages"],
    looks: '{"messages": [turns]}, the last by the assistant',
    read: (row) => lastTurn(row, "messages"),
  },
  {
    name: "ShareGPT",
    keys: ["conversations"],
    looks:
      '{"conversations": [{"from": "human", "value": "..."}, {"from": "gpt", "value": "..."}]}',
    read: (row) => lastTurn(row, "conversations"),
  },
  {
    name: "prompt and completion",
    keys: ["prompt", "completion"],
    looks: '{"prompt": [turns] or "...", "completion": [turns] or "..."}',
    read: promptAndCompletion,
  },
  {
    name: "text",
    keys: ["text"],
    looks: '{"text": "..."}, learnt as a whole',
    read: (row) => ({
      prompt: "",
      completion: textAt(row.text, "text"),
    }),
  },
];

/**
 * The format of a row, by its keys.
 *
 * @throws {TypeError} naming the key that is missing from the nearest format, and the keys found
 */
export function detectFormat<T>(
  row: Row,
  formats: readonly Format<T>[],
): Format<T> {
  const missing = (format: Format<T>) =>
    format.keys.filter((key) => !(key in row));
  const fit = formats.find((format) => missing(format).length === 0);
  if (fit !== undefined) return fit;
  const found = keyList(Object.keys(row));
  const near = formats.filter((format) => format.keys.some((key) => key in row))
    .sort((a, b) => missing(a).length - missing(b).length)[0];
  if (near !== undefined) {
    throw new TypeError(
      `${keyList(missing(near))} is missing, found keys ${found}`,
    );
  }
  const wanted = formats.map((format) => format.keys.join(" + ")).join("; or ");
  throw new TypeError(
    `no known format, found keys ${found}, expected ${wanted}`,
  );
}

/**
 * A row with its columns renamed to the table's keys.
 *
 * @param columns the table's key -> the row's column, as in `{ "chosen": "answer_good" }`
 */
export function renameColumns(
  row: Row,
  columns: Readonly<Record<string, string>>,
): Row {
  const used = new Set(Object.values(columns));
  const rest = Object.entries(row).filter(([key]) => !used.has(key));
  const renamed = Object.entries(columns).filter(([, column]) => column in row)
    .map(([key, column]) => [key, row[column]] as const);
  return Object.fromEntries([...rest, ...renamed]);
}

/** JSON schemas of tools, as a list or as JSON text. */
function toolsOf(row: Row): Pick<Preference, "tools"> {
  const { tools } = row;
  if (tools === undefined || tools === null || tools === "") return {};
  return { tools: listAt(tools, "tools") };
}

/**
 * Reads a row by the first format that fits it.
 *
 * @throws {TypeError} naming the key that is missing or of a wrong type
 */
export function readRow<T extends Preference | Demonstration>(
  row: Row,
  line: number,
  formats: readonly Format<T>[],
): T {
  const draft = detectFormat(row, formats).read(row);
  return { ...draft, ...toolsOf(row), line } as T;
}
