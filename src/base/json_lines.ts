/**
 * Parses and writes JSON lines. Opens no file.
 *
 * @module
 */

/** A value and the number of its line. */
export interface JsonLine {
  /** Number of the line, from 1. */
  readonly line: number;
  /** The parsed value of the line. */
  readonly value: unknown;
}

/** How JSON lines are read. */
export interface JsonLinesOptions {
  /** A name for error messages, such as the file's path. */
  readonly source?: string;
  /**
   * Whether to ignore a last line that has no line end and is not JSON, since its writer was
   * interrupted. Default false.
   */
  readonly allowTorn?: boolean;
}

/**
 * The values of a text of JSON lines; blank lines are skipped.
 *
 * @throws {SyntaxError} naming source and line, if a line is not JSON
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
      const fault = error.message.replace(/ in JSON at position [\s\S]*$/, "");
      throw new SyntaxError(
        `Cannot read "${source}" line ${i + 1}: broken JSON, ${fault}`,
      );
    }
  }
}

/**
 * The line of text for a value, with its line end.
 *
 * @throws {RangeError} if the value contains NaN or an infinity, which JSON cannot hold
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
