/**
 * The methods of Python's `str` that chat templates call and that the npm Jinja engine lacks or has
 * without their arguments: `content.strip('\n')` must strip newlines only.
 */
import { makeText } from "./budget.ts";
import { braceFormat } from "./format.ts";
import {
  listOf,
  numberOf,
  strText,
  textOf,
  typeName,
  type Value,
  wrap,
  wrapTuple,
} from "./values.ts";

// Python's whitespace: unlike JavaScript's it has \x1c-\x1f and \x85, and not \ufeff.
const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a" +
  "\\u2028\\u2029\\u202f\\u205f\\u3000";
const IS_SPACE = new RegExp(`^[${SPACE}]$`);
const SPACES: ReadonlySet<string> = new Set(
  Array.from({ length: 0x3001 }, (_, code) => String.fromCharCode(code))
    .filter((character) => IS_SPACE.test(character)),
);

/** The characters that `strip` drops. */
function dropped(chars: string | undefined): ReadonlySet<string> {
  return chars === undefined ? SPACES : new Set(chars);
}

// Both ends are found by a loop: an expression such as /\s+$/ takes the square of a run's length.
function stripStart(text: string, chars?: string): string {
  const drops = dropped(chars);
  let start = 0;
  for (const character of text) {
    if (!drops.has(character)) break;
    start += character.length;
  }
  return text.slice(start);
}

function stripEnd(text: string, chars?: string): string {
  const drops = dropped(chars);
  let end = text.length;
  while (end > 0) {
    const isPair = (text.codePointAt(end - 2) ?? 0) > 0xffff;
    const start = end - (isPair ? 2 : 1);
    if (!drops.has(text.slice(start, end))) break;
    end = start;
  }
  return text.slice(0, end);
}

/** `text.strip(chars)`: removes any of `chars`, by default Python's whitespace, from both ends. */
export function strip(text: string, chars?: string): string {
  return stripEnd(stripStart(text, chars), chars);
}

/** `text.capitalize()`: the first letter in upper case, all others in lower case. */
export function capitalize(text: string): string {
  const [first = "", ...rest] = text;
  const [upper = "", ...more] = first.toUpperCase(); // "ß" is "Ss"
  return upper + [...more, ...rest].join("").toLowerCase();
}

/** `text.title()`: each word's first letter in upper case, all others in lower case. */
export function title(text: string): string {
  return text.replace(/\p{L}+/gu, capitalize);
}

/**
 * Jinja's filter `title`, whose words begin after white space, a hyphen or an opening bracket
 * alone: "it's" is "It's" here and "It'S" with Python's method.
 */
