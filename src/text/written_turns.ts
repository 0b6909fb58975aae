/**
 * Reads turns that a table holds as text: JSON, JSON inside a JSON string, or what Python prints of
 * a list, a dict or an array of numpy. Knows no columns.
 */
import { parseWithFloats } from "../base/json_float.ts";
import { parsePython } from "./python_literal.ts";

const SPEAKER_KEYS = ["role", "from"];
const TEXT_KEYS = ["content", "value", "tool_calls", "chosen_value"];
const SPEAKERS =
  "system|developer|user|human|assistant|gpt|chatgpt|bot|model|" +
  "tool|function|function_call|function_response|observation|ipython";

/** The names that a source uses inside its turns, beside the usual ones. */
export interface TurnNames {
  /** Key of the speaker. */
  readonly role?: string | undefined;
  /** Key of the text. */
  readonly content?: string | undefined;
  /** The source's names of speakers, as keys. */
  readonly roles?: Readonly<Record<string, string>> | undefined;
}

/** A text that is written like turns but cannot be read: cut off, or broken. */
export class BrokenTurns {}

/**
 * The value of a text in JSON or in Python's repr. @throws {SyntaxError} if it is neither
 */
export function parseWritten(text: string): unknown {
  let value: unknown;
  try {
    value = parseWithFloats(text);
  } catch {
    value = parsePython(text);
  }
  const isWrittenTwice = typeof value === "string" && /^\s*[[{]/.test(value);
  return isWrittenTwice ? parseWritten(value as string) : value;
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** Finds a key of the speaker that has a speaker as its value. */
function speakerMark({ role, roles = {} }: TurnNames): RegExp {
  const keys = [...SPEAKER_KEYS, ...role === undefined ? [] : [escaped(role)]];
  const names = [SPEAKERS, ...Object.keys(roles).map(escaped)];
  const quote = `\\\\?["']`;
  return new RegExp(
    `${quote}(${keys.join("|")})${quote}\\s*:\\s*(np\\.str_\\()?` +
      `${quote}(${names.join("|")})${quote}`,
    "i",
  );
}

const USUAL_MARK = speakerMark({});
/** A bracket, perhaps in a call or a string, and then a quoted key or another bracket. */
const START =
  /^\s*(?:["'(]|(?:np\.|numpy\.)?array\()*\s*[[{]\s*(?:\\?["']|[[{(a-z])/;

function looksLikeTurns(text: string, names: TurnNames): boolean {
  if (!START.test(text)) return false;
  const isUsual = names.role === undefined && names.roles === undefined;
  return (isUsual ? USUAL_MARK : speakerMark(names)).test(text);
}

function isTurn(value: unknown, { role, content }: TurnNames): boolean {
  if (typeof value !== "object" || value === null) return false;
  const has = (keys: readonly string[], own: string | undefined) =>
    [...keys, ...own === undefined ? [] : [own]].some((key) => key in value);
  return has(SPEAKER_KEYS, role) && has(TEXT_KEYS, content);
}

/** Whether a text that cannot be parsed was meant as turns: a list, or a turn by its first key. */
function isMeantAsTurns(text: string, { role, content }: TurnNames): boolean {
  const [, first] = /^[\s"'(]*\{\s*\\?["'](\w+)/.exec(text) ?? [];
  const keys = [...SPEAKER_KEYS, ...TEXT_KEYS, role, content];
  return first === undefined || keys.includes(first);
}

/** The turn or turns of a text, `BrokenTurns`, or the text itself if it holds other things. */
function readWritten(text: string, names: TurnNames): unknown {
  if (!looksLikeTurns(text, names)) return text;
  try {
    const value = parseWritten(text);
    const items = Array.isArray(value) ? value : [value];
    if (items.length > 0 && items.every((item) => isTurn(item, names))) {
      return value;
    }
    const isNested = items.some((item) =>
      typeof item === "string" && looksLikeTurns(item, names)
    );
    return isNested ? new BrokenTurns() : text;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return isMeantAsTurns(text, names) ? new BrokenTurns() : text;
  }
}

/** The row with the turns in its texts read, each a turn or a list of turns. */
export function withWrittenTurns(
  row: Readonly<Record<string, unknown>>,
  names: TurnNames = {},
): Readonly<Record<string, unknown>> {
  const read = Object.entries(row).map(([key, value]) =>
    [
      key,
      typeof value === "string" ? readWritten(value, names) : value,
    ] as const
  );
  return read.every(([key, value]) => value === row[key])
    ? row
    : Object.fromEntries(read);
}
