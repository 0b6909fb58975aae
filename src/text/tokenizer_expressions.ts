/**
 * Checks the regular expressions of a tokenizer.json, which run over whole texts: one that goes
 * back and forth takes the square of a text's length, or for ever. Served are expressions that
 * cannot, and the parts of published pre-tokenizers (GPT-2, Llama 3, Qwen2, GPT-4o, DeepSeek,
 * Tekken) that would by their form but do not among their neighbours. Knows no tokens.
 */

/** A part of an expression: a character, a class or a group, and how often it repeats. */
interface Atom {
  readonly text: string;
  readonly repeat: string;
}

const LETTER = String.raw`[^\r\n\p{L}\p{N}]?`;
const UPPER = String.raw`[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`;
const LOWER = String.raw`[\p{Ll}\p{Lm}\p{Lo}\p{M}]`;
const ENDINGS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)?";

/**
 * Alternatives that try a run again from each of its characters, with the alternative that takes
 * such a run as a whole and must stand beside them.
 */
const PUBLISHED: ReadonlyMap<string, string> = new Map([
  [String.raw`\s+(?!\S)`, String.raw`\s+`],
  [String.raw`\s*[\r\n]+`, String.raw`\s+`],
  [String.raw`\s*[\r\n]`, String.raw`\s+`],
  ...["", ENDINGS].map((end) =>
    [
      `${LETTER}${UPPER}*${LOWER}+${end}`,
      `${LETTER}${UPPER}+${LOWER}*${end}`,
    ] as const
  ),
]);

/** DeepSeek's, and the same begun at the first space of a run only, which gives the same cuts. */
const REWRITTEN: ReadonlyMap<string, string> = new Map([
  [String.raw`\s+$`, String.raw`(?<!\s)\s+$`],
]);

/** Most ways in which the part of an alternative before its repeats may match. */
const MOST_WAYS = 1000;

/**
 * The expression as it may be run.
 *
 * @throws {TypeError} for an expression that might not end in a time in proportion to the text
 */
export function boundedCut(source: string): string {
  const alternatives = alternativesOf(source);
  const isServed = (one: string) => {
    if (REWRITTEN.has(one)) return true;
    const taker = PUBLISHED.get(one);
    return taker === undefined
      ? neverGoesBack(one)
      : alternatives.includes(taker);
  };
  if (alternatives.every(isServed)) {
    return alternatives.map((one) => REWRITTEN.get(one) ?? one).join("|");
  }
  const shown = source.length > 300 ? `${source.slice(0, 300)}...` : source;
  throw new TypeError(
    `Cannot read tokenizer.json: the expression "${shown}" could take the square of a text's length or more; served are those of published tokenizers, and such whose parts repeat at their end alone`,
  );
}

/**
 * The part of a tokenizer.json with its expressions as they may be run.
 *
 * @throws {TypeError} as `boundedCut` does
 */
export function withBoundedCuts(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(withBoundedCuts);
  if (typeof part !== "object" || part === null) return part;
  return Object.fromEntries(
    Object.entries(part).map(([key, value]) => [
      key,
      key === "Regex" && typeof value === "string"
        ? boundedCut(value)
        : withBoundedCuts(value),
    ]),
  );
}

/**
 * Whether an alternative, once its first repeat without a bound has begun, can no longer fail: what
 * follows may all be absent.
 */
function neverGoesBack(alternative: string): boolean {
  let [ways, repeats] = [1, false];
  for (const { text, repeat } of atomsOf(alternative)) {
    const inner = text.startsWith("(") ? waysOf(text) : 1;
    const isOptional = /^[*?]|^\{0,/.test(repeat);
    if (repeats && !isOptional) return false;
    if (/^[*+]|^\{\d+,\}/.test(repeat)) {
      if (inner > 1) return false;
      repeats = true;
    } else {
      const count = Number(/(\d+)\}/.exec(repeat)?.[1] ?? 1);
      ways *= inner ** count * (repeat === "" ? 1 : count + 1);
    }
  }
  return ways <= MOST_WAYS;
}

/** In how many ways a group can match; without a bound if it repeats something itself. */
function waysOf(group: string): number {
  const inner = group.replace(/^\((?:\?(?:[a-z]*:|<?[=!]|<\w+>))?/, "")
    .slice(0, -1);
  const alternatives = alternativesOf(inner);
  let ways = alternatives.length;
  for (const { text, repeat } of alternatives.flatMap(atomsOf)) {
    if (/^[*+{]/.test(repeat)) return Infinity;
    if (text.startsWith("(")) ways *= waysOf(text);
    if (repeat !== "") ways *= 2;
  }
  return ways;
}

/** The alternatives of an expression, cut at the bars outside of groups and classes. */
function alternativesOf(source: string): string[] {
  const found = [""];
  for (const { text, repeat } of atomsOf(source)) {
    if (text === "|") found.push("");
    else found[found.length - 1] += text + repeat;
  }
  return found;
}

function atomsOf(source: string): Atom[] {
  const atoms: Atom[] = [];
  for (let at = 0; at < source.length;) {
    const end = endOfAtom(source, at);
    const text = source.slice(at, end);
    const [repeat] = text === "|"
      ? [""]
      : /^(?:[*+?]|\{\d+(?:,\d*)?\})[?+]?/.exec(source.slice(end, end + 24)) ??
        [""];
    atoms.push({ text, repeat });
    at = end + repeat.length;
  }
  return atoms;
}

function endOfAtom(source: string, start: number): number {
  const first = source[start];
  if (first === "\\") {
    const [name = ""] = /^[pPx]\{[^}]*\}|^./s.exec(source.slice(start + 1)) ??
      [];
    return start + 1 + name.length;
  }
  if (first !== "[" && first !== "(") return start + 1;
  let depth = 0;
  for (let at = start; at < source.length; at++) {
    const character = source[at];
    if (character === "\\") at++;
    else if (first === "(" && character === "[") at = endOfAtom(source, at) - 1;
    else if (character === first && (first === "(" || at === start)) depth++;
    else if (character === (first === "[" ? "]" : ")") && --depth === 0) {
      return at + 1;
    }
  }
  return source.length;
}
