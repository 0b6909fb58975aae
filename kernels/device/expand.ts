/**
 * Writes the text of a shader from a .wgsl file in which lines repeat, are chosen, or are shared
 * with other files. A file stays WGSL that people can read. What it adds are lines that begin with
 * `//#`, and marks within lines:
 *
 *     //#values ROWS, TYPE              the names that the file must be given
 *     //#for i in ROWS, j in 1..KEYS    the lines up to //#end for each i = 0 .. ROWS - 1
 *                                       and j = 1 .. KEYS - 1
 *     //#if TYPE == "bf16"              the lines up to //#else if, //#else or //#end,
 *                                       where that holds
 *     //#let HALF = ROWS / 2            a name for a value, up to the end of its block
 *     //#use "score.wgsl" A = "k#{i}"   the lines of another file, indented as this line: it
 *                                       knows the names known here, and A
 *     #{3 * i + 1}                      a value
 *     #[p#{j} for j in KEYS join " + "] the text before `for` again and again, with " + " between
 *     #[s#{r} for r in ROWS select i]   WGSL that gives the i-th of these at run time, by
 *                                       nested select()
 *
 * Expressions are those of expand_value.ts. Knows no device and reads no file: texts are given.
 */
import {
  parseBlocks,
  type Place,
  type TextBlock,
  told,
  withPlace,
} from "./expand_blocks.ts";
import { eachNumber, fillParts, type Range } from "./expand_parts.ts";
import {
  type NameScope,
  type ShaderValue,
  type ShaderValues,
  truth,
} from "./expand_value.ts";

export type { ShaderValue, ShaderValues } from "./expand_value.ts";

/** A shader file. */
export interface ShaderFile {
  /** Its name for errors, such as "rope.wgsl". */
  readonly name: string;
  readonly text: string;
  /** Texts of the files that it uses, and that those use, by the names in their `//#use` lines. */
  readonly pieces?: Readonly<Record<string, string>>;
}

/**
 * The text of a shader with its values put in.
 *
 * @throws {SyntaxError} if a line of the file is not as the rules have it, or a block has no end
 * @throws {TypeError} if a name has no value, or a value has no name in the file
 */
export function expand(file: ShaderFile, values: ShaderValues): string {
  return createExpander(file)(values);
}

/** As `expand()` for many values: each file is read once, at its first use. */
export function createExpander(
  { name, text, pieces = {} }: ShaderFile,
): (values: ShaderValues) => string {
  const read = new Map<string, readonly TextBlock[]>();
  const blocksOf = (file: string, text: string) => {
    const blocks = read.get(file) ?? parseBlocks(file, text);
    read.set(file, blocks);
    return blocks;
  };
  return (values) => {
    const blocks = blocksOf(name, text);
    expectNames(name, blocks, values);
    const scope: NameScope = new Map(Object.entries(values));
    const lines: string[] = [];
    const users = [name];
    write(blocks, { pieces, blocksOf, users, scope, indent: "", lines });
    return `${lines.join("\n")}\n`;
  };
}

function expectNames(
  file: string,
  blocks: readonly TextBlock[],
  values: ShaderValues,
): void {
  const names = blocks.flatMap((block) =>
    block.kind === "values" ? block.names : []
  );
  const strange = Object.keys(values).filter((name) => !names.includes(name));
  if (strange.length === 0) return;
  throw new TypeError(
    `Cannot expand "${file}": found values for ${quoted(strange)}, ` +
      `its //#values lines name ${quoted(names)}`,
  );
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(", ") || "none";
}

interface Writer {
  readonly pieces: Readonly<Record<string, string>>;
  readonly blocksOf: (file: string, text: string) => readonly TextBlock[];
  /** The files in writing, each used by the one before. */
  readonly users: readonly string[];
  readonly scope: NameScope;
  /** Stands before each line that is not empty. */
  readonly indent: string;
  readonly lines: string[];
}

/** Writes blocks; the names that they make are gone at their end. */
function write(blocks: readonly TextBlock[], writer: Writer): void {
  const { scope } = writer;
  const before: [name: string, value: ShaderValue | undefined][] = [];
  let place: Place | undefined;
  try {
    for (const block of blocks) {
      place = block.place;
      if (block.kind === "let") {
        const [name, value] = block.given;
        before.push([name, scope.get(name)]);
        scope.set(name, value(scope));
      } else writeBlock(block, writer);
    }
  } catch (error) {
    throw place === undefined ? error : withPlace(error, place);
  }
  for (const [name, value] of before.reverse()) {
    if (value === undefined) scope.delete(name);
    else scope.set(name, value);
  }
}

function writeBlock(
  block: Exclude<TextBlock, { kind: "let" }>,
  writer: Writer,
): void {
  const { scope } = writer;
  switch (block.kind) {
    case "line": {
      const line = fillParts(block.parts, scope);
      writer.lines.push(line === "" ? line : `${writer.indent}${line}`);
      break;
    }
    case "values":
      for (const value of block.values) value(scope);
      break;
    case "use":
      writePiece(block, writer);
      break;
    case "for":
      eachRound(block.ranges, scope, () => write(block.body, writer));
      break;
    case "if": {
      const chosen = block.branches.find(({ place, condition }) =>
        condition === undefined || told(place, () => truth(condition(scope)))
      );
      if (chosen) write(chosen.body, writer);
      break;
    }
  }
}

function writePiece(
  { file, given, indent }: Extract<TextBlock, { kind: "use" }>,
  writer: Writer,
): void {
  const { pieces, users, scope } = writer;
  const text = Object.hasOwn(pieces, file) ? pieces[file] : undefined;
  if (text === undefined) {
    throw new TypeError(
      `"${file}" has no text, known are ${quoted(Object.keys(pieces))}`,
    );
  }
  if (users.includes(file)) {
    throw new TypeError(`"${file}" uses itself, by "${users.at(-1)}"`);
  }
  const inner: NameScope = new Map(scope);
  for (const [name, value] of given) inner.set(name, value(scope));
  write(writer.blocksOf(file, text), {
    ...writer,
    users: [...users, file],
    scope: inner,
    indent: `${writer.indent}${indent}`,
  });
}

/**
 * Calls `action` for each round of nested loops, the first range outermost; `depth` are entered.
 */
function eachRound(
  ranges: readonly Range[],
  scope: NameScope,
  action: () => void,
  depth = 0,
): void {
  const range = ranges[depth];
  if (range === undefined) return action();
  const inner = () => eachRound(ranges, scope, action, depth + 1);
  eachNumber(range, scope, depth + 1 < ranges.length ? inner : action);
}
