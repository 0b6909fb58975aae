/**
 * Reads a shader file into blocks: plain lines, and what its lines with `//#` begin; expand.ts has
 * the rules. A block without an end is an error, whatever the values. Knows no values.
 */
import { type Expression, readExpression } from "./expand_value.ts";
import {
  fillParts,
  matched,
  parseParts,
  parseRange,
  type Part,
  type Range,
} from "./expand_parts.ts";

/** A line of a file, for errors. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

/** A name and what it is to stand for. */
export type GivenValue = readonly [name: string, value: Expression];

/** One way of a choice. */
export interface Branch {
  readonly place: Place;
  /** Undefined for `//#else`. */
  readonly condition: Expression | undefined;
  readonly body: readonly TextBlock[];
}

/** A line, or what stands between two lines with `//#`. */
export type TextBlock =
  & { readonly place: Place }
  & (
    | { readonly kind: "line"; readonly parts: readonly Part[] }
    | {
      readonly kind: "values";
      readonly names: readonly string[];
      readonly values: readonly Expression[];
    }
    | { readonly kind: "let"; readonly given: GivenValue }
    | {
      readonly kind: "use";
      /** White space before the line, and so before all lines of the file. */
      readonly indent: string;
      readonly file: string;
      readonly given: readonly GivenValue[];
    }
    | {
      readonly kind: "for";
      readonly ranges: readonly Range[];
      readonly body: readonly TextBlock[];
    }
    | { readonly kind: "if"; readonly branches: readonly Branch[] }
  );

/** Calls `action`; what it throws is told with its place. */
export function told<T>(place: Place, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw withPlace(error, place);
  }
}

/** An error with the place of the line at fault in its message; the innermost place stays. */
export function withPlace(error: unknown, { file, line }: Place): unknown {
  if (error instanceof Error && !error.message.startsWith("Cannot expand")) {
    error.message = `Cannot expand "${file}" line ${line}: ${error.message}`;
  }
  return error;
}

/**
 * The blocks of a file.
 *
 * @throws {SyntaxError} if a line is not as the rules have it, or a block has no end
 */
export function parseBlocks(file: string, text: string): TextBlock[] {
  const lines = { file, texts: text.replace(/\n$/, "").split("\n"), next: 0 };
  const blocks = readBlocks(lines);
  const rest = lines.texts[lines.next];
  if (rest === undefined) return blocks;
  const place = { file, line: lines.next + 1 };
  return told(place, () => {
    throw new SyntaxError(`"${rest.trim()}" belongs to no //#for and no //#if`);
  });
}

interface Lines {
  readonly file: string;
  readonly texts: readonly string[];
  next: number;
}

/** The word after `//#` of the line that is next, and what follows it. */
function directive({ texts, next }: Lines): [word?: string, rest?: string] {
  const found = /^\s*\/\/#\s*(\w*)\s*(.*?)\s*$/.exec(texts[next] ?? "");
  return found ? [found[1]!, found[2]!] : [];
}

/** Up to a line that ends the block around these, which is not taken. */
function readBlocks(lines: Lines): TextBlock[] {
  const blocks: TextBlock[] = [];
  while (lines.next < lines.texts.length) {
    const [word, rest = ""] = directive(lines);
    if (word === "end" || word === "else") break;
    const line = lines.texts[lines.next++]!;
    const place = { file: lines.file, line: lines.next };
    blocks.push(told(place, () => readBlock(lines, place, [line, word, rest])));
  }
  return blocks;
}

function readBlock(
  lines: Lines,
  place: Place,
  [line, word, rest]: readonly [string, string | undefined, string],
): TextBlock {
  switch (word) {
    case undefined:
      return { kind: "line", place, parts: parseParts(line) };
    case "values": {
      const names = rest.split(/\s*,\s*/);
      return {
        kind: "values",
        place,
        names,
        values: names.map(readExpression),
      };
    }
    case "let":
      return { kind: "let", place, given: parseGiven(rest) };
    case "use": {
      const wanted = '"file.wgsl", or "file.wgsl" NAME = VALUE, NAME = VALUE';
      const [, file, more] = matched(/^"([^"]+)"\s*(.*)$/, rest, wanted);
      // a comma within a word separates nothing
      const pairs = more!.match(/(?:"[^"]*"|[^,"])+/g) ?? [];
      return {
        kind: "use",
        place,
        indent: /^\s*/.exec(line)![0],
        file: file!,
        given: pairs.map(parseGiven),
      };
    }
    case "for": {
      const ranges = rest.split(/\s*,\s*/).map(parseRange);
      const body = readBlocks(lines);
      takeEnd(lines, line);
      return { kind: "for", place, ranges, body };
    }
    case "if":
      return readChoice(lines, place, rest);
    default:
      throw new SyntaxError(
        `found "//#${word}", expected values, let, use, for, if, else or end`,
      );
  }
}

function readChoice(lines: Lines, place: Place, first: string): TextBlock {
  const condition = readExpression(first);
  const branches: Branch[] = [{ place, condition, body: readBlocks(lines) }];
  while (branches.at(-1)?.condition !== undefined) {
    const [word, rest = ""] = directive(lines);
    if (word !== "else") break;
    lines.next++;
    const at = { file: lines.file, line: lines.next };
    const other = rest === "" ? undefined : told(at, () => {
      const wanted = "if CONDITION, or nothing";
      return readExpression(matched(/^if\s+(.+)$/, rest, wanted)[1]!);
    });
    branches.push({ place: at, condition: other, body: readBlocks(lines) });
  }
  takeEnd(lines, `//#if ${first}`);
  return { kind: "if", place, branches };
}

/** Takes the line that ends the block which the line `begin` began. */
function takeEnd(lines: Lines, begin: string): void {
  const [word, rest] = directive(lines);
  const line = lines.texts[lines.next++];
  if (word === "end" && rest === "") return;
  throw new SyntaxError(
    `"${begin.trim()}" has no //#end, found ${
      line === undefined
        ? "the end of the file"
        : `"${line.trim()}" in line ${lines.next}`
    }`,
  );
}

function parseGiven(text: string): GivenValue {
  const [, name, value] = matched(
    /^\s*(\w+)\s*=\s*(.+?)\s*$/,
    text,
    "NAME = VALUE",
  );
  return [name!, readWord(value!)];
}

/** An expression that may be a word with marks within, such as `"k#{i}"`. */
function readWord(text: string): Expression {
  const word = /^"([^"]*#[^"]*)"$/.exec(text)?.[1];
  if (word === undefined) return readExpression(text);
  const parts = parseParts(word);
  return (scope) => fillParts(parts, scope);
}
