/**
 * Reads the content of a turn that is a list of parts: texts, reasoning and tool calls, as
 * LLaMA-Factory v1 and the APIs of OpenAI, Anthropic and Google write them. Knows no roles.
 */
import { worded } from "../../base/shown.ts";
import { parseWithFloats } from "../../base/json_float.ts";

type Json = Readonly<Record<string, unknown>>;

/** What the parts of a content hold. */
export interface Parts {
  /** The texts, joined. */
  readonly text: string;
  /** Keys of the turn that the other parts give. */
  readonly beside: {
    readonly reasoning_content?: string;
    readonly tool_calls?: readonly unknown[];
  };
}

const isJson = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The types of parts that hold a text, reasoning or a call, and their keys. */
const TEXT = { types: ["text", "output_text"], keys: ["text", "value"] };
const THOUGHT = {
  types: ["reasoning", "thinking"],
  keys: ["value", "thinking", "reasoning", "text"],
};
const CALL = ["tool_call", "tool_use", "function_call"];

/** The text of a part; undefined if it has none of that kind. */
function textOf(part: Json, { types, keys }: typeof TEXT): string | undefined {
  const type = part.type ?? "text"; // Vertex and Bedrock give a part no type
  if (typeof type !== "string" || !types.includes(type)) return undefined;
  const key = keys.find((one) => typeof part[one] === "string");
  return key && part[key] as string;
}

/** The call of a part, as templates expect it; undefined if it is none. */
function callOf(part: Json): unknown {
  if (!CALL.includes(worded(part.type))) return undefined;
  const { value, name } = part;
  let call: unknown = { name, arguments: part.arguments ?? part.input };
  try {
    if (value !== undefined) {
      call = typeof value === "string" ? parseWithFloats(value) : value;
    }
  } catch {
    return undefined;
  }
  return isJson(call) && typeof call.name === "string"
    ? { type: "function", function: call }
    : undefined;
}

/**
 * Reads a list of parts.
 *
 * @param name the place of the content, for error messages
 * @throws {TypeError} naming the part that is neither a text nor reasoning nor a call
 */
export function partsOf(content: readonly unknown[], name: string): Parts {
  const texts: string[] = [];
  const thoughts: string[] = [];
  const tool_calls: unknown[] = [];
  content.forEach((part, i) => {
    const json = isJson(part) ? part : { type: typeof part };
    const text = typeof part === "string" ? part : textOf(json, TEXT);
    const thought = textOf(json, THOUGHT);
    const call = callOf(json);
    if (text !== undefined) texts.push(text);
    else if (thought !== undefined) thoughts.push(thought);
    else if (call !== undefined) tool_calls.push(call);
    else {
      throw new TypeError(
        `"${name}[${i}]" is no text: it has the type "${
          worded(json.type ?? "text")
        }", and only texts, reasoning and tool calls are served`,
      );
    }
  });
  return {
    text: texts.join(""),
    beside: {
      ...thoughts.length > 0 ? { reasoning_content: thoughts.join("") } : {},
      ...tool_calls.length > 0 ? { tool_calls } : {},
    },
  };
}
