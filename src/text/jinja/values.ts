/**
 * Wraps, prints, compares and names the values of a Jinja template as Python does. The npm engine
 * follows JavaScript (`true`, `null`, `1e-7`, loose equality), but chat templates are written for
 * Python.
 */
import { Environment, Interpreter } from "@huggingface/jinja";
import { enter, leave, makeText, spend } from "./budget.ts";
import { JsonFloat } from "../../base/json_float.ts";

/** A value in a running template: the engine's wrapper around a string, number, list, dict, ... */
export type Value = ReturnType<Interpreter["evaluate"]>;

type Maker<T> = new (inner: T) => Value;

/** Wraps plain data (JSON values, `undefined`, functions) as a value of the engine. */
export function wrap(data: unknown): Value {
  return new Environment().set("value", data);
}

// The engine exports no value classes, so they are taken from values that it made itself.
const ListValue = wrap([]).constructor as Maker<readonly Value[]>;
const DictValue = wrap({}).constructor as Maker<Map<string, Value>>;
const FunctionValue = wrap(() => null).constructor as Maker<
  (args: Value[], scope?: Environment) => Value
>;

/** Makes a list of values that are already wrapped. */
export function wrapList(items: readonly Value[]): Value {
  return new ListValue(items);
}

/** Makes a dict of values that are already wrapped. */
export function wrapDict(entries: Iterable<readonly [string, Value]>): Value {
  return new DictValue(new Map(entries));
}

/** Makes a number that prints as Python's float, with a point even where it is whole. */
export function wrapFloat(x: number): Value {
  return literal({ type: "FloatLiteral", value: x });
}

/** Makes a tuple of values that are already wrapped. */
export function wrapTuple(items: readonly Value[]): Value {
  return literal({
    type: "TupleLiteral",
    value: items.map((value) => ({ type: "Held", value })),
  });
}

/** Makes a value from a literal's node, since the engine exports no value classes. */
function literal(node: unknown): Value {
  return LITERALS.evaluate(node as Node, NOWHERE);
}

type Node = Parameters<Interpreter["evaluate"]>[0];
const NOWHERE = new Environment();
const LITERALS = new (class extends Interpreter {
  override evaluate(node: Node, scope: Environment): Value {
    const { type, value } = node as unknown as { type: string; value: Value };
    return type === "Held" ? value : super.evaluate(node, scope);
  }
})(NOWHERE);

/** The value with further attributes, as named tuples have them. */
export function withAttributes(
  value: Value,
  attributes: Readonly<Record<string, Value>>,
): Value {
  const all = new Map([...value.builtins, ...Object.entries(attributes)]);
  return Object.defineProperty(value, "builtins", { value: all });
}

/** Wraps JSON data; a float stays a float even where it is whole. */
export function wrapData(data: unknown): Value {
  if (data instanceof JsonFloat) return wrapFloat(Number(data));
  if (Array.isArray(data)) return wrapList(data.map(wrapData));
  if (typeof data !== "object" || data === null) return wrap(data);
  return wrapDict(
    Object.entries(data).map(([key, part]) => [key, wrapData(part)] as const),
  );
}

/** Makes a function that takes wrapped arguments. */
export function wrapFunction(
  call: (args: Value[], scope?: Environment) => Value,
): Value {
  return new FunctionValue(call);
}

/** The text inside a str, undefined for anything else. */
export function textOf(value: Value): string | undefined {
  return value.type === "StringValue" ? String(value.value) : undefined;
}

/**
 * The number inside an int, float or bool (Python counts True as 1), undefined for anything else.
 */
export function numberOf(value: Value): number | undefined {
  return /^(Integer|Float|Boolean)Value$/.test(value.type)
    ? Number(value.value)
    : undefined;
}

/** The items inside a list or tuple, undefined for anything else. */
export function listOf(value: Value): readonly Value[] | undefined {
  return Array.isArray(value.value)
    ? value.value as readonly Value[]
    : undefined;
}

/** The entries inside a dict or namespace, undefined for anything else. */
export function dictOf(value: Value): ReadonlyMap<string, Value> | undefined {
  return value.value instanceof Map
    ? value.value as Map<string, Value>
    : undefined;
}

/** How many characters, items or entries a value has; 1 for a number or a function. */
export function sizeOf(value: Value): number {
  return textOf(value)?.length ?? listOf(value)?.length ??
    dictOf(value)?.size ?? 1;
}

