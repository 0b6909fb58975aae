/**
 * The small expressions in shader files: whole numbers, words and names of either. `3 * i + 1`,
 * `TYPE == "bf16" && ROWS > 2`, `CODES ? 4 : 2`, and a letter of a word, `"xyzw"[i]`. Knows neither
 * files nor lines.
 */

/** A size, a word such as the type of a weight, or a yes or no. */
export type ShaderValue = number | string | boolean;

/** Values by the names that a shader file uses. */
export type ShaderValues = Readonly<Record<string, ShaderValue>>;

/** What names stand for while a text is written. */
export type NameScope = Map<string, ShaderValue>;

/** An expression that has been read: its value where names stand for something. */
export type Expression = (scope: NameScope) => ShaderValue;

const TOKEN =
  /\s*(?:(\d+)(?!\w)|([A-Za-z_]\w*)|"([^"]*)"|(&&|\|\||[=!<>]=|[-+*\/%<>!()?:\[\]]))/y;

/** How tightly operators bind; `/` rounds down, as whole numbers do in WGSL. */
const OPERATORS: Readonly<
  Record<
    string,
    readonly [
      level: number,
      apply: (a: ShaderValue, b: ShaderValue) => ShaderValue,
    ]
  >
> = {
  "||": [1, (a, b) => truth(a) || truth(b)],
  "&&": [2, (a, b) => truth(a) && truth(b)],
  "==": [3, (a, b) => alike(a, b)],
  "!=": [3, (a, b) => !alike(a, b)],
  "<": [4, (a, b) => whole(a) < whole(b)],
  "<=": [4, (a, b) => whole(a) <= whole(b)],
  ">": [4, (a, b) => whole(a) > whole(b)],
  ">=": [4, (a, b) => whole(a) >= whole(b)],
  "+": [5, (a, b) => whole(a) + whole(b)],
  "-": [5, (a, b) => whole(a) - whole(b)],
  "*": [6, (a, b) => whole(a) * whole(b)],
  "/": [6, (a, b) => Math.floor(whole(a) / divisor(b))],
  "%": [6, (a, b) => whole(a) % divisor(b)],
};

/** An expression that is being read. */
interface Reading {
  readonly text: string;
  readonly tokens: readonly Token[];
  /** The token that is next. */
  at: number;
}

/**
 * Reads an expression once, for many values.
 *
 * @throws {SyntaxError} if it is none
 */
export function readExpression(text: string): Expression {
  const reading: Reading = { text, tokens: tokensOf(text), at: 0 };
  const value = choice(reading);
  if (reading.at < reading.tokens.length) throw unexpected(reading);
  return value;
}

/** A condition with its two values, or one value. */
function choice(reading: Reading): Expression {
  const condition = operation(reading, 1);
  if (!takes(reading, "?")) return condition;
  const first = choice(reading);
  expectSign(reading, ":");
  const second = choice(reading);
  return (scope) => truth(condition(scope)) ? first(scope) : second(scope);
}

/** Values with operators between that bind at least as tightly as `level`. */
function operation(reading: Reading, level: number): Expression {
  let left = operand(reading);
  while (true) {
    const token = reading.tokens[reading.at];
    const operator = token?.kind === "sign" ? OPERATORS[token.text] : undefined;
    if (operator === undefined || operator[0] < level) return left;
    const [binds, apply] = operator;
    reading.at++;
    left = applied(apply, left, operation(reading, binds + 1));
  }
}

function applied(
  apply: (a: ShaderValue, b: ShaderValue) => ShaderValue,
  left: Expression,
  right: Expression,
): Expression {
  return (scope) => apply(left(scope), right(scope));
}

function operand(reading: Reading): Expression {
  if (takes(reading, "!")) {
    const inner = operand(reading);
    return (scope) => !truth(inner(scope));
  }
  let value = single(reading);
  while (takes(reading, "[")) {
    value = applied(letterOf, value, choice(reading));
    expectSign(reading, "]");
  }
  return value;
}

function single(reading: Reading): Expression {
  if (takes(reading, "(")) {
    const inner = choice(reading);
    expectSign(reading, ")");
    return inner;
  }
  const token = reading.tokens[reading.at];
  if (token === undefined || token.kind === "sign") throw unexpected(reading);
  reading.at++;
  if (token.kind === "name") return nameOf(token.text);
  const value = token.kind === "number" ? Number(token.text) : token.text;
  return () => value;
}

function nameOf(name: string): Expression {
  return (scope) => {
    const value = scope.get(name);
    if (value !== undefined) return value;
    const known = [...scope.keys()].map((known) => `"${known}"`).join(", ");
    throw new TypeError(
      `"${name}" has no value, known are ${known || "none"}`,
    );
  };
}

function takes(reading: Reading, sign: string): boolean {
  const token = reading.tokens[reading.at];
  const isNext = token?.kind === "sign" && token.text === sign;
  if (isNext) reading.at++;
  return isNext;
}

function expectSign(reading: Reading, sign: string): void {
  if (!takes(reading, sign)) throw unexpected(reading, `"${sign}"`);
}

function unexpected(
  { tokens, at, text }: Reading,
  wanted = "a value",
): SyntaxError {
  const token = tokens[at];
  const found = token === undefined ? "its end" : `"${token.text}"`;
  return new SyntaxError(`found ${found} in "${text}", expected ${wanted}`);
}

/** Whether a condition holds: a number does if it is not zero. */
export function truth(value: ShaderValue): boolean {
  if (typeof value !== "string") return Boolean(value);
  throw new TypeError(`found "${value}", expected a number or a comparison`);
}

/** A value as a number; yes is 1. */
export function whole(value: ShaderValue): number {
  const number = typeof value === "string" ? NaN : Number(value);
  if (Number.isInteger(number)) return number;
  throw new TypeError(
    `found ${JSON.stringify(value)}, expected a whole number`,
  );
}

function divisor(value: ShaderValue): number {
  const number = whole(value);
  if (number !== 0) return number;
  throw new RangeError("found a division by 0, expected another divisor");
}

function letterOf(word: ShaderValue, place: ShaderValue): string {
  const letter = typeof word === "string" ? word[whole(place)] : undefined;
  if (letter !== undefined) return letter;
  const found = `letter ${place} of ${JSON.stringify(word)}`;
  throw new RangeError(`found ${found}, expected one of a word`);
}

function alike(a: ShaderValue, b: ShaderValue): boolean {
  if (typeof a === "string" && typeof b === "string") return a === b;
  return whole(a) === whole(b);
}

interface Token {
  readonly kind: "number" | "name" | "word" | "sign";
  readonly text: string;
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  const end = text.trimEnd().length;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < end) {
    const from = TOKEN.lastIndex;
    const [, number, name, word, sign] = TOKEN.exec(text) ?? [];
    if (number !== undefined) tokens.push({ kind: "number", text: number });
    else if (name !== undefined) tokens.push({ kind: "name", text: name });
    else if (word !== undefined) tokens.push({ kind: "word", text: word });
    else if (sign !== undefined) tokens.push({ kind: "sign", text: sign });
    else {
      throw new SyntaxError(
        `found "${text.slice(from).trim()}" in "${text}", expected a value`,
      );
    }
  }
  return tokens;
}
