/**
 * How a recipe of another tool becomes ours: a table of its keys, each with what it means here or
 * why it means nothing. Knows no tool; the options that exist are the train task's schema.
 */
import { Mismatch } from "../../base/option.ts";
import { isSame } from "../../base/read_options.ts";
import { aliasOf, foreignKeyOf, optionsOf } from "../../base/schema.ts";
import { trainSchema } from "../options/train_schema.ts";

/** A recipe as its file has it. */
export type Recipe = Readonly<Record<string, unknown>>;

/** What a key becomes. */
export interface Translation {
  /** Our options. */
  readonly options?: Recipe;
  /** What of it is lost, or done otherwise here, and why. */
  readonly note?: string;
}

/** Our name for a key whose values are the same; or what the key becomes. */
export type Rule = string | RuleFunction;

/** What a key becomes, by its value and the keys beside it. */
export type RuleFunction = (value: unknown, recipe: Recipe) => Translation;

/** A table of one tool's keys; those with `*` at the end stand for all that begin so. */
export type Rules = Readonly<Record<string, Rule>>;

/** A key that was not taken over, or not as it stands. */
export interface Note {
  /** Its name, or its place such as `datasets[0].type`. */
  readonly key: string;
  /** Why, and what to do instead. */
  readonly reason: string;
}

/** A note in one line. */
export function noteLine({ key, reason }: Note): string {
  return `"${key}": ${reason}`;
}

/** A recipe of ours, and what was lost on the way. */
export interface Translated {
  /** In the order of the file. */
  readonly options: Recipe;
  /** What was lost, in the order of the file. */
  readonly notes: readonly Note[];
}

/** A key that means nothing here, with the reason. */
export function nothing(reason: string): RuleFunction {
  return (value) => value === null ? {} : { note: reason };
}

/** A key of which only some values ask for what happens here anyway. */
export function only(
  allowed: readonly unknown[],
  reason: string,
): RuleFunction {
  return (value) =>
    allowed.some((one) => isSame(one, value)) ? {} : { note: reason };
}

/** A key whose values have other names here; null means nothing at all. */
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
 * Takes an option over if it is one of ours with a value that it may have. Null is a key left
 * empty: the default.
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
 * Translates key by key; one without a rule is taken as ours. What a rule gives is checked against
 * the schema.
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
