/**
 * Writes the answers of two models side by side as a text table for a terminal, where Chinese,
 * Japanese and Korean letters are two columns wide. Pure; prints nothing.
 */

/** A question and the answers of both models. */
export interface Compared {
  /** The question. */
  readonly prompt: string;
  /** The base model's answer. */
  readonly base: string;
  /** The tuned model's answer. */
  readonly tuned: string;
}

const HEADINGS: Compared = { prompt: "prompt", base: "base", tuned: "tuned" };
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]/u;

/** The number of columns that a text takes. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const letter of text) width += WIDE.test(letter) ? 2 : 1;
  return width;
}

/** Breaks a text into lines of at most `width` columns: at spaces, and between wide letters. */
export function wrapText(text: string, width: number): string[] {
  const pieces = text.replaceAll(/\s+/g, " ").match(
    /[^ \u1100-\uffef]+ ?|[\u1100-\uffef] ?| /gu,
  ) ?? [];
  const lines: string[] = [];
  let line = "";
  for (const piece of pieces) {
    if (line !== "" && displayWidth(line + piece.trimEnd()) > width) {
      lines.push(line.trimEnd());
      line = "";
    }
    line += piece;
  }
  return [...lines, line.trimEnd()];
}

function pad(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - displayWidth(text)));
}

/**
 * The lines of the table: a heading, a rule, and each question with its answers, wrapped.
 *
 * @param width columns of the terminal, 60 or more
 */
export function sideBySideLines(
  rows: readonly Compared[],
  width = 110,
): string[] {
  const wide = Math.max(16, Math.floor((width - 6) / 3));
  const cells = (row: Compared) =>
    [row.prompt, row.base, row.tuned].map((text) => wrapText(text, wide));
  const block = (row: Compared) => {
    const columns = cells(row);
    const height = Math.max(...columns.map((lines) => lines.length));
    return Array.from(
      { length: height },
      (_, i) =>
        columns.map((lines) => pad(lines[i] ?? "", wide)).join(" | ").trimEnd(),
    );
  };
  const rule = Array(3).fill("-".repeat(wide)).join("-+-");
  return [
    ...block(HEADINGS),
    rule,
    ...rows.flatMap((row) => [...block(row), rule]),
  ];
}
