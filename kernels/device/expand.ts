/**
 * Writes the text of a shader from a .wgsl file in which lines repeat, are chosen, or are shared with other files.
 * A file stays WGSL that people can read. What it adds are lines that begin with `//#`, and marks within lines:
 *
 *     //#values ROWS, TYPE              the names that the file must be given
 *     //#for i in ROWS, j in 1..KEYS    the lines up to //#end for each i = 0 .. ROWS - 1 and j = 1 .. KEYS - 1
 *     //#if TYPE == "bf16"              the lines up to //#else if, //#else or //#end, where that holds
 *     //#let HALF = ROWS / 2            a name for a value, up to the end of the block that it stands in
 *     //#use "score.wgsl" A = "k#{i}"   the lines of another file, which knows the names known here, and A
 *     #{3 * i + 1}                      a value
 *     #[p#{j} for j in KEYS join " + "] the text before `for` again and again, with " + " between
 *     #[s#{r} for r in ROWS select i]   WGSL that gives the i-th of these at run time, by nested select()
 *
 * Expressions are those of expand_value.ts. Knows no device and reads no file: texts are given.
 */
import { type Block, type Given, parseBlocks, told } from "./expand_blocks.ts";
import {
  filledValue,
  fillParts,
  numbersOf,
  type Range,
} from "./expand_parts.ts";
import { evaluate, truth, type Values } from "./expand_value.ts";

export type { Value, Values } from "./expand_value.ts";

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
export function expand(
  { name, text, pieces = {} }: ShaderFile,
  values: Values,
): string {
  const blocks = parseBlocks(name, text);
  expectNames(name, blocks, values);
  const lines: string[] = [];
  write(blocks, values, { pieces, users: [name], lines });
  return `${lines.join("\n")}\n`;
}

function expectNames(
  file: string,
  blocks: readonly Block[],
  values: Values,
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
  /** The files in writing, each used by the one before. */
  readonly users: readonly string[];
  readonly lines: string[];
}

function write(
  blocks: readonly Block[],
  outer: Values,
  writer: Writer,
): void {
  let values = outer;
  for (const block of blocks) {
    told(block.place, () => {
      if (block.kind === "let") {
        const [name, value] = block.given;
        values = { ...values, [name]: filledValue(value, values) };
      } else writeBlock(block, values, writer);
    });
  }
}

function writeBlock(
  block: Exclude<Block, { kind: "let" }>,
  values: Values,
  writer: Writer,
): void {
  switch (block.kind) {
    case "line":
      writer.lines.push(fillParts(block.parts, values));
      break;
    case "values":
      for (const name of block.names) evaluate(name, values);
      break;
    case "use":
      writePiece(block.file, block.given, values, writer);
      break;
    case "for":
      for (const inner of rounds(block.ranges, values)) {
        write(block.body, inner, writer);
      }
      break;
    case "if": {
      const chosen = block.branches.find(({ place, condition }) =>
        condition === undefined ||
        told(place, () => truth(evaluate(condition, values)))
      );
      if (chosen) write(chosen.body, values, writer);
      break;
    }
  }
}

function writePiece(
  file: string,
  given: readonly Given[],
  values: Values,
  { pieces, users, lines }: Writer,
): void {
  const text = Object.hasOwn(pieces, file) ? pieces[file] : undefined;
  if (text === undefined) {
    throw new TypeError(
      `"${file}" has no text, known are ${quoted(Object.keys(pieces))}`,
    );
  }
  if (users.includes(file)) {
    throw new TypeError(`"${file}" uses itself, by "${users.at(-1)}"`);
  }
  const own = given.map(([name, value]) => [name, filledValue(value, values)]);
  const inner = { ...values, ...Object.fromEntries(own) };
  write(parseBlocks(file, text), inner, {
    pieces,
    users: [...users, file],
    lines,
  });
}

/** The values in each round of nested loops, the first range outermost. */
function rounds([range, ...inner]: readonly Range[], values: Values): Values[] {
  if (range === undefined) return [values];
  return numbersOf(range, values).flatMap((number) =>
    rounds(inner, { ...values, [range.name]: number })
  );
}
