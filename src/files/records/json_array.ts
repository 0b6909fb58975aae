/**
 * Reads the elements of a JSON array one at a time from text that comes in pieces. At most one
 * element is in memory, so a file may have any size.
 */

import { checkRecordLength } from "./text_stream.ts";

/** The text of one element, and where it stands. */
export interface ArrayElement {
  /** Number of the element, from 1. */
  readonly element: number;
  /** Line of the text on which the element begins, counted from 1. */
  readonly line: number;
  readonly text: string;
}

/**
 * Splits the text of an array at its outermost commas; the elements are not parsed.
 *
 * @throws SyntaxError if the text does not begin with `[`, ends early, or goes on after `]`.
 */
export async function* arrayElements(
  pieces: AsyncIterable<string>,
  file: string,
): AsyncGenerator<ArrayElement> {
  const splitter = new Splitter(file);
  for await (const piece of pieces) yield* splitter.push(piece);
  splitter.end();
}

class Splitter {
  #depth = 0; // 1 inside the array itself
  #inString = false;
  #escaped = false;
  #done = false;
  #line = 1;
  #startLine = 1;
  #element = 0;
  #text = "";
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  *push(piece: string): Generator<ArrayElement> {
    let start = 0; // of the part of the piece that is not yet in #text
    for (let i = 0; i < piece.length; i++) {
      const character = piece[i]!;
      if (character === "\n") this.#line++;
      if (this.#inString) {
        this.#passString(character);
        continue;
      }
      if (character <= " ") continue;
      if (this.#done) this.#fail("found more text after the array");
      if (this.#depth === 0) {
        if (character !== "[") this.#fail(`found "${character}", expected "["`);
        this.#depth = 1;
        this.#startLine = 0;
        start = i + 1;
        continue;
      }
      if (this.#depth === 1 && (character === "," || character === "]")) {
        this.#text += piece.slice(start, i);
        start = i + 1;
        this.#done = character === "]";
        yield* this.#take();
        continue;
      }
      if (this.#startLine === 0) this.#startLine = this.#line;
      this.#pass(character);
    }
    if (this.#done) return;
    this.#text += piece.slice(start);
    checkRecordLength(
      this.#text.length,
      this.#file,
      this.#startLine || this.#line,
    );
  }

  /** Gives the element that has just ended; `[]` has no element. */
  *#take(): Generator<ArrayElement> {
    const text = this.#text.trim();
    this.#text = "";
    if (text === "" && this.#done && this.#element === 0) return;
    const line = this.#startLine || this.#line;
    this.#startLine = 0;
    yield { element: ++this.#element, line, text };
  }

  #pass(character: string): void {
    if (character === '"') this.#inString = true;
    else if (character === "{" || character === "[") this.#depth++;
    else if (character === "}" || character === "]") this.#depth--;
  }

  #passString(character: string): void {
    if (this.#escaped) this.#escaped = false;
    else if (character === "\\") this.#escaped = true;
    else if (character === '"') this.#inString = false;
  }

  end(): void {
    if (!this.#done) {
      this.#fail(
        this.#depth === 0
          ? "the file is empty"
          : `the array is not closed after element ${this.#element}`,
      );
    }
  }

  #fail(fault: string): never {
    throw new SyntaxError(
      `Cannot read "${this.#file}" line ${this.#line}: broken JSON, ${fault}`,
    );
  }
}
