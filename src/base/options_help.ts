/**
 * Writes the options of a schema as the text of `--help` and as tables for the pages.
 *
 * @module
 */
import type { Option } from "./option.ts";
import { optionsOf, type Schema } from "./schema.ts";

const WIDTH = 100;
const COLUMN = 36;

/** The heading of a help text, and how much it shows. */
export interface HelpHeading {
  /** The command: `deno task train`. */
  readonly command: string;
  /** One sentence that says what the task does. */
  readonly summary: string;
  /** Whether every option is shown, and not the schema's usual ones alone. Default true. */
  readonly isWhole?: boolean;
}

/** The `--help` text, 100 columns wide: usage, then the options under their headings. */
export function helpText(
  schema: Pick<Schema, "groups" | "positionals" | "usual">,
  { command, summary, isWhole = true }: HelpHeading,
): string {
  const words = schema.positionals.map((one) =>
    one.required ? one.name : `[${one.name}]`
  );
  const usage = ["Usage:", command, ...words, "[--key=value ...]"].join(" ");
  const positionals = schema.positionals.map((one) => row(one.name, one.help));
  const isShort = !isWhole && schema.usual.length > 0;
  const isShown = (name: string) => !isShort || schema.usual.includes(name);
  const groups = Object.entries(schema.groups).map(([heading, options]) => {
    const rows = Object.entries(options).filter(([name]) => isShown(name))
      .map(([name, option]) =>
        row(`--${name}`, isShort ? inShort(option) : inFull(option))
      );
    return rows.length === 0 ? "" : [`${heading}:`, ...rows].join("\n");
  });
  const count = optionsOf(schema).size;
  const always = [
    isShort
      ? row("--help=all", `show all ${count} options, these are the usual ones`)
      : row("--help", "show this text"),
    row("--version", "show which version this is"),
    row("--debug", "show the stack of an error"),
  ];
  const parts = [summary, usage, positionals.join("\n"), ...groups];
  const further = isShort ? others(schema) : "";
  return [...parts, further, always.join("\n")].filter((part) => part !== "")
    .join("\n\n") + "\n";
}

function inFull({ help, type, fallback }: Option<unknown>): string {
  return fallback === undefined
    ? `${help} [${type}; required]`
    : `${help} [${type}; default ${shown(fallback)}]`;
}

/** The first clause of a help text. */
export function firstClause(help: string): string {
  return help.split(/; |: | \(/)[0] ?? help;
}

/** The first clause of the help, the words of a choice, and the default. */
function inShort({ help, type, fallback }: Option<unknown>): string {
  const clause = firstClause(help);
  const words = type.startsWith("one of ") ? `${type}; ` : "";
  return fallback === undefined
    ? `${clause} [required]`
    : `${clause} [${words}default ${shown(fallback)}]`;
}

/** The names and defaults of the options that a short help does not explain, close together. */
function others(
  { groups, usual }: Pick<Schema, "groups" | "usual">,
): string {
  const entries = Object.values(groups).flatMap((options) =>
    Object.entries(options)
  );
  const words = entries.filter(([name]) => !usual.includes(name))
    .map(([name, { fallback }]) =>
      `--${name} [${
        fallback === undefined ? "required" : `default ${shown(fallback)}`
      }]`
    );
  const lines = wrapped(words, WIDTH - 2).map((line) => `  ${line}`);
  return ["Further options, explained by --help=all:", ...lines].join("\n");
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return value.join(",");
  if (typeof value === "number" && value > 0 && value < 1e-3) {
    return value.toExponential();
  }
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Words as lines of at most `width` columns. */
function wrapped(words: readonly string[], width: number): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) {
      lines.push(word);
    } else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

/** A name in the left column, and its text wrapped into the right column. */
function row(name: string, text: string): string {
  const lines = wrapped(text.split(" "), WIDTH - COLUMN);
  const left = `  ${name}`;
  const first = left.length < COLUMN
    ? left.padEnd(COLUMN) + lines[0]
    : `${left}\n${" ".repeat(COLUMN)}${lines[0]}`;
  const rest = lines.slice(1).map((one) => " ".repeat(COLUMN) + one);
  return [first, ...rest].join("\n");
}

/** How a page shows its tables of options. */
export interface OptionsTableStyle {
  /** Marks before a group's heading; default `###`. */
  readonly heading?: string;
  /** Options whose values are a table of their own: what stands in place of their help and type. */
  readonly elsewhere?: Readonly<
    Record<string, { readonly meaning: string; readonly values: string }>
  >;
}

/** Markdown for the reference pages: a heading and a table per group. */
export function optionsTable(
  schema: Pick<Schema, "groups">,
  { heading = "###", elsewhere = {} }: OptionsTableStyle = {},
): string {
  return Object.entries(schema.groups).map(([group, options]) => {
    const rows = Object.entries(options).map(([name, option]) => {
      const { type, help, fallback } = option;
      const standard = fallback === undefined
        ? "required"
        : `\`${shown(fallback)}\``;
      const { meaning, values } = elsewhere[name] ??
        { meaning: cell(help), values: cell(type) };
      return `| \`${name}\` | ${standard} | ${meaning} | ${values} |`;
    });
    return [
      `${heading} ${group}\n`,
      "| Option | Default | Meaning | Values |",
      "| --- | --- | --- | --- |",
      ...rows,
    ].join("\n");
  }).join("\n\n") + "\n";
}

function cell(text: string): string {
  return text.replace(/[|*]/g, "\\$&");
}
