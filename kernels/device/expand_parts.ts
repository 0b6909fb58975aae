/**
 * The marks within a line of a shader file: `#{value}` and `#[text for i in COUNT …]`; expand.ts has the rules.
 * Reads them and puts the values in. Knows no blocks of lines.
 */
import { evaluate, type Value, type Values, whole } from "./expand_value.ts";

/** A piece of a line. */
export type Part =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "value"; readonly value: string }
  | {
    readonly kind: "repeat";
    readonly parts: readonly Part[];
    readonly range: Range;
    readonly how: "join" | "select";
    /** The text that stands between, or the name that selects at run time. */
    readonly by: string;
  };

/** `name in first..end`, both expressions. */
export interface Range {
  readonly name: string;
  readonly first: string;
  readonly end: string;
}

/** Reads `NAME in COUNT` or `NAME in FIRST..END`. */
export function parseRange(text: string): Range {
  const wanted = "NAME in COUNT or NAME in FIRST..END";
  const [, name, first, end] = matched(
    /^(\w+) in (?:(.+?)\.\.)?(.+)$/,
    text,
    wanted,
  );
  return { name: name!, first: first ?? "0", end: end! };
}

/**
 * What a pattern finds in a text.
 *
 * @throws {SyntaxError} if it finds nothing
 */
export function matched(
  pattern: RegExp,
  text: string,
  wanted: string,
): RegExpExecArray {
  const found = pattern.exec(text);
  if (found) return found;
  throw new SyntaxError(`found "${text}", expected ${wanted}`);
}

/** The end of a repeated text: ` for i in COUNT]`, with `join "…"` or `select name` before the bracket. */
const END_OF_REPEAT =
  / for (?<range>\w+ in [^\]]+?)(?: join "(?<between>[^"]*)"| select (?<name>\w+))?\]/y;

/**
 * Reads a line.
 *
 * @throws {SyntaxError} if a mark has no end
 */
export function parseParts(line: string): Part[] {
  return readParts(line, 0, false).parts;
}

interface Read {
  readonly parts: Part[];
  /** Where reading goes on. */
  readonly end: number;
}

/** Reads to the end of the line; within a repeated text, to the ` for` that ends it. */
function readParts(line: string, first: number, isRepeated: boolean): Read {
  const parts: Part[] = [];
  let at = first;
  let plain = first;
  const take = (part: Part, end: number) => {
    if (plain < at) parts.push({ kind: "text", text: line.slice(plain, at) });
    parts.push(part);
    at = plain = end;
  };
  while (at < line.length && !(isRepeated && endOfRepeat(line, at))) {
    const mark = line.slice(at, at + 2);
    if (mark === "#{") {
      const end = line.indexOf("}", at);
      if (end < 0) throw new SyntaxError(`"${line.slice(at)}" has no "}"`);
      take({ kind: "value", value: line.slice(at + 2, end) }, end + 1);
    } else if (mark === "#[") {
      const { part, end } = readRepeat(line, at);
      take(part, end);
    } else at++;
  }
  if (plain < at) parts.push({ kind: "text", text: line.slice(plain, at) });
  return { parts, end: at };
}

function readRepeat(line: string, first: number): { part: Part; end: number } {
  const { parts, end } = readParts(line, first + 2, true);
  const found = endOfRepeat(line, end);
  if (!found) {
    throw new SyntaxError(
      `found "${line.slice(first)}", expected "#[text for NAME in COUNT]"`,
    );
  }
  const { range, between = "", name } = found.groups!;
  const part: Part = {
    kind: "repeat",
    parts,
    range: parseRange(range!),
    how: name === undefined ? "join" : "select",
    by: name ?? between,
  };
  return { part, end: end + found[0].length };
}

function endOfRepeat(line: string, at: number): RegExpExecArray | null {
  END_OF_REPEAT.lastIndex = at;
  return END_OF_REPEAT.exec(line);
}

/** A line with its values put in. */
export function fillParts(parts: readonly Part[], values: Values): string {
  return parts.map((part) => {
    if (part.kind === "text") return part.text;
    if (part.kind === "value") return String(evaluate(part.value, values));
    const numbers = numbersOf(part.range, values);
    const texts = numbers.map((number) =>
      fillParts(part.parts, { ...values, [part.range.name]: number })
    );
    if (part.how === "join") return texts.join(part.by);
    return selected(texts, part.by, numbers[0] ?? 0);
  }).join("");
}

/** What an expression comes to whose words may have marks within, such as `"k#{i}"`. */
export function filledValue(text: string, values: Values): Value {
  return evaluate(fillParts(parseParts(text), values), values);
}

/** The numbers of a range. */
export function numbersOf({ first, end }: Range, values: Values): number[] {
  const from = whole(evaluate(first, values));
  const count = whole(evaluate(end, values)) - from;
  return Array.from({ length: Math.max(0, count) }, (_, i) => from + i);
}

/** WGSL for the text whose number the variable `name` holds; the first text has the number `first`. */
function selected(
  texts: readonly string[],
  name: string,
  first: number,
): string {
  const [only] = texts;
  if (only === undefined) {
    throw new RangeError("found nothing to select from, expected a text");
  }
  if (texts.length === 1) return only;
  const half = Math.ceil(texts.length / 2);
  const low = selected(texts.slice(0, half), name, first);
  const high = selected(texts.slice(half), name, first + half);
  return `select(${low}, ${high}, ${name} >= ${first + half}u)`;
}
