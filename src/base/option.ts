/**
 * The kinds of options. An option reads its value from JSON, YAML or a text of the command line,
 * and has a type, a default and one line of help. Knows no task and no option by name.
 *
 * @module
 */
import { own } from "./own.ts";
import { shown, spelled } from "./shown.ts";

/** One option: how its value is read, and what the help and the pages say about it. */
export interface Option<out T> {
  /** One line of help: meaning, unit, usual range. */
  readonly help: string;
  /** The expected value, as a noun: `integer of at least 1`. */
  readonly type: string;
  /** The default; undefined if a value must be given. */
  readonly fallback: T | undefined;
  /** Whether the name alone on the command line means true. */
  readonly bare: boolean;
  /** The words of which it takes one; absent if it takes others. */
  readonly words?: readonly string[];
  /** Makes one text of several words of the command line; absent if the option takes one word. */
  readonly joined?: (words: readonly string[]) => string;
  /**
   * Reads the value from JSON or text.
   *
   * @throws {Mismatch} with all problems and their places
   */
  read(value: unknown): T;
}

/** Thrown for a value of the wrong form, with each problem and its place inside the value. */
export class Mismatch extends Error {
  /** Makes an error from its problems. */
  constructor(
    /**
     * The problems: the place of each inside the value ("" for the value as a whole), and what is
     * wrong.
     */
    readonly problems: readonly { at: string; says: string }[],
  ) {
    super(problems.map(({ at, says }) => `${at} ${says}`).join("; "));
  }
}

/** The error of a value that is wrong as a whole: `must be TYPE, found VALUE`. */
export function mismatch(type: string, value: unknown): Mismatch {
  const found = value === undefined ? "nothing" : shown(value);
  return new Mismatch([{ at: "", says: `must be ${type}, found ${found}` }]);
}

/** Bounds of a number. */
export interface Bounds {
  /** Least allowed value. */
  readonly min?: number;
  /** Largest allowed value. */
  readonly max?: number;
  /** The value must be larger than this number. */
  readonly above?: number;
}

function within(bounds: Bounds): string {
  const { min, max, above } = bounds;
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`;
  if (above !== undefined && max !== undefined) {
    return ` above ${above}, at most ${max}`;
  }
  if (above !== undefined) return ` above ${above}`;
  if (min !== undefined) return ` of at least ${min}`;
  return max === undefined ? "" : ` of at most ${max}`;
}

function numeric(
  help: string,
  fallback: number | undefined,
  { bounds, integer }: { bounds: Bounds; integer: boolean },
): Option<number> {
  const type = (integer ? "an integer" : "a number") + within(bounds);
  const { min = -Infinity, max = Infinity, above = -Infinity } = bounds;
  return {
    help,
    type,
    fallback,
    bare: false,
    read(value) {
      const text = typeof value === "string" && value.trim() !== "";
      const x = text ? Number(value) : value;
      if (
        typeof x !== "number" || !Number.isFinite(x) || x < min || x > max ||
        x <= above || (integer && !Number.isInteger(x))
      ) throw mismatch(type, value);
      return x;
    },
  };
}

/** A finite number within bounds. */
export function number(
  help: string,
  fallback?: number,
  bounds: Bounds = {},
): Option<number> {
  return numeric(help, fallback, { bounds, integer: false });
}

/** A whole number within bounds. */
export function integer(
  help: string,
  fallback?: number,
  bounds: Bounds = {},
): Option<number> {
  return numeric(help, fallback, { bounds, integer: true });
}

/** Text that is not empty, such as a path or a name. */
export function text(help: string, fallback?: string): Option<string> {
  const type = "text";
  return {
    help,
    type,
    fallback,
    bare: false,
    read(value) {
      if (typeof value !== "string" || value === "") {
        throw mismatch(type, value);
      }
      return value;
    },
  };
}

/**
 * One of a fixed set of words; the word `no` may arrive as any of YAML's words for false.
 *
 * @param synonyms other words for the same values, which the help does not show
 */
export function choice<const T extends string>(
  help: string,
  fallback: T | undefined,
  words: readonly T[],
  synonyms: Readonly<Record<string, NoInfer<T>>> = {},
): Option<T> {
  const type = `one of ${words.join(", ")}`;
  return {
    help,
    type,
    fallback,
    bare: false,
    words,
    read(value) {
      const word = words.find((one) => one === value) ??
        words.find((one) => one === "no" && spoken(value) === false) ??
        own(synonyms, value);
      if (word === undefined) throw mismatch(type, value);
      return word;
    },
  };
}

const YES = ["true", "yes", "on", "y", "t", "1"];
const NO = ["false", "no", "off", "n", "f", "0"];

/**
 * The boolean that a value spells, in any case, as transformers' command line and YAML 1.1 do:
 * `True`, `yes`, `on`, 1; undefined if it spells none.
 */
export function spoken(value: unknown): boolean | undefined {
  const word = spelled(value).toLowerCase();
  if (YES.includes(word)) return true;
  return NO.includes(word) ? false : undefined;
}

/** True or false; the name alone on the command line means true. */
export function flag(help: string, fallback = false): Option<boolean> {
  const type = "true or false";
  return {
    help,
    type,
    fallback,
    bare: true,
    read(value) {
      const said = Array.isArray(value) ? undefined : spoken(value);
      if (said === undefined) throw mismatch(type, value);
      return said;
    },
  };
}
