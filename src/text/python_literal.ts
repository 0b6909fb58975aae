/**
 * Parses what Python prints of plain data (`repr` of lists, dicts, texts, numbers and numpy's
 * arrays of them), as pandas writes it into CSV. Runs no code; knows no turns.
 */
import { parseWithFloats } from "../base/json_float.ts";

const WORDS: Readonly<Record<string, unknown>> = {
  None: null,
  True: true,
  False: false,
  nan: null,
};
/** Calls that mean their first argument. */
const CALLS = /^(?:(?:np|numpy)\.)?(?:array|str_|list|tuple|dict)$/;
const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  a: "\x07",
  b: "\b",
  f: "\f",
  v: "\v",
  "\n": "",
};
const DEEPEST = 200; // brackets inside brackets
const CODE_LENGTH: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

/** @throws {SyntaxError} if the text is no such data, or is cut off */
export function parsePython(text: string): unknown {
  const reader = new Reader(text);
  const value = reader.value();
  if (reader.peek() !== "") reader.fail();
  return value;
}

class Reader {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  fail(): never {
    throw new SyntaxError(`no data of Python at character ${this.#at}`);
  }

  /** The next character that is not white space; "" at the end. */
  peek(): string {
    while (/\s/.test(this.#text[this.#at] ?? "x")) this.#at++;
    return this.#text[this.#at] ?? "";
  }

  value(): unknown {
    if (++this.#depth > DEEPEST) this.fail();
    const value = this.#anyValue();
    this.#depth--;
    return value;
  }

  #anyValue(): unknown {
    const next = this.peek();
    if (next === "[") return this.#items("]");
    if (next === "(") return this.#items(")");
    if (next === "{") return this.#dict();
    if (next === "'" || next === '"') return this.#string();
    return this.#word();
  }

  #take(expected: string): boolean {
    if (this.peek() !== expected) return false;
    this.#at++;
    return true;
  }

  /** Items up to the bracket. numpy prints no commas between them. */
  #items(end: string): unknown[] {
    this.#at++;
    const items: unknown[] = [];
    while (!this.#take(end)) {
      items.push(this.value());
      this.#take(",");
    }
    return items;
  }

  #dict(): Record<string, unknown> {
    this.#at++;
    const entries: [string, unknown][] = [];
    while (!this.#take("}")) {
      const key = this.value();
      if (typeof key !== "string" || !this.#take(":")) this.fail();
      entries.push([key, this.value()]);
      if (!this.#take(",") && this.peek() !== "}") this.fail();
    }
    return Object.fromEntries(entries);
  }

  #string(): string {
    const quote = this.#text[this.#at++]!;
    const parts: string[] = [];
    for (;;) {
      const next = this.#text[this.#at++];
      if (next === undefined) this.fail();
      if (next === quote) return parts.join("");
      parts.push(next === "\\" ? this.#escape() : next);
    }
  }

  #escape(): string {
    const mark = this.#text[this.#at++] ?? this.fail();
    const length = CODE_LENGTH[mark];
    if (length === undefined) return ESCAPES[mark] ?? this.#plain(mark);
    const digits = this.#text.slice(this.#at, this.#at += length);
    if (!/^[0-9a-f]+$/i.test(digits) || digits.length < length) this.fail();
    const code = Number.parseInt(digits, 16);
    return code > 0x10ffff ? this.fail() : String.fromCodePoint(code);
  }

  /** A quote or a backslash; Python keeps the backslash before any other character. */
  #plain(mark: string): string {
    if (mark === "0") return "\0";
    return `'"\\`.includes(mark) ? mark : `\\${mark}`;
  }

  #word(): unknown {
    const [word] =
      /^[-+\w.]+/.exec(this.#text.slice(this.#at, this.#at + 64)) ??
        this.fail();
    this.#at += word.length;
    if (Object.hasOwn(WORDS, word)) return WORDS[word];
    if (CALLS.test(word) && this.#take("(")) return this.#call();
    if (/^u$/.test(word) && /['"]/.test(this.#text[this.#at] ?? "")) {
      return this.#string();
    }
    return parseWithFloats(word);
  }

  /** The first argument of a call; `dtype=object` may follow it. */
  #call(): unknown {
    const value = this.value();
    const rest = /^\s*(,\s*\w+\s*=\s*[\w.'<>]+\s*)*,?\s*\)/.exec(
      this.#text.slice(this.#at),
    );
    if (rest === null) this.fail();
    this.#at += rest[0].length;
    return value;
  }
}
