/**
 * The small expressions in shader files, such as `3 * i + 1` or `TYPE == "bf16" && ROWS > 2`: whole numbers, words
 * and names of either. Knows neither files nor lines.
 */

/** A size, a word such as the type of a weight, or a yes or no. */
export type Value = number | string | boolean;

/** Values by the names that a shader file uses. */
export type Values = Readonly<Record<string, Value>>;

const TOKEN =
  /\s*(?:(\d+)(?!\w)|([A-Za-z_]\w*)|"([^"]*)"|(&&|\|\||[=!<>]=|[-+*\/%<>!()]))/y;

/** How tightly operators bind; `/` rounds down, as whole numbers do in WGSL. */
const OPERATORS: Readonly<
  Record<string, readonly [level: number, apply: (a: Value, b: Value) => Value]>
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

/**
 * What an expression comes to.
 *
 * @throws {SyntaxError} if it is none
 * @throws {TypeError} if a name has no value, or an operator is given what it does not take
 */
export function evaluate(text: string, values: Values): Value {
  const tokens = tokensOf(text);
  let at = 0;
  const result = operation(1);
  if (at < tokens.length) throw unexpected();
  return result;

  function operation(level: number): Value {
    let left = operand();
    while (true) {
      const word = tokens[at];
      const [binds, apply] = word?.kind === "sign"
        ? OPERATORS[word.text] ?? []
        : [];
      if (binds === undefined || apply === undefined || binds < level) {
        return left;
      }
      at++;
      left = apply(left, operation(binds + 1));
    }
  }

  function operand(): Value {
    const token = tokens[at];
    if (token === undefined) throw unexpected();
    at++;
    if (token.kind === "number") return Number(token.text);
    if (token.kind === "word") return token.text;
    if (token.kind === "name") return valueOf(token.text, values);
    if (token.text === "!") return !truth(operand());
    if (token.text === "(") {
      const inner = operation(1);
      if (tokens[at]?.text === ")") {
        at++;
        return inner;
      }
      throw unexpected();
    }
    at--;
    throw unexpected();
  }

  function unexpected(): SyntaxError {
    const token = tokens[at];
    const found = token === undefined ? "its end" : `"${token.text}"`;
    return new SyntaxError(`found ${found} in "${text}", expected a value`);
  }
}

/** Whether a condition holds: a number does if it is not zero. */
export function truth(value: Value): boolean {
  if (typeof value !== "string") return Boolean(value);
  throw new TypeError(`found "${value}", expected a number or a comparison`);
}

/** A value as a number; yes is 1. */
export function whole(value: Value): number {
  const number = typeof value === "string" ? NaN : Number(value);
  if (Number.isInteger(number)) return number;
  throw new TypeError(
    `found ${JSON.stringify(value)}, expected a whole number`,
  );
}

function divisor(value: Value): number {
  const number = whole(value);
  if (number !== 0) return number;
  throw new RangeError("found a division by 0, expected another divisor");
}

function alike(a: Value, b: Value): boolean {
  if (typeof a === "string" && typeof b === "string") return a === b;
  return whole(a) === whole(b);
}

function valueOf(name: string, values: Values): Value {
  const value = Object.hasOwn(values, name) ? values[name] : undefined;
  if (value !== undefined) return value;
  throw new TypeError(
    `"${name}" has no value, known are ${
      Object.keys(values).map((known) => `"${known}"`).join(", ") || "none"
    }`,
  );
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
