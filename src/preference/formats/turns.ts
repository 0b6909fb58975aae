/**
 * Reads turns of a conversation in the forms that datasets use: objects with `role`/`content`,
 * `from`/`value` or `role`/`value`, and whole dialogues in one text as in HH-RLHF:
 * `"\n\nHuman: ...\n\nAssistant: ..."`. Knows no columns of rows.
 */
import { own } from "../../base/own.ts";
import { parseWithFloats } from "../../base/json_float.ts";
import type { Message } from "../../text/message.ts";
import { type Parts, partsOf } from "./content_parts.ts";
import { BrokenTurns, parseWritten } from "../../text/written_turns.ts";

/** A row of a dataset, or an object inside one. */
export type Row = Readonly<Record<string, unknown>>;

/** Other names of the roles in ShareGPT data. */
const ROLES: Readonly<Record<string, string>> = {
  human: "user",
  gpt: "assistant",
  chatgpt: "assistant",
  bot: "assistant",
  model: "assistant",
  function_call: "assistant",
  observation: "tool",
  function_response: "tool",
  tool_call: "assistant",
  tool_response: "tool",
};
/** Speakers whose text is a function call in JSON. */
const CALLERS = ["function_call", "tool_call"];
const STANDARD = ["system", "user", "assistant", "tool"];

/** The kind of a value in words, for error messages. */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** Whether a value is an object with keys. */
export function isRow(value: unknown): value is Row {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A text such as `"a", "b"`. */
export function keyList(keys: readonly string[]): string {
  return keys.map((key) => `"${key}"`).join(", ");
}

function refuseBroken(value: unknown, name: string): void {
  if (!(value instanceof BrokenTurns)) return;
  throw new TypeError(
    `"${name}" is a list of turns as text that is neither JSON nor Python's repr, or is cut off`,
  );
}

/** The value, which must be a text. @throws {TypeError} naming the column `name` if it is not */
export function textAt(value: unknown, name: string): string {
  refuseBroken(value, name);
  if (typeof value === "string") return value;
  throw new TypeError(`"${name}" is ${kindOf(value)}, expected a string`);
}

function contentAt(value: unknown, turn: Row, name: string): Parts {
  if (Array.isArray(value)) return partsOf(value, name);
  const isSilent = (value === null || value === undefined) &&
    turn.tool_calls != null;
  return { text: isSilent ? "" : textAt(value, name), beside: {} };
}

/** Makes the message that templates expect from a tool call that is JSON text. */
function calls(value: string, name: string): Message {
  try {
    const call = parseWithFloats(value);
    const list = Array.isArray(call) ? call : [call];
    if (!list.every((one) => isRow(one) && typeof one.name === "string")) {
      throw new TypeError();
    }
    const tool_calls = list.map((one) => ({ type: "function", function: one }));
    return { role: "assistant", content: "", tool_calls };
  } catch {
    throw new TypeError(
      `"${name}" is no function call: expected JSON with "name" and "arguments"`,
    );
  }
}

/** The turn with its call of OpenAI's older form, `function_call`, in the form of today. */
function withCalls(turn: Row): Row {
  const { function_call: call, ...rest } = turn;
  return isRow(call) && rest.tool_calls == null
    ? { ...rest, tool_calls: [{ type: "function", function: call }] }
    : turn;
}

/**
 * Reads one turn.
 *
 * @param name the place of the turn in the row, for error messages
 * @param allowed key of the text; default: `content`, then `value`
 * @throws {TypeError} naming the key that is missing or of a wrong type
 */
export function turnAt(
  value: unknown,
  name: string,
  textKey?: string,
): Message {
  refuseBroken(value, name);
  if (!isRow(value)) {
    throw new TypeError(
      `"${name}" is ${
        kindOf(value)
      }, expected a turn with "role" and "content"`,
    );
  }
  const { role, from, content: own, parts, value: shareGptText, ...others } =
    withCalls(value);
  const content = own ?? parts; // Vertex's name of the content
  const rest = Object.fromEntries(
    // tables give every turn every key, with null where it is absent
    Object.entries(others).filter(([, part]) =>
      part !== null && part !== undefined
    ),
  );
  const speaker = role ?? from;
  if (typeof speaker !== "string") {
    throw new TypeError(
      `"${name}" has no "role" or "from", found keys ${
        keyList(Object.keys(value))
      }`,
    );
  }
  if (
    from !== undefined && role === undefined &&
    !STANDARD.includes(standardRole(speaker))
  ) {
    throw new TypeError(
      `"${name}.from" is "${speaker}", expected one of ${
        keyList([...STANDARD, ...Object.keys(ROLES)])
      }`,
    );
  }
  const key = textKey ??
    (content === undefined && shareGptText !== undefined ? "value" : "content");
  const raw = textKey !== undefined
    ? value[textKey]
    : content ?? shareGptText ?? own;
  if (raw === undefined && rest.tool_calls === undefined) {
    const wanted = textKey ?? 'content" or "value';
    throw new TypeError(
      `"${name}" has no "${wanted}", found keys ${keyList(Object.keys(value))}`,
    );
  }
  const { text, beside } = contentAt(raw, rest, `${name}.${key}`);
  if (CALLERS.includes(speaker)) return calls(text, `${name}.${key}`);
  const speaking = standardRole(speaker);
  return { ...rest, ...beside, role: speaking, content: text };
}

/** The standard name of a speaker, or the name as it is. */
function standardRole(speaker: string): string {
  return own(ROLES, speaker) ?? speaker;
}

/** Whether a value is a list of texts, and not of turns. */
export function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 &&
    value.every((one) => typeof one === "string");
}

