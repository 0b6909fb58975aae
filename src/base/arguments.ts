/**
 * The command line's words, sorted into options and positional arguments: `--key=value`,
 * `--key value`, `--list one two`, bare flags, `--flag True`, `--no_flag`; dashes and underscores
 * are the same. Values stay text: read_options.ts checks them.
 *
 * The schema knows which options are flags, so a first pass makes one word of each option; @std/cli
 * then splits them.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { type Option, spoken } from "./option.ts";
import { aliasOf, optionsOf, quoted, type Schema } from "./schema.ts";

/** What the command line holds. */
export interface Arguments {
  /**
   * Option, as written but with underscores, to its text; true or false for bare flags. A word
   * without dashes that stands for an option is here too.
   */
  readonly values: Readonly<Record<string, unknown>>;
  /** Words without dashes, in order: the recipe. */
  readonly positionals: readonly string[];
  /** `--help` or `-h` was given; `all` for `--help=all`. */
  readonly help: boolean | "all";
  /** `--version` was given. */
  readonly version: boolean;
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
  const { help, version, debug, ...given } = splitWords(options);
  const stated = asOptions(schema, positionals);
  problems.push(...saidTwice(schema, given, stated));
  const values = { ...given, ...stated };
  const isAsking = help !== undefined || version !== undefined;
  if (!isAsking) problems.push(...countPositionals(schema, positionals));
  if (problems.length > 0) {
    throw new TypeError(`Cannot read the command line: ${problems.join("; ")}`);
  }
  return {
    values,
    positionals,
    help: help === "all" ? help : help !== undefined,
    version: version !== undefined,
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
        next: valuesIn(schema, joined, words.slice(i + 1)),
      });
    } else if (word.startsWith("-") && word !== "-") {
      joined.problems.push(`found ${quoted([word])}, expected --key=value`);
    } else joined.positionals.push(word);
  }
  return joined;
}

/** The words up to the next option, or to one that can only be a positional argument. */
function valuesIn(
  { positionals }: ArgumentSchema,
  joined: JoinedWords,
  words: readonly string[],
): readonly string[] {
  const { endings } = positionals[joined.positionals.length] ?? {};
  const end = words.findIndex((word) =>
    /^-[^\d.]/.test(word) || endings?.test(word) === true
  );
  return end < 0 ? words : words.slice(0, end);
}

/** An option as it stands on the command line. */
interface Word {
  readonly name: string;
  /** What stands behind its `=`. */
  readonly text: string | undefined;
  /** The words after it that can be values. */
  readonly next: readonly string[];
}

/** Options of every task, which stand alone. */
const ALWAYS = ["help", "version", "debug"];

/** Makes one word of an option and returns how many further words it took. */
function joinOption(
  schema: ArgumentSchema,
  joined: JoinedWords,
  { name, text, next }: Word,
): number {
  const { options } = joined;
  const take = (...words: string[]) => {
    options.set(name, [`--${name}`, ...words].join("="));
    return words.length;
  };
  if (text !== undefined) {
    options.set(name, `--${name}=${text}`);
    return 0;
  }
  const [first] = next;
  if (ALWAYS.includes(name)) {
    return name === "help" && first === "all" ? take("all") : take();
  }
  const option = ownOption(schema, name);
  if (option?.bare) {
    return first !== undefined && isTaken(option, first) ? take(first) : take();
  }
  if (name.startsWith("no_") && ownOption(schema, name.slice(3))?.bare) {
    options.set(name.slice(3), `--no-${name.slice(3)}`);
    return 0;
  }
  return option === undefined
    ? joinOther(joined, name, next)
    : joinValued(joined, option, { name, next });
}

/** An option of ours that needs a value. */
function joinValued(
  { options, problems }: JoinedWords,
  { joined }: Option<unknown>,
  { name, next }: Pick<Word, "name" | "next">,
): number {
  const words = joined === undefined ? next.slice(0, 1) : next;
  if (words.length === 0) {
    problems.push(`--${name} has no value, expected --${name}=VALUE`);
  } else {
    const text = words.length === 1 ? words[0] : joined?.(words);
    options.set(name, `--${name}=${text}`);
  }
  return words.length;
}

/** A name that is no option of ours: of another tool, whose flags stand alone, or of nobody. */
function joinOther(
  { options }: JoinedWords,
  name: string,
  next: readonly string[],
): number {
  options.set(
    name,
    [`--${name}`, ...(next.length ? [next.join()] : [])].join("="),
  );
  return next.length;
}

/** Whether a bare option takes this word as its value; a text would take a recipe's name too. */
function isTaken(option: Option<unknown>, word: string): boolean {
  if (spoken(word) !== undefined) return true;
  try {
    return option.read(word) !== word || /^[a-z]+$/.test(word);
  } catch {
    return false;
  }
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

/** The option of ours that a name or an alias means. */
function ownOption(
  schema: ArgumentSchema,
  name: string,
): Option<unknown> | undefined {
  return optionsOf(schema).get(aliasOf(schema, name)?.name ?? name);
}

/** The options that words without dashes stand for. */
function asOptions(
  schema: ArgumentSchema,
  words: readonly string[],
): Record<string, string> {
  return Object.fromEntries(
    schema.positionals.flatMap(({ option }, i) => {
      const word = words[i];
      return word === undefined || option === undefined ? [] : [[option, word]];
    }),
  );
}

/** Options that a word without dashes gives, and an option too with another value. */
function saidTwice(
  schema: ArgumentSchema,
  given: Readonly<Record<string, unknown>>,
  stated: Readonly<Record<string, string>>,
): string[] {
  return Object.entries(given).flatMap(([name, value]) => {
    const word = stated[aliasOf(schema, name)?.name ?? name];
    return word === undefined || word === value ? [] : [
      `found ${quoted([word])} and --${name}=${value}, expected one of them`,
    ];
  });
}

/** Whether a word gives an option without its dashes: `beta=0.1`. */
function isOption(schema: ArgumentSchema, word: string): boolean {
  const [, name] = /^([A-Za-z]\w*)=/.exec(word) ?? [];
  return name !== undefined && ownOption(schema, name) !== undefined;
}

function countPositionals(
  schema: ArgumentSchema,
  found: readonly string[],
): string[] {
  const { positionals } = schema;
  const missing = positionals.slice(found.length).filter((one) => one.required)
    .map((one) => `${one.name} is missing (${one.help})`);
  const bare = found.filter((word) => isOption(schema, word));
  if (bare.length > 0) {
    const dashed = bare.map((word) => `--${word}`).join(" ");
    return [`found ${quoted(bare)} without dashes, expected ${dashed}`];
  }
  const surplus = found.slice(positionals.length);
  return surplus.length === 0 ? missing : [
    ...missing,
    `found ${quoted(surplus)} too many, expected ${
      positionals.map((one) => one.name).join(" ") || "options only"
    }`,
  ];
}
