/**
 * Translates a recipe of another tool by a table of its keys. Each key has its meaning here, or the
 * reason why it has none. Knows no tool; the options are those of the train task's schema.
 */
import { Mismatch } from "../../base/option.ts";
import { isSame } from "../../base/read_options.ts";
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
}

/** The translation of a key: its name here if its values are the same, or a function. */
export type Rule = string | RuleFunction;

/** Translates a key by its value and the other keys of the recipe. */
export type RuleFunction = (value: unknown, recipe: Recipe) => Translation;

/** The table of a tool's keys. A key that ends in `*` stands for all keys with that beginning. */
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
}

/** The rule of a key that has no meaning here, with the reason. */
export function nothing(reason: string): RuleFunction {
  return (value) => value === null ? {} : { note: reason };
}

/** The rule of a key of which only some values ask for what this program does anyway. */
export function only(
  allowed: readonly unknown[],
  reason: string,
): RuleFunction {
  return (value) =>
    allowed.some((one) => isSame(one, value)) ? {} : { note: reason };
}

/** The rule of a key whose values have other names here. A null value is ignored. */
export function words(
  name: string,
  table: Readonly<Record<string, unknown>>,
): RuleFunction {
  return (value) => {
    if (value === null) return {};
    const key = String(value);
    return Object.hasOwn(table, key) ? { options: { [name]: table[key] } } : {
      note: `${JSON.stringify(value)} is not served, only ${
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
  const alias = aliasOf(trainSchema, key);
  const foreign = foreignKeyOf(trainSchema, key);
  const name = alias?.name ?? key;
  const option = optionsOf(trainSchema).get(name);
  if (alias?.values !== undefined) {
    return Object.hasOwn(alias.values, String(value))
      ? { options: { [name]: alias.values[String(value)] } }
      : { note: `${JSON.stringify(value)} is not served, see "${name}"` };
  }
  if (option !== undefined) {
    try {
      option.read(value);
      return { options: { [name]: value } };
    } catch (error) {
      if (!(error instanceof Mismatch)) throw error;
      if (value === null) return {};
      const [first] = error.problems;
      return { note: `${name}${first?.at ?? ""} ${first?.says ?? ""}` };
    }
  }
  if (value === null) return {};
  if (foreign === undefined) return { note: "not an option here" };
  const asked = foreign.allowed === undefined ||
    !foreign.allowed.some((one) => isSame(one, value));
  return asked ? { note: foreign.reason } : {};
}

function ruleOf(rules: Rules, key: string): Rule | undefined {
  if (Object.hasOwn(rules, key)) return rules[key];
  const pattern = Object.keys(rules).find((one) =>
    one.endsWith("*") && key.startsWith(one.slice(0, -1))
  );
  return pattern === undefined ? undefined : rules[pattern];
}

/**
 * Translates a recipe key by key. A key without a rule is read as an option here. The results of
 * rules are checked against the schema.
 */
export function translate(recipe: Recipe, rules: Rules): Translated {
  const options: Record<string, unknown> = {};
  const notes: Note[] = [];
  for (const [key, value] of Object.entries(recipe)) {
    const rule = ruleOf(rules, key);
    const translation = rule === undefined
      ? judge(key, value)
      : typeof rule === "string"
      ? { options: { [rule]: value } }
      : rule(value, recipe);
    const { note } = translation;
    if (note !== undefined) notes.push({ key, reason: note });
    for (const [name, one] of Object.entries(translation.options ?? {})) {
      const judged = judge(name, one);
      Object.assign(options, judged.options);
      if (judged.note !== undefined) notes.push({ key, reason: judged.note });
    }
  }
  return { options, notes };
}