/**
 * The text of a turn's content, which is a text, parts, or an object with either.
 *
 * @throws {TypeError} naming the part that is no text
 */
export function contentText(value: unknown, name: string): string {
  const content = isRow(value) ? value.parts ?? value.content : value;
  return contentAt(content, {}, name).text;
}

/** Whether a value is an object around turns and nothing else: `{"messages": [...]}`. */
function holdsTurns(value: unknown): value is Row {
  if (!isRow(value) || !Array.isArray(value.messages)) return false;
  return Object.entries(value).every(([key, part]) =>
    key === "messages" || part === null || part === undefined
  );
}

/**
 * Reads a list of turns; the list may be written as JSON text, or be a single turn.
 *
 * @throws {TypeError} naming the turn and key that is missing or of a wrong type
 */
export function turnsAt(value: unknown, name: string): Message[] {
  if (holdsTurns(value)) return turnsAt(value.messages, `${name}.messages`);
  if (isRow(value) && ("role" in value || "from" in value)) {
    return [turnAt(value, name)];
  }
  return listAt(value, name).flatMap((turn, i) =>
    isEmptySystem(turn) ? [] : [turnAt(turn, `${name}[${i}]`)]
  );
}

/** Whether a turn is a system's without a text: tables write null where a row has none. */
export function isEmptySystem(turn: unknown): boolean {
  return isRow(turn) && (turn.role ?? turn.from) === "system" &&
    (turn.content ?? turn.value ?? null) === null;
}

/**
 * The list of a value that is a list, or a text of one as JSON or Python writes it. @throws
 * {TypeError} for other values
 */
export function listAt(value: unknown, name: string): readonly unknown[] {
  refuseBroken(value, name);
  if (Array.isArray(value)) return value;
  if (typeof value === "string" && /^\s*(\[|array\()/.test(value)) {
    try {
      const list = parseWritten(value);
      if (Array.isArray(list)) return list;
    } catch {
      throw new TypeError(
        `"${name}" is text that begins like a list but is neither JSON nor Python's repr of one`,
      );
    }
  }
  throw new TypeError(
    `"${name}" is ${kindOf(value)}, expected a list of turns`,
  );
}

/**
 * Reads an answer that is a list of turns, one turn, or a text. @throws {TypeError} for other
 * values
 */
export function answerAt(value: unknown, name: string): Message[] {
  if (Array.isArray(value) || holdsTurns(value)) return turnsAt(value, name);
  if (isRow(value)) return [turnAt(value, name)];
  return [{ role: "assistant", content: textAt(value, name) }];
}

/** The mark before each turn of a dialogue that is one text. */
const SPEAKER_MARK = /(?:^|\n\n)(Human|Assistant):/g;

/** Whether a value is the text of a dialogue. */
export function isDialogue(value: unknown): value is string {
  return typeof value === "string" && /^\s*Human:/.test(value);
}

/** The turns of a dialogue, each without the white space around it. */
export function dialogueTurns(text: string): Message[] {
  const starts = [...text.trimStart().matchAll(SPEAKER_MARK)];
  return starts.map((match, i) => {
    const end = starts[i + 1]?.index;
    const content = text.trimStart().slice(match.index + match[0].length, end);
    const role = match[1] === "Human" ? "user" : "assistant";
    return { role, content: content.trim() };
  });
}

/**
 * The turns of a prompt, without the empty assistant's turn at its end; undefined if the value is
 * not a dialogue.
 */
export function promptTurns(value: unknown): Message[] | undefined {
  if (!isDialogue(value)) return undefined;
  const turns = dialogueTurns(value);
  const last = turns.at(-1);
  return last?.role === "assistant" && last.content === ""
    ? turns.slice(0, -1)
    : turns;
}
