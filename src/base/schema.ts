/**
 * The options of one task, declared once. From the declaration come the TypeScript type (`Infer`),
 * defaults and checks (read_options.ts), `--help` and the README's table (options_help.ts). Knows
 * no option by name.
 *
 * @module
 */
import type { Values } from "./composite_option.ts";
import type { Option } from "./option.ts";

/** Options under headings; the headings order `--help` and the README. */
export type Groups = Readonly<
  Record<string, Readonly<Record<string, Option<unknown>>>>
>;

/** Another name of an option, and what its values are called here. */
export interface Alias {
  /** Ours. */
  readonly name: string;
  /**
   * Foreign value to our value; a value that is absent is refused. All pass where there is no
   * table.
   */
  readonly values?: Readonly<Record<string, unknown>>;
}

/** A key of other tools that means nothing here. */
export interface ForeignKey {
  /** Why, as the end of a sentence: `arithmetic is float32 on every adapter`. */
  readonly reason: string;
  /**
   * Values that ask for what happens here anyway; another one is refused. All are accepted where
   * absent.
   */
  readonly allowed?: readonly unknown[];
}

/** A word after the task's name, without `--`. */
export interface Positional {
  /** In capitals, as usage lines have it: `RECIPE`. */
  readonly name: string;
  /** One line for `--help`. */
  readonly help: string;
  /** Whether the task stops without it. */
  readonly required: boolean;
}

/** What a check over all options together found. */
export interface Findings {
  /** Each stops the task. */
  readonly problems: readonly string[];
  /** Each is told, and the task goes on. */
  readonly warnings: readonly string[];
}

/** `A | B` to `A & B`. */
export type Intersection<U> =
  (U extends unknown ? (one: U) => void : never) extends (all: infer I) => void
    ? I
    : never;

/** The flat type of all options of all groups. */
export type ValuesOf<G extends Groups> = Values<Intersection<G[keyof G]>>;

/** Everything about the options of one task. */
export interface Schema<G extends Groups = Groups> {
  /** Options by name, under their headings. */
  readonly groups: G;
  /** Words without `--`, in order. */
  readonly positionals: readonly Positional[];
  /** Other name to ours. */
  readonly aliases: Readonly<Record<string, string | Alias>>;
  /** Key, or pattern with one `*` at its end, to its reason. */
  readonly foreign: Readonly<Record<string, ForeignKey>>;
  /** Checks that see several options at once. */
  readonly check: (options: ValuesOf<G>) => Findings;
}

/** The type of a task's options: `type TrainOptions = Infer<typeof trainSchema>`. */
export type Infer<S> = S extends { readonly groups: infer G extends Groups }
  ? ValuesOf<G>
  : never;

/**
 * Declares the options of a task.
 *
 * @throws {TypeError} If a name occurs in two groups, or an alias leads nowhere
 */
export function defineSchema<const G extends Groups>(
  groups: G,
  rest: Partial<Omit<Schema<G>, "groups">> = {},
): Schema<G> {
  const schema: Schema<G> = {
    groups,
    positionals: rest.positionals ?? [],
    aliases: rest.aliases ?? {},
    foreign: rest.foreign ?? {},
    check: rest.check ?? (() => ({ problems: [], warnings: [] })),
  };
  const names = Object.values(groups).flatMap((group) => Object.keys(group));
  const twice = names.filter((name, i) => names.indexOf(name) !== i);
  const astray = Object.keys(schema.aliases).filter((alias) =>
    !names.includes(aliasOf(schema, alias)?.name ?? "")
  );
  const wrong = [...twice, ...astray];
  if (wrong.length > 0) {
    throw new TypeError(
      `Cannot define the options: found ${
        quoted(wrong)
      } twice or as an alias of nothing, expected unique names`,
    );
  }
  return schema;
}

/** The option that `name` is an alias of. */
export function aliasOf(
  schema: Pick<Schema, "aliases">,
  name: string,
): Alias | undefined {
  const alias = Object.hasOwn(schema.aliases, name)
    ? schema.aliases[name]
    : undefined;
  return typeof alias === "string" ? { name: alias } : alias;
}

/** What is said about a key of other tools, by its name or its beginning. */
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

/** The options of all groups, by name. */
export function optionsOf(
  schema: Pick<Schema, "groups">,
): Map<string, Option<unknown>> {
  return new Map(
    Object.values(schema.groups).flatMap((group) => Object.entries(group)),
  );
}

/** `"a", "b"`. */
export function quoted(names: readonly string[]): string {
  return names.map((name) => JSON.stringify(name)).join(", ");
}
