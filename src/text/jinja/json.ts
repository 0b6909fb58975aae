/**
 * Writes JSON as Python's `json.dumps` does, for the `tojson` filter of transformers: with spaces
 * after separators, a point in every float, and letters of all scripts unescaped.
 */
import { enter, leave, makeText, spend } from "./budget.ts";
import {
  dictOf,
  floatText,
  isUndefined,
  listOf,
  textOf,
  typeName,
  type Value,
} from "./values.ts";

/** The arguments of `tojson`. */
export interface JsonStyle {
  /** The indent of one level; each item then has its own line. Without it the text is one line. */
  readonly indent?: string | undefined;
  /**
   * The texts between items and between key and value. Default `", "` (`","` with an indent) and
   * `": "`.
   */
  readonly separators?: readonly [item: string, key: string] | undefined;
  /** Default false: dicts keep their order. */
  readonly sortKeys?: boolean;
  /** Default false: only control characters, quotes and backslashes are escaped. */
  readonly ensureAscii?: boolean;
}

function quoted(text: string, ensureAscii: boolean): string {
  const json = JSON.stringify(text);
  return ensureAscii
    ? json.replace(
      /[\x7f-\uffff]/g,
      (unit) =>
        unit === "\x7f"
          ? unit
          : `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
    )
    : json;
}

function scalar(value: Value, ensureAscii: boolean): string {
  const text = textOf(value);
  if (text !== undefined) return quoted(text, ensureAscii);
  if (value.type === "NullValue") return "null";
  if (value.type === "BooleanValue") return value.value ? "true" : "false";
  if (value.type === "IntegerValue") return String(value.value);
  if (value.type === "FloatValue") {
    const number = Number(value.value);
    if (Number.isNaN(number)) return "NaN";
    return Number.isFinite(number)
      ? floatText(number)
      : number > 0
      ? "Infinity"
      : "-Infinity";
  }
  const name = isUndefined(value) ? "Undefined" : typeName(value);
  throw new TypeError(`Object of type ${name} is not JSON serializable`);
}

/**
 * `json.dumps(value, ensure_ascii=False)`.
 *
 * @throws {TypeError} for a value that JSON cannot hold, such as an undefined one
 */
export function jsonText(value: Value, style: JsonStyle = {}): string {
  const { indent, sortKeys = false, ensureAscii = false } = style;
  const [comma, colon] = style.separators ??
    [indent === undefined ? ", " : ",", ": "];
  const write = (one: Value, line: string): string => {
    spend(1);
    const list = listOf(one);
    const dict = dictOf(one);
    if (list === undefined && dict === undefined) {
      const written = scalar(one, ensureAscii);
      makeText(written.length); // each quote of a text takes two characters more
      return written;
    }
    enter();
    const inner = line + (indent ?? "");
    const entries = dict && [...dict];
    if (sortKeys) entries?.sort(([a], [b]) => a < b ? -1 : 1);
    const parts = list?.map((item) => write(item, inner)) ??
      (entries ?? []).map(([key, item]) =>
        quoted(key, ensureAscii) + colon + write(item, inner)
      );
    leave();
    const gap = indent === undefined ? 0 : inner.length + 1;
    makeText(parts.reduce(
      (sum, { length }) => sum + length + comma.length + gap,
      2 + gap,
    ));
    const [open, close] = list === undefined ? "{}" : "[]";
    if (parts.length === 0 || indent === undefined) {
      return open + parts.join(comma) + close;
    }
    return `${open}\n${inner}${
      parts.join(`${comma}\n${inner}`)
    }\n${line}${close}`;
  };
  return write(value, "");
}