/** Whether a name or attribute was not found. */
export function isUndefined(value: Value): boolean {
  return value.type === "UndefinedValue";
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  StringValue: "str",
  IntegerValue: "int",
  FloatValue: "float",
  BooleanValue: "bool",
  ArrayValue: "list",
  TupleValue: "tuple",
  ObjectValue: "dict",
  NullValue: "NoneType",
  UndefinedValue: "Undefined",
  FunctionValue: "function",
};

/** Python's name for a value's type, as its error messages give it. */
export function typeName(value: Value): string {
  return TYPE_NAMES[value.type] ?? value.type;
}

/** Python's shortest text for a float: `1.0`, `1e-07`, `1e+16`, `inf`. */
export function floatText(x: number): string {
  if (Number.isNaN(x)) return "nan";
  if (!Number.isFinite(x)) return x > 0 ? "inf" : "-inf";
  if (x === 0) return Object.is(x, -0) ? "-0.0" : "0.0";
  const [mantissa = "", exponentText = "0"] = x.toExponential().split("e");
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= 16) {
    const digits = String(Math.abs(exponent)).padStart(2, "0");
    return `${mantissa}e${exponent < 0 ? "-" : "+"}${digits}`;
  }
  return Number.isInteger(x) ? x.toFixed(1) : String(x);
}

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const short: Record<string, string> = { "\n": "n", "\r": "r", "\t": "t" };
  // Python calls these unprintable: controls, formats, unassigned, and all spaces but " "
  const body = text.replace(/[\\'"]|(?! )[\p{C}\p{Z}]/gu, (c) => {
    if (c === "\\" || c === quote) return `\\${c}`;
    if (c === "'" || c === '"') return c;
    if (short[c] !== undefined) return `\\${short[c]}`;
    const code = c.codePointAt(0) ?? 0;
    const [letter, digits] = code < 0x100
      ? ["x", 2]
      : code < 0x10000
      ? ["u", 4]
      : ["U", 8];
    return `\\${letter}${code.toString(16).padStart(digits, "0")}`;
  });
  return quote + body + quote;
}

/** `repr(value)`: strings in quotes, lists and dicts as Python writes them. */
export function reprText(value: Value): string {
  spend(1);
  enter();
  const written = reprOf(value);
  leave();
  makeText(written.length);
  return written;
}

function reprOf(value: Value): string {
  const text = textOf(value);
  if (text !== undefined) return quoted(text);
  const items = listOf(value)?.map(reprText);
  if (items !== undefined) {
    if (value.type !== "TupleValue") return `[${items.join(", ")}]`;
    return items.length === 1 ? `(${items[0]},)` : `(${items.join(", ")})`;
  }
  const entries = dictOf(value);
  if (entries !== undefined) {
    const pairs = [...entries].map(([k, v]) => `${quoted(k)}: ${reprText(v)}`);
    return `{${pairs.join(", ")}}`;
  }
  if (value.type === "NullValue") return "None";
  if (isUndefined(value)) return "Undefined";
  if (value.type === "BooleanValue") return value.value ? "True" : "False";
  if (value.type === "FloatValue") return floatText(Number(value.value));
  if (value.type === "IntegerValue") return String(value.value);
  throw new TypeError(
    `Cannot print a ${typeName(value)}: expected text, numbers, lists or dicts`,
  );
}

/** `str(value)`: what `{{ value }}` prints. An undefined value prints nothing. */
export function strText(value: Value): string {
  return textOf(value) ?? (isUndefined(value) ? "" : reprText(value));
}

/** `a == b` as Python compares: by content, and never text with number. */
export function equal(a: Value, b: Value): boolean {
  spend(1);
  enter();
  const answer = equals(a, b);
  leave();
  return answer;
}

function equals(a: Value, b: Value): boolean {
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x !== undefined || y !== undefined) return x === y;
  const [left, right] = [listOf(a), listOf(b)];
  if (left !== undefined && right !== undefined) {
    return a.type === b.type && left.length === right.length &&
      left.every((item, i) => equal(item, right[i] as Value));
  }
  const [entries, others] = [dictOf(a), dictOf(b)];
  if (entries !== undefined && others !== undefined) {
    return entries.size === others.size && [...entries].every(([key, item]) => {
      const other = others.get(key);
      return other !== undefined && equal(item, other);
    });
  }
  return a.type === b.type && a.value === b.value;
}
