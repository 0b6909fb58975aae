/**
 * Finds the linear layers that an adapter changes, by PEFT's rules for `target_modules`. Knows
 * paths only.
 */

import {
  boundedExpression,
  type Expression,
  expressionFault,
} from "../../base/expression.ts";
import { tell } from "../../base/notes.ts";

/**
 * Whether a text has characters of regular expressions. PEFT reads such a text as an expression
 * over whole paths, any other as a name.
 */
export function isExpression(text: string): boolean {
  return /[\\^$*+?()[\]{}|]/.test(text);
}

/**
 * A regular expression of Python's, such as PEFT's configs have. Flags at its beginning count, as
 * in `(?i).*Q_PROJ`.
 *
 * @param place puts the expression between others
 * @throws {SyntaxError} if it is none, has a flag that JavaScript lacks, or too many ways to match
 */
export function pythonExpression(
  rule: string,
  place: (text: string) => string,
): Expression {
  const [opening = "", flags = ""] = /^\(\?([a-zA-Z]+)\)/.exec(rule) ?? [];
  const text = rule.slice(opening.length)
    .replaceAll("(?P<", "(?<").replaceAll(/\(\?P=(\w+)\)/g, "\\k<$1>")
    .replaceAll(/(?<!\\)((?:\\\\)*)\\A/g, "$1^")
    .replaceAll(/(?<!\\)((?:\\\\)*)\\Z/g, "$1$");
  // Python's a and u say which letters \w knows; names of layers are ASCII
  return boundedExpression(place(text), flags.replaceAll(/[au]/g, ""));
}

/**
 * Whether a rule names a path. A text is a regular expression for the whole path; a list holds
 * paths or ends of paths.
 *
 * @throws {TypeError} if the text is not a regular expression
 */
export function namesPath(
  rule: string | readonly string[],
  path: string,
): boolean {
  return typeof rule === "string"
    ? expression(rule).test(path)
    : inList(rule, path);
}

function inList(rule: readonly string[], path: string): boolean {
  return rule.some((name) => path === name || path.endsWith(`.${name}`));
}

function expression(rule: string): Expression {
  try {
    return pythonExpression(rule, (text) => `^(?:${text})$`);
  } catch (error) {
    throw new TypeError(
      `Cannot adapt model: ${
        expressionFault(rule, error)
      }, expected one over paths such as ".*\\.(q|v)_proj"`,
    );
  }
}

/** How names that match nothing are taken, and what else may be named. */
export interface MatchOptions {
  /** Whether some entries of a list may match nothing, as in PEFT; default false. */
  readonly mayMiss?: boolean | undefined;
  /** Paths of embedding and head, which "all-linear" does not name. */
  readonly others?: readonly string[];
}

/**
 * The paths that a rule names. "all-linear" names all linear layers but the head; any other text is
 * a regular expression for whole paths; a list holds paths or ends of paths.
 *
 * @param paths the paths of all linear layers except the head
 * @throws {TypeError} naming the entries that match nothing
 */
export function matchTargets(
  rule: string | readonly string[],
  paths: readonly string[],
  { mayMiss = false, others = [] }: MatchOptions = {},
): string[] {
  if (rule === "all-linear") return [...paths];
  const all = [...paths, ...others];
  if (typeof rule === "string") {
    const matched = all.filter((path) => namesPath(rule, path));
    if (matched.length > 0) return matched;
    throw new TypeError(
      `Cannot adapt model: target_modules "${rule}" matches no linear layer, expected a path such as "${
        paths[0]
      }"`,
    );
  }
  const unmatched = rule.filter((name) =>
    !all.some((path) => namesPath([name], path))
  );
  if (unmatched.length === rule.length) {
    const known = [...new Set(paths.map((path) => path.split(".").at(-1)))];
    throw new TypeError(
      `Cannot adapt model: target_modules "${
        unmatched.join('", "')
      }" match no linear layer, expected "all-linear" or names among ${
        known.join(", ")
      }`,
    );
  }
  if (unmatched.length > 0 && !mayMiss) {
    tell(
      `target_modules "${
        unmatched.join('", "')
      }" match no layer of this model and are passed over, as in PEFT`,
    );
  }
  return all.filter((path) => namesPath(rule, path));
}
