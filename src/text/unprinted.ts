/**
 * Finds the parts of a conversation that its chat template does not print: tool calls, tools,
 * reasoning, names, the text of a role. It renders the conversation once more with marks in their
 * places and looks which of them come out. Knows no template by name.
 */
import type { ChatTemplate, RenderOptions } from "./chat_template.ts";
import type { Message } from "./message.ts";

/** A part that does not reach the text. */
export interface Unprinted {
  /** What it is, for a message: `"tool_calls" of an assistant's turn`. */
  readonly part: string;
  /**
   * `spoken`: a turn, or a call in place of its text, so that the conversation is another one.
   * `answer`: the same in an answer that has nothing else. `beside`: what stands beside the turns
   * or their texts and may change their meaning. `other`: any other key of a turn.
   */
  readonly weight: "answer" | "spoken" | "beside" | "other";
}

/** Keys of turns that say something about the data or a place in it, and are never printed. */
const ABOUT =
  /^(id|index|uuid|parent.*|time(stamp)?|created.*|(loss_)?weight|loss|train|(chosen|rejected)_score|score|rating|tool_call_id|channel|language|tokens?|num_.*)$/i;
const CALLS = ["tool_calls", "function_call"];
/** Keys that hold a part of what is said, or steer what is printed. */
const BESIDE =
  /reason|think|thought|tool|function|document|citation|context|plan|refusal|^prefix$|^name$/i;

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const mark = (number: number) => `Qzm${number}x`;

/** The value with a mark in each of its texts, or only in those under some keys. */
function marked(value: unknown, text: string, keys?: RegExp): unknown {
  if (typeof value === "string") return text;
  if (Array.isArray(value)) return value.map((one) => marked(one, text, keys));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => {
      const isKept = typeof part === "string" && keys && !keys.test(key);
      return [key, isKept ? part : marked(part, text, keys)];
    }),
  );
}

/** The texts of tools and of calls that templates print; ids and types steer them instead. */
const NAMED = /^(name|description)$/;

function hasContent(value: unknown): boolean {
  if (value === null || value === undefined || value === "") return false;
  return typeof value !== "object" || Object.keys(value).length > 0;
}

/** The marks that were set, and what each of them stands for. */
class Marks {
  readonly #parts: Unprinted[] = [];

  set(part: Unprinted, value: unknown, keys?: RegExp): unknown {
    const text = mark(this.#parts.length);
    const changed = marked(value, text, keys);
    const isSet = JSON.stringify(changed)?.includes(text) ?? false;
    if (!isSet) return value;
    this.#parts.push(part);
    return changed;
  }

  get isEmpty(): boolean {
    return this.#parts.length === 0;
  }

  missing(text: string): Unprinted[] {
    const parts = this.#parts.filter((_, i) => !text.includes(mark(i)));
    const byName = new Map(parts.toReversed().map((one) => [one.part, one]));
    return [...byName.values()].reverse();
  }
}

function ofTurn({ role }: Message, isEarlier: boolean): string {
  const speaker = role === "assistant"
    ? "an answer"
    : `a turn of the role "${role}"`;
  return role === "assistant" && isEarlier ? "an earlier answer" : speaker;
}

/** A turn with marks in what is beside its text, and in the text itself if it was not found. */
function markTurn(
  turn: Message,
  marks: Marks,
  { text, isEarlier }: { text: string; isEarlier: boolean },
): Message {
  const { role, content, ...others } = turn;
  const where = ofTurn(turn, isEarlier);
  const isBlank = content.trim() === "";
  const rest = Object.entries(others).map(([key, value]) => {
    if (ABOUT.test(key) || !hasContent(value)) return [key, value];
    const isCall = CALLS.includes(key);
    const weight = isCall
      ? isBlank && !isEarlier ? "answer" : "spoken"
      : BESIDE.test(key)
      ? "beside"
      : "other";
    const part = weight === "other"
      ? `${key} of turns`
      : `"${key}" of ${where}`;
    const keys = isCall ? NAMED : undefined;
    return [key, marks.set({ part, weight }, value, keys)];
  });
  const isFound = isBlank || text.includes(content.trim());
  const part = { part: `the text of ${where}`, weight: "spoken" } as const;
  return {
    ...Object.fromEntries(rest),
    role,
    content: isFound ? content : String(marks.set(part, content)),
  };
}

/** Thoughts that stand in the text of answers and that the template leaves out. */
function lostThoughts(turns: readonly Message[], text: string): Unprinted[] {
  const isLost = turns.some(({ role, content }) => {
    const [thought = "", rest] = content.split("</think>");
    const inner = thought.split("<think>").at(-1)!.trim();
    return role === "assistant" && rest !== undefined && inner !== "" &&
      !text.includes(inner);
  });
  return isLost
    ? [{ part: "the thought of an earlier answer", weight: "beside" }]
    : [];
}

/** The variables that no word of the template names. */
function unknownVariables(
  { source, toolSource = "" }: ChatTemplate,
  variables: Json,
): Unprinted[] {
  const words = new Set(`${source} ${toolSource}`.match(/\w+/g));
  return Object.keys(variables).filter((name) => !words.has(name))
    .map((name) => ({
      part: `"${name}" of chat_template_kwargs`,
      weight: "beside",
    }));
}

/**
 * The parts of a conversation that do not reach its text, each once.
 *
 * @param turns the conversation
 * @param options how it was rendered; `text`: what came out; `answerFrom`: the first turn of the
 *   answer
 */
export function unprintedParts(
  template: ChatTemplate,
  turns: readonly Message[],
  { text, answerFrom, ...row }:
    & Pick<RenderOptions, "tools" | "variables">
    & { readonly text: string; readonly answerFrom: number },
): Unprinted[] {
  const marks = new Marks();
  const probe = turns.map((turn, i) =>
    markTurn(turn, marks, { text, isEarlier: i < answerFrom })
  );
  const tools = hasContent(row.tools)
    ? marks.set({ part: '"tools"', weight: "beside" }, row.tools, NAMED)
    : row.tools;
  const beside = [
    ...lostThoughts(turns, text),
    ...unknownVariables(template, row.variables ?? {}),
  ];
  if (marks.isEmpty) return beside;
  let probed: string;
  try {
    const options = { ...row, tools: tools as RenderOptions["tools"] };
    probed = template.render(probe, options);
  } catch {
    return beside; // the template looks into the parts, so it knows them
  }
  return [...marks.missing(probed), ...beside];
}

/**
 * Why a conversation cannot be used as its template prints it; undefined if it can.
 *
 * @param ignore whether turns and calls that are not printed are passed over
 */
export function unprintedFault(
  parts: readonly Unprinted[],
  ignore = false,
): string | undefined {
  const found = parts.find(({ weight }) =>
    weight === "answer" || weight === "spoken" && !ignore
  );
  if (found === undefined) return undefined;
  const [reason, rest] = found.weight === "answer"
    ? [", which has nothing else", ""]
    : ["", ", or --ignore_unserved reads the row without it"];
  return `the chat template does not print ${found.part}${reason}; name a template that does by --chat_template${rest}`;
}
