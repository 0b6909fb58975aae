/**
 * Declares the options of a task. The TypeScript type (`Infer`), the defaults and checks
 * (read_options.ts), `--help` and the tables of the pages (options_help.ts) all come from this one
 * declaration. Knows no option by name.
 *
 * @module
 */
import type { Values } from "./composite_option.ts";
import type { Option } from "./option.ts";

/** Options under headings, in the order of `--help` and of the pages. */
export type OptionGroups = Readonly<
  Record<string, Readonly<Record<string, Option<unknown>>>>
>;

/** Another name of an option, with a translation of its values. */
export interface Alias {
  /** The name of the option here. */
  readonly name: string;
  /**
   * The other tool's value -> the value here; values that are not listed are refused. Without this
   * table all values are kept as they are.
   */
  readonly values?: Readonly<Record<string, unknown>>;
}

/** A key of other tools that has no meaning here. */
export interface ForeignKey {
  /** Why it has none, as the end of a sentence: `arithmetic is float32 on every device`. */
  readonly reason: string;
  /**
   * Values that ask for what this program does anyway; any other value is refused. Without this
   * list all values are accepted; with an empty one the reason says what to write in its place.
   */
  readonly allowed?: readonly unknown[];
}

/** A word after the task's name, without `--`. */
export interface Positional {
  /** Its name in capitals, for usage lines: `RECIPE`. */
  readonly name: string;
  /** One line of help. */
  readonly help: string;
  /** Whether it must be given. */
  readonly required: boolean;
  /** The option that the word is a short way to give; default: none. */
  readonly option?: string;
  /** How the words end that can only be this one; options of several words end before them. */
  readonly endings?: RegExp;
}

/** The result of a check over several options. */
export interface Findings {
  /** Problems, which stop the task. */
  readonly problems: readonly string[];
  /** Warnings, which are shown; the task continues. */
  readonly warnings: readonly string[];
}

/** Turns the type `A | B` into `A & B`. */
export type Intersection<U> =
  (U extends unknown ? (one: U) => void : never) extends (all: infer I) => void
    ? I
    : never;

/** The type of the values of all options, without the groups. */
export type ValuesOf<G extends OptionGroups> = Values<Intersection<G[keyof G]>>;

/** The declaration of a task's options. */
export interface Schema<G extends OptionGroups = OptionGroups> {
  /** The options by name, under their headings. */
  readonly groups: G;
  /** The words without `--`, in order. */
  readonly positionals: readonly Positional[];
  /** Other names -> the option's name. */
  readonly aliases: Readonly<Record<string, string | Alias>>;
  /** Keys of other tools, each a name or a beginning followed by `*`, with their reasons. */
  readonly foreign: Readonly<Record<string, ForeignKey>>;
  /**
   * Groups of options that say the same thing in several ways: one that the command line gives
   * replaces the others of the recipe.
   */
  readonly replacing: readonly (readonly string[])[];
  /** The options that the short help shows, by name; all if it is empty. */
  readonly usual: readonly string[];
  /** Checks conditions between several options. */
  readonly check: (options: ValuesOf<G>) => Findings;
}

/** The type of a task's options: `type TrainOptions = Infer<typeof trainSchema>`. */
export type Infer<S> = S extends
  { readonly groups: infer G extends OptionGroups } ? ValuesOf<G>
  : never;

/**
 * Declares the options of a task.
 *
 * @throws {TypeError} if a name occurs in two groups, or an alias names no option
 */
export function defineSchema<const G extends OptionGroups>(
  groups: G,
  rest: Partial<Omit<Schema<G>, "groups">> = {},
): Schema<G> {
  const schema: Schema<G> = {
    groups,
    positionals: rest.positionals ?? [],
    aliases: rest.aliases ?? {},
    foreign: rest.foreign ?? {},
    replacing: rest.replacing ?? [],
    usual: rest.usual ?? [],
    check: rest.check ?? (() => ({ problems: [], warnings: [] })),
  };
  const names = Object.values(groups).flatMap((group) => Object.keys(group));
  const twice = names.filter((name, i) => names.indexOf(name) !== i);
  const astray = Object.keys(schema.aliases).filter((alias) =>
    !names.includes(aliasOf(schema, alias)?.name ?? "")
  );
  const listed = [
    ...schema.replacing.flat(),
    ...schema.usual,
    ...schema.positionals.flatMap(({ option = [] }) => option),
  ];
  astray.push(...listed.filter((name) => !names.includes(name)));
  const wrong = [...twice, ...astray];
  if (wrong.length > 0) {
    throw new TypeError(
      `Cannot define the options: found ${
        quoted(wrong)
      } twice or as a name of nothing, expected unique names`,
    );
  }
  return schema;
}

/** The option of which `name` is an alias. */
export function aliasOf(
  schema: Pick<Schema, "aliases">,
  name: string,
): Alias | undefined {
  const alias = Object.hasOwn(schema.aliases, name)
    ? schema.aliases[name]
    : undefined;
  return typeof alias === "string" ? { name: alias } : alias;
}

/** The entry of a key of other tools, found by its name or its beginning. */
export function foreignKeyOf(
  schema: Pick<Schema, "foreign">,
  key: string,
): ForeignKey | undefined {
  if (Object.hasOwn(schema.foreign, key)) return schema.foreign[key];
  const pattern = Object.keys(schema.foreign).find((one) =>
    one.endsWith("*") && key.startsWith(one.slice(0, -1))
  );
  return pattern === undefined ? undefined : schema.foreign[pattern];
}

/** All options of all groups, by name. */
export function optionsOf(
  schema: Pick<Schema, "groups">,
): Map<string, Option<unknown>> {
  return new Map(
    Object.values(schema.groups).flatMap((group) => Object.entries(group)),
  );
}

/** Names in quotes: `"a", "b"`. */
export function quoted(names: readonly string[]): string {
  return names.map((name) => JSON.stringify(name)).join(", ");
}
