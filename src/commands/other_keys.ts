/**
 * Makes a task answer keys of other tools, on the command line and in a recipe of ours, with what
 * they are called here. The tables that translate the recipes of those tools say it.
 */
import { parse as parseYaml } from "@std/yaml";
import { isRecord } from "../base/composite_option.ts";
import type { Given } from "../base/read_options.ts";
import {
  aliasOf,
  type ForeignKey,
  foreignKeyOf,
  type OptionGroups,
  optionsOf,
  type Schema,
} from "../base/schema.ts";
import { type OtherKey, otherKey } from "../training/importing/other_tools.ts";
import type { Command } from "./command.ts";
import { nameHere, switchHere } from "./other_names.ts";

/** The schema, which answers also the keys of a recipe and of a command line that it lacks. */
export async function withOtherKeys<G extends OptionGroups>(
  { name, schema }: Pick<Command<G>, "name" | "schema">,
  { recipe = {}, given }: { readonly recipe?: Given; readonly given: Given },
): Promise<Schema<G>> {
  const typed = Object.fromEntries(
    Object.entries(given).map(([key, value]) => [key, typedValue(value)]),
  );
  const all = { ...recipe, ...typed };
  const foreign = named(schema.foreign, {
    OUTPUT_DIR: all.output_dir,
    "OWNER/NAME": all.hub_model_id,
  });
  for (const key of Object.keys(all)) {
    if (isKnown(schema, key)) continue;
    const words = switchHere(name, key, all[key]);
    if (words !== undefined) {
      foreign[key] = { reason: `here it is ${words}`, allowed: [] };
      continue;
    }
    const own = nameHere(name, key);
    if (own !== undefined) {
      const said = says(own, given[key] ?? all[key], key in given);
      foreign[key] = { reason: `here it is ${said}`, allowed: [] };
      continue;
    }
    const other = await otherKey(key, all);
    if (other !== undefined) {
      foreign[key] = answered(schema, other, key in given);
    }
  }
  return { ...schema, foreign };
}

/** Reasons with the user's own words in the place of what stands for them. */
function named(
  foreign: Readonly<Record<string, ForeignKey>>,
  own: Readonly<Record<string, unknown>>,
): Record<string, ForeignKey> {
  const filled = (reason: string) =>
    Object.entries(own).reduce(
      (text, [name, value]) =>
        typeof value === "string" ? text.replace(name, value) : text,
      reason,
    );
  return Object.fromEntries(
    Object.entries(foreign).map(([key, one]) => [key, {
      ...one,
      reason: filled(one.reason),
    }]),
  );
}

/** The parts of a schema that say which keys it has. */
type Known = Pick<Schema, "groups" | "aliases" | "foreign">;

function isKnown(schema: Known, key: string): boolean {
  return optionsOf(schema).has(key) || aliasOf(schema, key) !== undefined ||
    foreignKeyOf(schema, key) !== undefined;
}

/** A text of the command line as a recipe in YAML would have it: `8` is a number. */
function typedValue(value: unknown): unknown {
  if (typeof value !== "string") return value;
  try {
    return parseYaml(value);
  } catch {
    return value;
  }
}

function answered(
  schema: Known,
  { tools, options, reason, isRefused }: OtherKey,
  isWord: boolean,
): ForeignKey {
  const whose = `${tools.join(", ").replace(/, ([^,]*)$/, " and $1")}'s`;
  if (!isRefused) return { reason: `${whose}; ${reason}` };
  if (reason !== undefined) {
    return { reason: `${whose}; ${reason}`, allowed: [] };
  }
  const own = optionsOf(schema);
  const here = Object.entries(options).filter(([name]) => own.has(name));
  const [shown, where] = here.length > 0
    ? [here, "here"]
    : [Object.entries(options), "for deno task train"];
  const words = shown.map(([name, value]) => says(name, value, isWord));
  return {
    reason: `${whose}; ${where} it is ${words.join(isWord ? " " : ", ")}`,
    allowed: [],
  };
}

/** An option with its value, for the command line or for a recipe. */
function says(name: string, value: unknown, isWord: boolean): string {
  const key = isWord ? `--${name}` : JSON.stringify(name);
  if (isRecord(value)) return `${JSON.stringify(value)} in ${key}`;
  if (!isWord) return `${key}: ${JSON.stringify(value)}`;
  const parts = [value].flat();
  const isPlain = parts.every((part) => typeof part !== "object");
  return `${key}=${isPlain ? parts.join() : `'${JSON.stringify(value)}'`}`;
}
