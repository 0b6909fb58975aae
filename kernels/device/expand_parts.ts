/**
 * The marks within a line of a shader file: `#{value}` and `#[text for i in COUNT …]`; expand.ts
 * has the rules. Reads them and puts the values in. Knows no blocks of lines.
 */
import {
  type Expression,
  type NameScope,
  readExpression,
  whole,
} from "./expand_value.ts";

/** A piece of a line. */
export type Part =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "value"; readonly value: Expression }
  | {
    readonly kind: "repeat";
    readonly parts: readonly Part[];
    readonly range: Range;
    readonly how: "join" | "select";
    /** The text that stands between, or the name that selects at run time. */
    readonly by: string;
  };

/** `name in first..end` */
export interface Range {
  readonly name: string;
  readonly first: Expression;
  readonly end: Expression;
}

/** Reads `NAME in COUNT` or `NAME in FIRST..END`. */
export function parseRange(text: string): Range {
  const wanted = "NAME in COUNT or NAME in FIRST..END";
  const [, name, first, end] = matched(
    /^(\w+) in (?:(.+?)\.\.)?(.+)$/,
    text,
    wanted,
  );
  return {
    name: name!,
    first: readExpression(first ?? "0"),
    end: readExpression(end!),
  };
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

/**
 * The end of a repeated text: ` for i in COUNT]`, with `join "…"` or `select name` before the
 * bracket.
 */
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
    if (line[at] !== "#") {
      at++;
      continue;
    }
    const mark = line.slice(at, at + 2);
    if (mark === "#{") {
      const end = line.indexOf("}", at);
      if (end < 0) throw new SyntaxError(`"${line.slice(at)}" has no "}"`);
      const value = readExpression(line.slice(at + 2, end));
      take({ kind: "value", value }, end + 1);
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
export function fillParts(parts: readonly Part[], scope: NameScope): string {
  let line = "";
  for (const part of parts) {
    if (part.kind === "text") line += part.text;
    else if (part.kind === "value") line += part.value(scope);
    else line += fillRepeat(part, scope);
  }
  return line;
}

function fillRepeat(
  { parts, range, how, by }: Extract<Part, { kind: "repeat" }>,
  scope: NameScope,
): string {
  const texts: string[] = [];
  eachNumber(range, scope, () => texts.push(fillParts(parts, scope)));
  if (how === "join") return texts.join(by);
  return selected(texts, by, whole(range.first(scope)));
}

/** Calls `action` for each number of a range, which its name stands for meanwhile. */
export function eachNumber(
  { name, first, end }: Range,
  scope: NameScope,
  action: () => void,
): void {
  const before = scope.get(name);
  const last = whole(end(scope));
  for (let number = whole(first(scope)); number < last; number++) {
    scope.set(name, number);
    action();
  }
  if (before === undefined) scope.delete(name);
  else scope.set(name, before);
}

/**
 * WGSL for the text whose number the variable `name` holds; the first text has the number `first`.
 */
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
