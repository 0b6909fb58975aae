/**
 * Regular expressions that come with an adapter or a recipe, which must not take for ever. Those
 * with few ways to match run as they are; all others run in RE2, whose time grows with the length
 * of the text alone. Knows no names of layers.
 */
import { RE2JS } from "re2js";

/** What an expression can be asked. */
export interface Expression {
  /** Whether a part of the text fits; the whole, if the expression says so. */
  test(text: string): boolean;
}

/** A length that no name of a parameter reaches. */
const LENGTH = 200;

/** Ways to match that take no noticeable time to try. */
const MOST_WAYS = 2e6;

/**
 * Compiles an expression.
 *
 * @param flags JavaScript's letters: i, s, m
 * @throws {SyntaxError} with the end of a sentence that begins with the expression: "is not a
 *   regular expression", or that it has many ways to match and needs what RE2 lacks
 */
export function boundedExpression(source: string, flags = ""): Expression {
  let plain: RegExp;
  try {
    plain = new RegExp(source, flags);
  } catch {
    throw new SyntaxError("is not a regular expression");
  }
  if (waysToMatch(source) <= MOST_WAYS) return plain;
  try {
    const linear = RE2JS.compile((flags && `(?${flags})`) + source);
    return { test: (text) => linear.matcher(text).find() };
  } catch {
    throw new SyntaxError(
      "has too many ways to match beside a look-around or back-reference",
    );
  }
}

/** What is wrong with an expression, which is shown by its beginning. */
export function expressionFault(source: string, error: unknown): string {
  const shown = source.length <= 200 ? source : `${source.slice(0, 200)}...`;
  return `"${shown}" ${error instanceof Error ? error.message : error}`;
}

/** What can be tried of a part of an expression. */
interface Choices {
  /** Repeats without a bound, which share the length of the text among them. */
  repeats: number;
  /** The ways of all else, which multiply. */
  ways: number;
}

/** A group whose end is not reached yet. */
interface OpenGroup extends Choices {
  alternatives: number;
  /** Whether it is a look-around that is tried once: no repeat or choice stands before it. */
  readonly isOnce: boolean;
}

/** In how many places of a text so many repeats can end: a binomial coefficient. */
function waysOf({ repeats, ways }: Choices): number {
  for (let i = 1; i <= repeats; i++) ways *= (LENGTH + i) / i;
  return ways;
}

/**
 * An upper bound of the ways in which an expression can match a text, all of which a backtracking
 * engine may try. A repeat of what has several ways itself has no bound.
 */
function waysToMatch(source: string): number {
  const groups: OpenGroup[] = [openGroup(false)];
  const parts =
    /\\k<\w*>|\\.|\[(?:\\.|[^\]\\])*\]|\(\?(?:<?[=!]|:|P?<\w+>|[a-z]+:)|[()|]|[*+?]\??|\{\d+(,?)(\d*)\}\??|./gs;
  let last: Choices = { repeats: 0, ways: 1 }; // of the part that a repeat would repeat
  for (const [part, comma, most] of source.matchAll(parts)) {
    const group = groups.at(-1)!;
    if (part.startsWith("(")) {
      const isFirst = groups.every((one) => waysOf(one) === 1);
      groups.push(openGroup(isFirst && /^\(\?<?[=!]/.test(part)));
    } else if (part === ")" && groups.length > 1) {
      const { repeats, ways, alternatives, isOnce } = groups.pop()!;
      last = { repeats, ways: ways * alternatives };
      const outer = groups.at(-1)!;
      if (isOnce && waysOf(last) <= MOST_WAYS) continue;
      outer.repeats += repeats;
      outer.ways *= last.ways;
    } else if (part === "|") group.alternatives++;
    else if (/^[*+]|^\{\d+,\}/.test(part)) {
      if (waysOf(last) > 1) return Infinity;
      group.repeats++;
    } else if (part.startsWith("?")) group.ways *= 2;
    else if (/^\{\d/.test(part)) {
      const count = Number(most || /\d+/.exec(part));
      group.ways *= (comma ? count + 1 : 1) * waysOf(last) ** count;
    } else last = { repeats: 0, ways: 1 };
  }
  return groups.reduce(
    (ways, one) => ways * waysOf(one) * one.alternatives,
    1,
  );
}

function openGroup(isOnce: boolean): OpenGroup {
  return { repeats: 0, ways: 1, alternatives: 1, isOnce };
}
