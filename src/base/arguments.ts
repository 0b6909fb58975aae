/**
 * The command line's words, sorted into options and positional arguments: `--key=value`,
 * `--key value`, bare flags, `--no_flag`; dashes and underscores are the same. Values stay text:
 * read_options.ts checks them.
 *
 * @module
 */
import { aliasOf, optionsOf, quoted, type Schema } from "./schema.ts";

/** What the command line holds. */
export interface Arguments {
  /** Option, as written but with underscores, to its text; true or false for bare flags. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Words without dashes, in order: the recipe. */
  readonly positionals: readonly string[];
  /** `--help` or `-h` was given. */
  readonly help: boolean;
  /** `--debug` was given: errors are to show their stack. */
  readonly debug: boolean;
}

/** What `readArguments()` needs to know of a schema. */
export type ArgumentSchema = Pick<Schema, "groups" | "positionals" | "aliases">;

/**
 * Sorts the words of a command line.
 *
 * @throws {TypeError} If a word is no option, a value is missing, or positional arguments are too
 *   many or missing
 */
export function readArguments(
  schema: ArgumentSchema,
  words: readonly string[],
): Arguments {
  const values: Record<string, unknown> = {};
  const positionals: string[] = [];
  const problems: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? "";
    const [, dashed, text] = /^--([A-Za-z][\w.-]*)(?:=(.*))?$/s.exec(word) ??
      [];
    if (word === "-h") values["help"] = true;
    else if (dashed !== undefined) {
      i += take(schema, values, problems, {
        name: dashed.replaceAll("-", "_"),
        text,
        next: words[i + 1],
      });
    } else if (word.startsWith("-") && word !== "-") {
      problems.push(`found ${quoted([word])}, expected --key=value`);
    } else positionals.push(word);
  }
  const { help = false, debug = false, ...rest } = values;
  if (!help) problems.push(...countPositionals(schema, positionals));
  if (problems.length > 0) {
    throw new TypeError(`Cannot read the command line: ${problems.join("; ")}`);
  }
  return {
    values: rest,
    positionals,
    help: help === true,
    debug: debug === true,
  };
}

interface Word {
  readonly name: string;
  readonly text: string | undefined;
  readonly next: string | undefined;
}

/** Stores one option and returns how many further words it took. */
function take(
  schema: ArgumentSchema,
  values: Record<string, unknown>,
  problems: string[],
  { name, text, next }: Word,
): number {
  if (text !== undefined) values[name] = text;
  else if (name === "help" || name === "debug") values[name] = true;
  else if (isFlag(schema, name)) {
    const spoken = next === "true" || next === "false";
    values[name] = spoken ? next : true;
    return spoken ? 1 : 0;
  } else if (name.startsWith("no_") && isFlag(schema, name.slice(3))) {
    values[name.slice(3)] = false;
  } else if (next === undefined || next.startsWith("--")) {
    problems.push(`--${name} has no value, expected --${name}=VALUE`);
  } else {
    values[name] = next;
    return 1;
  }
  return 0;
}

function isFlag(schema: ArgumentSchema, name: string): boolean {
  const ours = aliasOf(schema, name)?.name ?? name;
  return optionsOf(schema).get(ours)?.bare ?? false;
}

function countPositionals(
  { positionals }: ArgumentSchema,
  found: readonly string[],
): string[] {
  const missing = positionals.slice(found.length).filter((one) => one.required)
    .map((one) => `${one.name} is missing (${one.help})`);
  const surplus = found.slice(positionals.length);
  return surplus.length === 0 ? missing : [
    ...missing,
    `found ${quoted(surplus)} too many, expected ${
      positionals.map((one) => one.name).join(" ") || "options only"
    }`,
  ];
}
