/**
 * Translates a recipe of another tool by a table of its keys. Each key has its meaning here, or the
 * reason why it has none. Knows no tool; the options are those of the train task's schema.
 */
import { worded } from "../../base/shown.ts";
import { isRecord } from "../../base/composite_option.ts";
import { Mismatch } from "../../base/option.ts";
import { isOff, isSame } from "../../base/read_options.ts";
import { aliasOf, foreignKeyOf, optionsOf } from "../../base/schema.ts";
import { trainSchema } from "../options/train_schema.ts";

/** The keys and values of a recipe's file. */
export type Recipe = Readonly<Record<string, unknown>>;

/** The translation of a key. */
export interface Translation {
  /** The options here. */
  readonly options?: Recipe;
  /** A note about what is lost or done differently here, with the reason. */
  readonly note?: string;
  /** Why the recipe cannot run here: what the key asks for would be left out. */
  readonly refusal?: string;
}

/** The translation of a key: its name here if its values are the same, or a function. */
export type Rule = string | RuleFunction;

/** Translates a key by its value and the other keys of the recipe. */
export type RuleFunction = (value: unknown, recipe: Recipe) => Translation;

/**
 * The table of a tool's keys. A key that ends in `*` stands for all keys with that beginning, and
 * `peft_config.r` is the key `r` of the record `peft_config`.
 */
export type Rules = Readonly<Record<string, Rule>>;

/** A note about a key that was not translated, or only in part. */
export interface Note {
  /** The key, or its place, such as `datasets[0].type`. */
  readonly key: string;
  /** The reason, and what to do instead. */
  readonly reason: string;
}

/** The text of a note, in one line. */
export function noteLine({ key, reason }: Note): string {
  return `"${key}": ${reason}`;
}

/** A translated recipe, with notes about what was lost. */
export interface Translated {
  /** The options, in the order of the file. */
  readonly options: Recipe;
  /** The notes, in the order of the file. */
  readonly notes: readonly Note[];
  /** What the recipe asks for and is not served; with any, it does not run. */
  readonly refusals?: readonly Note[];
}

/** The reason of a key that no table has. */
export const UNKNOWN = "not an option here";

/** The rule of a key that has no meaning here, with the reason. */
export function nothing(reason: string): RuleFunction {
  return (value) => isOff(value) || value === 0 ? {} : { note: reason };
}

/** The rules of keys that have no meaning here, all for one reason. */
export function ignored(reason: string, keys: readonly string[]): Rules {
  return Object.fromEntries(keys.map((key) => [key, nothing(reason)]));
}

/** The rule of a key that asks for something that is not served, unless its value is off. */
export function refused(reason: string): RuleFunction {
  return (value) => isOff(value) || value === 0 ? {} : { refusal: reason };
}

/** The rules of keys that ask for something that is not served, all for one reason. */
export function refusedKeys(reason: string, keys: readonly string[]): Rules {
  return Object.fromEntries(keys.map((key) => [key, refused(reason)]));
}

/** The rules of keys that matter only beside another key, which is not served. */
export function partsOf(parent: string, keys: readonly string[]): Rules {
  const rule: RuleFunction = (value, recipe) =>
    isOff(value) || value === 0
      ? {}
      : isOff(recipe[parent] ?? null)
      ? { note: `it matters with ${parent} only` }
      : { refusal: `it is a part of ${parent}` };
  return Object.fromEntries(keys.map((key) => [key, rule]));
}

/** The rule of a key of which only some values ask for what this program does anyway. */
export function only(
  allowed: readonly unknown[],
  reason: string,
): RuleFunction {
  return (value) =>
    allowed.some((one) => isSame(one, value)) ? {} : { refusal: reason };
}

/** The rule of a key whose values have other names here. A null value is ignored. */
export function words(
  name: string,
  table: Readonly<Record<string, unknown>>,
): RuleFunction {
  return (value) => {
    if (value === null) return {};
    const key = worded(value);
    return Object.hasOwn(table, key) ? { options: { [name]: table[key] } } : {
      refusal: `${JSON.stringify(value)} is not served, only ${
        Object.keys(table).join(", ")
      }`,
    };
  };
}

/**
 * Accepts a key if it is an option here and its value is allowed. A null is a key without a value,
 * so the default applies.
 */
function judge(key: string, value: unknown): Translation {
  if (value === undefined) return {};
  const alias = aliasOf(trainSchema, key);
  const foreign = foreignKeyOf(trainSchema, key);
  const name = alias?.name ?? key;
  const option = optionsOf(trainSchema).get(name);
  if (alias?.values !== undefined) {
    if (value === null) return {};
    return Object.hasOwn(alias.values, worded(value))
      ? { options: { [name]: alias.values[worded(value)] } }
      : { refusal: `${JSON.stringify(value)} is not served, see "${name}"` };
  }
  if (option !== undefined) {
    try {
      option.read(value);
      return { options: { [name]: value } };
    } catch (error) {
      if (!(error instanceof Mismatch)) throw error;
      if (value === null) return {};
      const [first] = error.problems;
      return { refusal: `${name}${first?.at ?? ""} ${first?.says ?? ""}` };
    }
  }
  if (value === null) return {};
  if (foreign === undefined) return { note: UNKNOWN };
  const { reason, allowed } = foreign;
  if (allowed === undefined) return nothing(reason)(value, {});
  return only(allowed, reason)(value, {});
}

/** The rule of a key, found by its name or its beginning; undefined if the table has none. */
export function ruleOf(rules: Rules, key: string): Rule | undefined {
  if (Object.hasOwn(rules, key)) return rules[key];
  const pattern = Object.keys(rules).find((one) =>
    one.endsWith("*") && key.startsWith(one.slice(0, -1))
  );
  return pattern === undefined ? undefined : rules[pattern];
}

/** The keys of a recipe by their places, records taken apart whose single keys have rules. */
function placesOf(
  recipe: Recipe,
  rules: Rules,
  above = "",
): [string, unknown][] {
  return Object.entries(recipe).flatMap(([key, value]) => {
    const place = above + key;
    const isApart = isRecord(value) && ruleOf(rules, place) === undefined &&
      Object.keys(rules).some((one) => one.startsWith(`${place}.`));
    return isApart ? placesOf(value, rules, `${place}.`) : [[place, value]];
  });
}

/** Translates one key of a recipe by its rule, whose results are not checked. */
export function translateKey(
  key: string,
  recipe: Recipe,
  rules: Rules,
  value: unknown = recipe[key],
): Translation {
  const rule = ruleOf(rules, key);
  if (rule === undefined) return judge(key, value);
  return typeof rule === "string"
    ? { options: { [rule]: value } }
    : rule(value, recipe);
}

/**
 * Translates a recipe key by key. A key without a rule is read as an option here. The results of
 * rules are checked against the schema.
 */
export function translate(recipe: Recipe, rules: Rules): Translated {
  const options: Record<string, unknown> = {};
  const notes: Note[] = [];
  const refusals: Note[] = [];
  const say = (key: string, { note, refusal }: Translation) => {
    if (note !== undefined) notes.push({ key, reason: note });
    if (refusal !== undefined) refusals.push({ key, reason: refusal });
  };
  for (const [key, value] of placesOf(recipe, rules)) {
    const translation = translateKey(key, recipe, rules, value);
    say(key, translation);
    for (const [name, one] of Object.entries(translation.options ?? {})) {
      const judged = judge(name, one);
      Object.assign(options, judged.options);
      say(key, judged);
    }
  }
  return { options, notes, refusals };
}
