/**
 * Rewrites a template's tokens before the npm Jinja engine parses them: raw blocks, tests with
 * arguments and signs after keywords are put into a form that the engine can read. What the engine
 * would read differently from Python is refused by name.
 */
import { tokenize } from "@huggingface/jinja";

type Token = ReturnType<typeof tokenize>[number];

/** The prefix of a test that was rewritten as a filter, since filters may have arguments. */
export const TEST = "is:";
/** The same for a negated test. */
export const NOT_TEST = "is not:";

/**
 * Makes the text of raw blocks a string literal; their marks still strip the white space around
 * them.
 */
function withoutRaw(source: string): string {
  const opening = /\{%(-?)\s*raw\s*(-?)%\}/g;
  const closing = /\{%(-?)\s*endraw\s*(-?)%\}/g;
  let [text, at] = ["", 0];
  for (;;) {
    opening.lastIndex = at;
    const open = opening.exec(source);
    closing.lastIndex = opening.lastIndex;
    const close = open && closing.exec(source);
    if (open === null || close === null) return text + source.slice(at);
    const inner = source.slice(opening.lastIndex, close.index);
    const left = open[2] === "" ? inner : inner.trimStart();
    const kept = close[1] === "" ? left : left.trimEnd();
    const literal = kept.replace(
      /[\\'{}#%\r\n]/g,
      (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`,
    );
    text += source.slice(at, open.index) +
      `{%${open[1]} if true %}{{ '${literal}' }}{% endif ${close[2]}%}`;
    at = closing.lastIndex;
  }
}

/** The most characters of a template, and of white space in a row. Real ones have 1 % of either. */
const MOST_CHARACTERS = 2_000_000;
const MOST_SPACES = 1000;

/**
 * The engine looks for marks by expressions that take the square of the length of white space.
 *
 * @throws {RangeError} for a template that is too long, or has too much white space in a row
 */
function checkLength(source: string): void {
  if (source.length > MOST_CHARACTERS) {
    throw new RangeError(
      `found ${source.length} characters, expected at most ${MOST_CHARACTERS}`,
    );
  }
  for (const { 0: spaces, index } of source.matchAll(/\s+/g)) {
    if (spaces.length <= MOST_SPACES) continue;
    const line = source.slice(0, index).split("\n").length;
    throw new RangeError(
      `found ${spaces.length} characters of white space in a row from line ${line} on, expected at most ${MOST_SPACES}`,
    );
  }
}

const OPENS = new Set(["OpenParen", "OpenSquareBracket", "OpenCurlyBracket"]);
const CLOSES = new Set([
  "CloseParen",
  "CloseSquareBracket",
  "CloseCurlyBracket",
]);
const WORDS = new Set(["and", "or", "not", "if", "else", "in", "is"]);

const isWord = (token: Token | undefined, word: string) =>
  token?.type === "Identifier" && token.value === word;

function token(value: string, type: Token["type"], like: Token): Token {
  return Object.assign(Object.create(Object.getPrototypeOf(like)), {
    value,
    type,
  });
}

/** The index after one literal, name or bracket that begins at `at`. */
function afterPrimary(tokens: readonly Token[], at: number): number {
  let depth = 0;
  for (let i = at; i < tokens.length; i++) {
    const { type } = tokens[i] as Token;
    if (OPENS.has(type)) depth++;
    else if (CLOSES.has(type)) depth--;
    if (depth === 0) return i + 1;
  }
  return tokens.length;
}

/** Whether the argument of a test may begin with this token. */
function beginsArgument(one: Token | undefined): boolean {
  if (one === undefined) return false;
  if (one.type === "Identifier") return !WORDS.has(one.value);
  return OPENS.has(one.type) || /^(String|Numeric)Literal$/.test(one.type);
}

/**
 * `x is [not] name(...)` and `x is [not] name argument` become filters, which bind as strongly as
 * tests.
 */
function testsWithArguments(tokens: readonly Token[]): Token[] {
  const out: Token[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const one = tokens[i] as Token;
    const at = isWord(tokens[i + 1], "not") ? i + 2 : i + 1;
    const name = tokens[at];
    const isTest = isWord(one, "is") && name?.type === "Identifier";
    if (!isTest || !beginsArgument(tokens[at + 1])) {
      out.push(one);
      continue;
    }
    const mark = at === i + 2 ? NOT_TEST : TEST;
    out.push(token("|", "Pipe", one));
    out.push(token(mark + name.value, "Identifier", one));
    const end = afterPrimary(tokens, at + 1);
    const argument = tokens.slice(at + 1, end);
    const hasParens = argument[0]?.type === "OpenParen";
    const parens = hasParens ? argument : [
      token("(", "OpenParen", one),
      ...argument,
      token(")", "CloseParen", one),
    ];
    out.push(...testsWithArguments(parens.slice(0, 1)));
    out.push(...testsWithArguments(parens.slice(1)));
    i = end - 1;
  }
  return out;
}

/** Mends `else -1`: the engine reads a sign after any word as a binary operator. */
function signsAfterWords(tokens: readonly Token[]): Token[] {
  return tokens.map((one, i) =>
    one.type === "AdditiveBinaryOperator" && one.value !== "~" &&
      tokens[i - 1]?.type === "Identifier" &&
      WORDS.has(tokens[i - 1]?.value ?? "") && tokens[i - 2]?.type !== "Dot"
      ? token(one.value, "UnaryOperator", one)
      : one
  );
}

/**
 * Refuses `a < b < c`: Python joins both comparisons by `and`, the engine compares the first result
 * with `c`.
 */
function refuseChains(tokens: readonly Token[]): void {
  const seen = [false];
  const set = (value: boolean) => seen[seen.length - 1] = value;
  for (const [i, { type, value }] of tokens.entries()) {
    if (OPENS.has(type)) seen.push(false);
    else if (CLOSES.has(type)) seen.pop();
    else if (/^(Open|Close)(Statement|Expression)$/.test(type)) {
      seen.splice(0, seen.length, false);
    } else if (/^(Comma|Colon|Equals)$/.test(type)) set(false);
    else if (type === "Identifier" && WORDS.has(value) && value !== "in") {
      if (!(value === "not" && isWord(tokens[i + 1], "in"))) set(false);
    }
    const compares = type === "ComparisonBinaryOperator" ||
      (type === "Identifier" && value === "in" &&
        tokens[i - 1]?.value !== "is");
    if (!compares) continue;
    if (seen.at(-1)) {
      throw new SyntaxError(
        `found a chain of comparisons at "${value}", expected them joined by "and"`,
      );
    }
    set(true);
  }
}

function refuseRecursion(tokens: readonly Token[]): void {
  const found = tokens.some((one, i) =>
    isWord(one, "recursive") && tokens[i + 1]?.type === "CloseStatement"
  );
  if (found) throw new SyntaxError('"recursive" loops are not served');
}

/**
 * The tokens of a template for the engine's parser, with `trim_blocks` and `lstrip_blocks`.
 *
 * @throws {SyntaxError} naming what is not served; {RangeError} for a template that is too long
 */
export function templateTokens(source: string): Token[] {
  checkLength(source);
  const lines = source.replace(/\r\n?/g, "\n"); // Jinja2 reads all line ends as \n
  const mark = /\{[%{#]\+|\+[%}#]\}/.exec(lines)?.[0];
  if (mark !== undefined && !/\+\}\}/.test(mark)) {
    throw new SyntaxError(`the mark "${mark}" is not served`);
  }
  const tokens = tokenize(withoutRaw(lines), {
    trim_blocks: true,
    lstrip_blocks: true,
  });
  refuseRecursion(tokens);
  refuseChains(tokens);
  return testsWithArguments(signsAfterWords(tokens));
}
