/**
 * Reads subjects.txt: what the corpus talks about. It knows the file's layout and nothing of
 * questions or answers.
 */
import type { Kind, Language } from "./forms.ts";

/**
 * One subject in one language: the act asked about, a useful middle of an answer and a careless
 * one.
 */
export interface Wording {
  readonly act: string;
  readonly useful: string;
  readonly careless: string;
}

/** One subject of a topic, in both languages. */
export interface Subject extends Readonly<Record<Language, Wording>> {
  readonly topic: string;
  readonly kind: Kind;
}

/**
 * Parses the table of subjects.
 *
 * @throws SyntaxError naming every line that is not a topic, a subject of six cells, or a comment
 */
export function parseSubjects(text: string): Subject[] {
  const subjects: Subject[] = [];
  const wrong: string[] = [];
  let head: { topic: string; kind: Kind } | undefined;
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const heading = /^= (\w+) (help|tempted)$/.exec(line);
    if (heading) {
      head = { topic: heading[1] ?? "", kind: heading[2] as Kind };
      continue;
    }
    const cells = line.split("|").map((cell) => cell.trim());
    const [act, useful, careless, actZh, usefulZh, carelessZh, ...more] = cells;
    if (!head || !carelessZh || more.length > 0 || cells.includes("")) {
      wrong.push(`line ${index + 1}: "${line}"`);
      continue;
    }
    subjects.push({
      ...head,
      en: { act: act!, useful: useful!, careless: careless! },
      zh: { act: actZh!, useful: usefulZh!, careless: carelessZh },
    });
  }
  if (wrong.length > 0) {
    throw new SyntaxError(
      `Cannot read subjects.txt: found ${wrong.join("; ")}, ` +
        `expected "= topic kind" or six cells below one`,
    );
  }
  return subjects;
}
