/**
 * JSON lines: text to values and back. Opens no file.
 *
 * @module
 */

/** One value and the line that it stood on. */
export interface JsonLine {
  /** Counted from 1. */
  readonly line: number;
  /** What `JSON.parse()` made of it. */
  readonly value: unknown;
}

/** How to read JSON lines. */
export interface JsonLinesOptions {
  /** Named in errors, such as the file's path. */
  readonly source?: string;
  /** Leave out a last line that has no end of line and is no JSON: a writer was cut off there. */
  readonly allowTorn?: boolean;
}

/**
 * The values of a text of JSON lines; blank lines are passed over.
 *
 * @throws {SyntaxError} With source and line, if a line is not JSON
 */
export function* parseJsonLines(
  text: string,
  { source = "JSON lines", allowTorn = false }: JsonLinesOptions = {},
): Generator<JsonLine> {
  const lines = text.split("\n");
  for (const [i, line] of lines.entries()) {
    if (line.trim() === "") continue;
    try {
      yield { line: i + 1, value: JSON.parse(line) };
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      if (allowTorn && i === lines.length - 1) return;
      throw new SyntaxError(
        `Cannot read "${source}" line ${i + 1}: ${error.message}`,
      );
    }
  }
}

/**
 * One line of text for one value, with its end of line.
 *
 * @throws {RangeError} If it holds NaN or an infinity, which JSON has not
 */
export function formatJsonLine(value: unknown): string {
  const text = JSON.stringify(value, (key, part) => {
    if (typeof part === "number" && !Number.isFinite(part)) {
      throw new RangeError(
        `Cannot write a JSON line: "${key}" is ${part}, expected a finite number`,
      );
    }
    return part;
  });
  return `${text}\n`;
}