export function titleWords(text: string): string {
  return text.replace(
    /[^-\s({[<]+/gu,
    ([first = "", ...rest]) =>
      first.toUpperCase() + rest.join("").toLowerCase(),
  );
}

function textArgument(args: readonly Value[], name: string): string {
  const text = args[0] && textOf(args[0]);
  if (text === undefined) {
    const found = args[0] ? typeName(args[0]) : "nothing";
    throw new TypeError(
      `Cannot call str.${name}: found ${found}, expected str`,
    );
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

function joinTexts(texts: readonly string[], glue: string): string {
  makeText(texts.reduce(
    (sum, { length }) => sum + length + glue.length,
    0,
  ));
  return texts.join(glue);
}

/**
 * `text.replace(old, new, count)`; a count that is absent or negative replaces all.
 *
 * @throws {TypeError} if one of both texts is missing
 */
export function replaced(
  text: string,
  [old, other]: readonly (string | undefined)[],
  count = -1,
): string {
  if (old === undefined || other === undefined) {
    throw new TypeError("Cannot call str.replace: expected two str");
  }
  // without a text to find, the other text is put before each character and behind the last
  const parts = old === "" ? ["", ...text, ""] : text.split(old);
  const times = Math.min(parts.length - 1, count < 0 ? Infinity : count);
  makeText(text.length + times * other.length);
  const rest = parts.slice(times).join(old);
  return [...parts.slice(0, times), rest].join(other);
}

function replace(
  text: string,
  args: readonly Value[],
  named: ReadonlyMap<string, Value>,
): string {
  const count = args[2] ?? named.get("count");
  const texts = [0, 1].map((i) => textArgument(args.slice(i), "replace"));
  return replaced(text, texts, count && numberOf(count));
}

function join(glue: string, args: readonly Value[]): string {
  const items = args[0] && listOf(args[0]);
  const texts = items?.map(textOf);
  if (texts === undefined || texts.includes(undefined)) {
    throw new TypeError("Cannot call str.join: expected a list of str");
  }
  return joinTexts(texts as string[], glue);
}

/**
 * Reads the arguments of `split`: the separator (without one, words are split) and the largest
 * number of splits.
 */
function splitting(
  text: string,
  args: readonly Value[],
  named: ReadonlyMap<string, Value>,
) {
  const given = args[0] ?? named.get("sep");
  const separator = charsArgument(given === undefined ? [] : [given], "split");
  const count = args[1] ?? named.get("maxsplit");
  const most = count === undefined ? -1 : numberOf(count) ?? -1;
  if (separator === "") throw new RangeError("empty separator");
  const parts = separator === undefined
    ? strip(text).split(new RegExp(`[${SPACE}]+`)).filter((part) => part !== "")
    : text.split(separator);
  if (most < 0 || parts.length <= most + 1) return { parts };
  if (separator === undefined) {
    throw new RangeError("Cannot split: maxsplit needs a separator");
  }
  return { parts, separator, most };
}

function split(
  text: string,
  args: readonly Value[],
  named: ReadonlyMap<string, Value>,
): string[] {
  const { parts, separator, most } = splitting(text, args, named);
  return separator === undefined
    ? parts
    : [...parts.slice(0, most), parts.slice(most).join(separator)];
}

function rsplit(
  text: string,
  args: readonly Value[],
  named: ReadonlyMap<string, Value>,
): string[] {
  const { parts, separator, most } = splitting(text, args, named);
  if (separator === undefined) return parts;
  const cut = parts.length - most;
  return [parts.slice(0, cut).join(separator), ...parts.slice(cut)];
}

function splitlines(text: string): string[] {
  return text === ""
    ? []
    : text.replace(/\r\n?/g, "\n").replace(/\n$/, "").split("\n");
}

/** The texts of an argument that is one text or a tuple of texts. */
function affixes(args: readonly Value[], name: string): string[] {
  const several = args[0]?.type === "TupleValue" ? listOf(args[0]) : undefined;
  if (args.length > 1) {
    throw new RangeError(
      `Cannot call str.${name}: found a start, expected none`,
    );
  }
  return several?.map((one) => textArgument([one], name)) ??
    [textArgument(args, name)];
}

function placed(
  text: string,
  args: readonly Value[],
  name: "index" | "rindex",
): number {
  const part = textArgument(args, name);
  const at = name === "index" ? text.indexOf(part) : text.lastIndexOf(part);
  if (at < 0) throw new RangeError("substring not found");
  return points(text, at);
}

function widthArgument(args: readonly Value[], name: string): number {
  const width = args[0] && numberOf(args[0]);
  if (width !== undefined) return width;
  throw new TypeError(`Cannot call str.${name}: expected a width`);
}

function fill(args: readonly Value[]): string {
  return args[1] === undefined ? " " : strText(args[1]);
}

function filling(text: string, times: number): string {
  makeText(text.length * Math.max(0, times));
  return text.repeat(Math.max(0, times));
}

function zfill(text: string, width: number): string {
  const sign = /^[+-]/.exec(text)?.[0] ?? "";
  const zeros = filling("0", width - [...text].length);
  return sign + zeros + text.slice(sign.length);
}

function hasCase(text: string): boolean {
  return text.toUpperCase() !== text.toLowerCase();
}

function partition(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at < 0
    ? [text, "", ""]
    : [text.slice(0, at), separator, text.slice(at + separator.length)];
}

function rpartition(text: string, separator: string): string[] {
  const at = text.lastIndexOf(separator);
  return at < 0
    ? ["", "", text]
    : [text.slice(0, at), separator, text.slice(at + separator.length)];
}

/**
 * Methods by name: `(text, arguments) => plain result`. They take precedence over the engine's own.
 */
export const STR_METHODS: Readonly<
  Record<
    string,
    (
      text: string,
      args: readonly Value[],
      named: ReadonlyMap<string, Value>,
    ) => unknown
  >
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
  replace,
  partition: (text, args) =>
    wrapTuple(partition(text, textArgument(args, "partition")).map(wrap)),
  rpartition: (text, args) =>
    wrapTuple(
      rpartition(text, textArgument(args, "rpartition")).map(wrap),
    ),
  split,
  splitlines,
  startswith: (text, args) =>
    affixes(args, "startswith").some((affix) => text.startsWith(affix)),
  endswith: (text, args) =>
    affixes(args, "endswith").some((affix) => text.endsWith(affix)),
  index: (text, args) => placed(text, args, "index"),
  rindex: (text, args) => placed(text, args, "rindex"),
  zfill: (text, args) => zfill(text, widthArgument(args, "zfill")),
  ljust: (text, args) => {
    const rest = widthArgument(args, "ljust") - [...text].length;
    return text + filling(fill(args), rest);
  },
  rjust: (text, args) => {
    const rest = widthArgument(args, "rjust") - [...text].length;
    return filling(fill(args), rest) + text;
  },
  format: (text, args, named) => braceFormat(text, args, named),
  isupper: (text) => hasCase(text) && text === text.toUpperCase(),
  islower: (text) => hasCase(text) && text === text.toLowerCase(),
  isalnum: (text) => /^[\p{L}\p{N}]+$/u.test(text),
  isnumeric: (text) => /^\p{N}+$/u.test(text),
  isdigit: (text) => /^\p{Nd}+$/u.test(text),
  isalpha: (text) => /^\p{L}+$/u.test(text),
  isspace: (text) => text !== "" && strip(text) === "",
};

/** `list | join(glue)`: unlike `str.join`, it converts every item by `str()`. */
export function joinAll(items: readonly Value[], glue: string): string {
  return joinTexts(items.map(strText), glue);
}

/**
 * `text | indent`: indents every line but the first and the empty ones; `first` includes the first
 * line, `blank` the empty lines.
 */
export function indented(
  text: string,
  by: string,
  { first, blank }: { readonly first: boolean; readonly blank: boolean },
): string {
  const lines = splitlines(text + "\n");
  makeText(text.length + by.length * lines.length);
  const whole = lines.map((line, i) =>
    i === 0 || (line === "" && !blank) ? line : by + line
  ).join("\n");
  return first ? by + whole : whole;
}
