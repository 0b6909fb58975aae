/**
 * Methods of Python's `str` that chat templates call and the npm Jinja engine lacks, or has without their
 * arguments: `content.strip('\n')` must strip newlines only.
 */
import {
  listOf,
  numberOf,
  strText,
  textOf,
  typeName,
  type Value,
} from "./python_values.ts";

// Python's whitespace: unlike JavaScript's it has \x1c-\x1f and \x85, and not \ufeff.
const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a" +
  "\\u2028\\u2029\\u202f\\u205f\\u3000";
const LEADING = new RegExp(`^[${SPACE}]+`);
const TRAILING = new RegExp(`[${SPACE}]+$`);

function stripStart(text: string, chars?: string): string {
  if (chars === undefined) return text.replace(LEADING, "");
  const [drop, points] = [new Set(chars), [...text]];
  const from = points.findIndex((point) => !drop.has(point));
  return from < 0 ? "" : points.slice(from).join("");
}

function stripEnd(text: string, chars?: string): string {
  if (chars === undefined) return text.replace(TRAILING, "");
  const [drop, points] = [new Set(chars), [...text]];
  const last = points.findLastIndex((point) => !drop.has(point));
  return points.slice(0, last + 1).join("");
}

/** `text.strip(chars)`: whitespace as Python knows it, or any of `chars`, off both ends. */
export function strip(text: string, chars?: string): string {
  return stripEnd(stripStart(text, chars), chars);
}

/** `text.capitalize()`: the first letter up, all others down. */
export function capitalize(text: string): string {
  const [first = "", ...rest] = text;
  return first.toUpperCase() + rest.join("").toLowerCase();
}

/** `text.title()`: each word's first letter up, all others down. */
export function title(text: string): string {
  return text.replace(/\p{L}+/gu, capitalize);
}

function textArgument(args: readonly Value[], name: string): string {
  const text = args[0] && textOf(args[0]);
  if (text === undefined) {
    const found = args[0] ? typeName(args[0]) : "nothing";
    throw new TypeError(`Cannot call str.${name}: found ${found}, wanted str`);
  }
  return text;
}

function charsArgument(
  args: readonly Value[],
  name: string,
): string | undefined {
  return args.length === 0 || args[0]?.type === "NullValue"
    ? undefined
    : textArgument(args, name);
}

function points(text: string, units: number): number {
  return units < 0 ? -1 : [...text.slice(0, units)].length;
}

function join(glue: string, args: readonly Value[]): string {
  const items = args[0] && listOf(args[0]);
  const texts = items?.map(textOf);
  if (texts === undefined || texts.includes(undefined)) {
    throw new TypeError("Cannot call str.join: expected a list of str");
  }
  return texts.join(glue);
}

function rsplit(text: string, args: readonly Value[]): string[] {
  const separator = charsArgument(args, "rsplit");
  const most = args[1] === undefined ? -1 : numberOf(args[1]) ?? -1;
  const parts = separator === undefined
    ? strip(text).split(new RegExp(`[${SPACE}]+`)).filter((part) => part !== "")
    : text.split(separator);
  if (most < 0 || parts.length <= most + 1) return parts;
  if (separator === undefined) {
    throw new RangeError("Cannot call str.rsplit: maxsplit needs a separator");
  }
  const cut = parts.length - most;
  return [parts.slice(0, cut).join(separator), ...parts.slice(cut)];
}

function partition(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at < 0
    ? [text, "", ""]
    : [text.slice(0, at), separator, text.slice(at + separator.length)];
}

/** Methods by name: `(text, arguments) => plain result`. They take precedence over the engine's own. */
export const STR_METHODS: Readonly<
  Record<string, (text: string, args: readonly Value[]) => unknown>
> = {
  strip: (text, args) => strip(text, charsArgument(args, "strip")),
  lstrip: (text, args) => stripStart(text, charsArgument(args, "lstrip")),
  rstrip: (text, args) => stripEnd(text, charsArgument(args, "rstrip")),
  capitalize,
  title,
  removeprefix: (text, args) => {
    const prefix = textArgument(args, "removeprefix");
    return text.startsWith(prefix) ? text.slice(prefix.length) : text;
  },
  removesuffix: (text, args) => {
    const suffix = textArgument(args, "removesuffix");
    return suffix !== "" && text.endsWith(suffix)
      ? text.slice(0, -suffix.length)
      : text;
  },
  find: (text, args) => points(text, text.indexOf(textArgument(args, "find"))),
  rfind: (text, args) =>
    points(text, text.lastIndexOf(textArgument(args, "rfind"))),
  count: (text, args) => text.split(textArgument(args, "count")).length - 1,
  join,
  rsplit,
  partition: (text, args) => partition(text, textArgument(args, "partition")),
  splitlines: (text) =>
    text === ""
      ? []
      : text.replace(/\r\n?/g, "\n").replace(/\n$/, "").split("\n"),
  isdigit: (text) => /^\p{Nd}+$/u.test(text),
  isalpha: (text) => /^\p{L}+$/u.test(text),
  isspace: (text) => text !== "" && strip(text) === "",
};

/** `list | join(glue)`: unlike `str.join` it prints every item with `str()`. */
export function joinAll(items: readonly Value[], glue: string): string {
  return items.map(strText).join(glue);
}
