/**
 * Makes checked options from a recipe and the command line, where the command line wins over the
 * recipe and both over the defaults. It translates aliases, answers keys of other tools with a
 * reason and unknown keys with the nearest name, and reports all problems at once.
 *
 * @module
 */
import { levenshteinDistance } from "@std/text";
import { listed, shown, spelled, worded } from "./shown.ts";
import { Mismatch, type Option, spoken } from "./option.ts";
import {
  aliasOf,
  type ForeignKey,
  foreignKeyOf,
  type OptionGroups,
  optionsOf,
  quoted,
  type Schema,
  type ValuesOf,
} from "./schema.ts";

/** Options that passed every check, with warnings for the user. */
export interface ReadOptions<V> {
  /** The value of every option. */
  readonly options: V;
  /** The warnings, one line each. */
  readonly warnings: readonly string[];
}

/** The options of one source, a recipe or the command line: names to unchecked values. */
export type Given = Readonly<Record<string, unknown>>;

/** The parts of a schema that define the meaning of a key. */
type Keys = Pick<Schema, "groups" | "aliases" | "foreign">;

/**
 * Merges defaults and `sources`, of which later ones win, then checks the options.
 *
 * @throws {TypeError} with one line that names every unknown, missing, malformed and refused option
 */
export function readOptions<G extends OptionGroups>(
  schema: Schema<G>,
  sources: readonly Given[],
): ReadOptions<ValuesOf<G>> {
  const problems: string[] = [];
  const warnings: string[] = [];
  const merged: Record<string, unknown> = {};
  for (const source of sources) {
    const own = ownNames(schema, source, { problems, warnings });
    for (const name of replacedBy(schema, own)) delete merged[name];
    Object.assign(merged, own);
  }
  const values: Record<string, unknown> = {};
  for (const [name, option] of optionsOf(schema)) {
    if (!Object.hasOwn(merged, name)) {
      values[name] = option.fallback;
      if (option.fallback === undefined) {
        problems.push(`"${name}" is missing, expected ${option.type}`);
      }
      continue;
    }
    try {
      values[name] = option.read(merged[name]);
    } catch (error) {
      if (!(error instanceof Mismatch)) throw error;
      for (const { at, says } of error.problems) {
        problems.push(`"${name}${at}" ${says}`);
      }
    }
  }
  stopOn(problems);
  const options = values as ValuesOf<G>; // every option was read or has its default
  const findings = schema.check(options);
  stopOn(findings.problems);
  return { options, warnings: [...warnings, ...findings.warnings] };
}

/** Options of earlier sources that a source replaces by options that say the same thing. */
function replacedBy({ replacing }: Pick<Schema, "replacing">, own: Given) {
  const isGiven = (name: string) =>
    Object.hasOwn(own, name) && own[name] !== null;
  return replacing.filter((group) => group.some(isGiven)).flat();
}

function stopOn(problems: readonly string[]): void {
  if (problems.length > 0) {
    throw new TypeError(`Cannot read the options: ${listed(problems)}`);
  }
}

interface Notes {
  readonly problems: string[];
  readonly warnings: string[];
}

/** A source with aliases translated and keys of other tools answered. */
function ownNames(schema: Keys, source: Given, notes: Notes): Given {
  const own: Record<string, unknown> = {};
  const options = optionsOf(schema);
  for (const [key, value] of Object.entries(source)) {
    const alias = aliasOf(schema, key);
    const foreign = foreignKeyOf(schema, key);
    const name = alias?.name ?? key;
    if (isUnsaid(value, options.get(name), foreign)) continue;
    if (alias !== undefined && Object.hasOwn(source, name)) {
      notes.problems.push(`"${key}" and "${name}" are the same, give one`);
    } else if (alias?.values !== undefined) {
      if (Object.hasOwn(alias.values, spelled(value))) {
        own[name] = alias.values[spelled(value)];
      } else {
        notes.problems.push(
          `"${key}" must be one of ${Object.keys(alias.values).join(", ")}, ` +
            `found ${shown(value)}; see "${name}"`,
        );
      }
    } else if (options.has(name)) own[name] = value;
    else if (foreign !== undefined) answer(foreign, key, value, notes);
    else notes.problems.push(unknownKey(schema, key, notes.problems.length));
  }
  return own;
}

/**
 * Whether a null says nothing: the key is known, and null is no value of it. Tools write their
 * defaults so. The words for null count too, also where an option would take them as a text; but
 * not where it takes one of some words: there "none" may be meant for another of them.
 */
function isUnsaid(
  value: unknown,
  option: Option<unknown> | undefined,
  foreign: ForeignKey | undefined,
): boolean {
  if (option === undefined) return value === null && foreign !== undefined;
  const isWord = typeof value === "string" && /^(null|none)$/i.test(value) &&
    option.words === undefined;
  if (value !== null && !isWord) return false;
  try {
    const read = option.read(value);
    return isWord && read === value;
  } catch (error) {
    if (!(error instanceof Mismatch)) throw error;
    return true;
  }
}

/** Whether a value asks for nothing, which no key of another tool needs a word for. */
export function isOff(value: unknown): boolean {
  return [null, false, "", "none", "no", [], {}].some((off) =>
    JSON.stringify(off) === JSON.stringify(value)
  );
}

function answer(
  { reason, allowed }: ForeignKey,
  key: string,
  value: unknown,
  { problems, warnings }: Notes,
): void {
  if (allowed === undefined) {
    if (!isOff(value)) warnings.push(`"${key}" is ignored: ${reason}`);
  } else if (allowed.length === 0) {
    problems.push(`"${key}" is not an option: ${reason}`);
  } else if (!allowed.some((one) => isSame(one, value))) {
    problems.push(`"${key}" cannot be ${shown(value)}: ${reason}`);
  }
}

/**
 * Whether two values are equal as JSON. A text from the command line equals the value that it
 * spells, `True` and `no` included.
 */
export function isSame(a: unknown, b: unknown): boolean {
  if (JSON.stringify(a) === JSON.stringify(b)) return true;
  if (typeof b !== "string") return false;
  const isSpoken = typeof a === "boolean" && spoken(b) === a;
  return isSpoken || worded(a).toLowerCase() === b.toLowerCase();
}

/** The most unknown keys that are shown with the nearest name, and the longest such key. */
const MOST_NEAREST = 20;
const LONGEST_NEAREST = 64;

function unknownKey(schema: Keys, key: string, before: number): string {
  if (before >= MOST_NEAREST || key.length > LONGEST_NEAREST) {
    return `${shown(key)} is not an option`;
  }
  const known = [...optionsOf(schema).keys(), ...Object.keys(schema.aliases)];
  const nearest = known.map((name) => ({
    name,
    distance: levenshteinDistance(key, name),
  })).sort((a, b) => a.distance - b.distance)[0];
  return nearest === undefined || nearest.distance > mostTypos(key)
    ? `${quoted([key])} is not an option, --help=all lists them`
    : `${quoted([key])} is not an option, did you mean "${nearest.name}"`;
}

/** Letters by which a mistyped name may differ from the right one; more is another word. */
function mostTypos(name: string): number {
  return Math.min(3, Math.max(1, Math.floor(name.length / 4)));
}
