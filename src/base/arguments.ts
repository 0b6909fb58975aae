/**
 * The command line's words, sorted into options and positional arguments: `--key=value`,
 * `--key value`, bare flags, `--no_flag`; dashes and underscores are the same. Values stay text:
 * read_options.ts checks them.
 *
 * The schema knows which options are flags, so a first pass makes one word of each option; @std/cli
 * then splits them.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
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
  const { options, positionals, problems } = joinWords(schema, words);
  const { help, debug, ...values } = splitWords(options);
  if (!help) problems.push(...countPositionals(schema, positionals));
  if (problems.length > 0) {
    throw new TypeError(`Cannot read the command line: ${problems.join("; ")}`);
  }
  return {
    values,
    positionals,
    help: help === true,
    debug: debug === true,
  };
}

/** A command line with one word for each option. */
interface JoinedWords {
  /** Each option with its word, `--key=value`, `--flag` or `--no-flag`; a later word counts. */
  readonly options: Map<string, string>;
  readonly positionals: string[];
  readonly problems: string[];
}

function joinWords(
  schema: ArgumentSchema,
  words: readonly string[],
): JoinedWords {
  const joined: JoinedWords = {
    options: new Map(),
    positionals: [],
    problems: [],
  };
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? "";
    const [, dashed, text] = /^--([A-Za-z][\w.-]*)(?:=(.*))?$/s.exec(word) ??
      [];
    if (word === "-h") joined.options.set("help", "--help");
    else if (dashed !== undefined) {
      i += joinOption(schema, joined, {
        name: dashed.replaceAll("-", "_"),
        text,
        next: words[i + 1],
      });
    } else if (word.startsWith("-") && word !== "-") {
      joined.problems.push(`found ${quoted([word])}, expected --key=value`);
    } else joined.positionals.push(word);
  }
  return joined;
}

/** An option as it stands on the command line. */
interface Word {
  readonly name: string;
  /** What stands behind its `=`. */
  readonly text: string | undefined;
  /** The word after it. */
  readonly next: string | undefined;
}

/** Makes one word of an option and returns how many further words it took. */
function joinOption(
  schema: ArgumentSchema,
  { options, problems }: JoinedWords,
  { name, text, next }: Word,
): number {
  const bare = name === "help" || name === "debug";
  if (text !== undefined) options.set(name, `--${name}=${text}`);
  else if (bare) options.set(name, `--${name}`);
  else if (isFlag(schema, name)) {
    const isSpoken = next === "true" || next === "false";
    options.set(name, isSpoken ? `--${name}=${next}` : `--${name}`);
    return isSpoken ? 1 : 0;
  } else if (name.startsWith("no_") && isFlag(schema, name.slice(3))) {
    options.set(name.slice(3), `--no-${name.slice(3)}`);
  } else if (next === undefined || next.startsWith("--")) {
    problems.push(`--${name} has no value, expected --${name}=VALUE`);
  } else {
    options.set(name, `--${name}=${next}`);
    return 1;
  }
  return 0;
}

/** Splits the words into option and value: text, or true and false for flags. */
function splitWords(
  options: ReadonlyMap<string, string>,
): Record<string, unknown> {
  const texts = new Map<string, unknown>();
  const names = [...options.keys()];
  const flags = parseArgs([...options.values()], {
    boolean: true,
    negatable: names,
    // parseArgs() would take numbers for numbers and a dot in a name for a part of an object
    unknown(_, name, text) {
      if (name !== undefined) texts.set(name, text);
      return false;
    },
  });
  return Object.fromEntries(
    names.map((name) => [name, texts.get(name) ?? flags[name]]),
  );
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
