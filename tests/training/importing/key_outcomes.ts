/**
 * What becomes of each key of the tools' public recipes: the translation with the key is compared
 * with the translation without it. The keys, their values and what is right for them are in
 * tests/fixtures/recipe_keys, a file a tool, whose README says how a line reads.
 */
import { isRecord } from "../../../src/base/composite_option.ts";
import {
  type ImportedRecipe,
  importRecipe,
} from "../../../src/training/importing/import_recipe.ts";
import {
  type Note,
  type Recipe,
  UNKNOWN,
} from "../../../src/training/importing/translation.ts";

/** The folder of the files of keys. */
export const KEYS = new URL("../../fixtures/recipe_keys/", import.meta.url);

/** What becomes of a key with a value. `same`: nothing changes, and nothing is said. */
export type Outcome = "served" | "ignored" | "refused" | "same" | "unknown";

/** A key with a value, and what is right for it. */
export interface KeyCase {
  /** The key, or its place: `datasets[].type`. */
  readonly key: string;
  readonly value: unknown;
  /** Keys beside it that give it its meaning. */
  readonly with?: Recipe;
  readonly outcome: Outcome;
  /** The options that change with it, by their places; left out if they are the key's own. */
  readonly as?: Recipe;
  /** A part of the reason. */
  readonly says?: string;
}

/** The keys of a tool. */
export interface ToolKeys {
  readonly tool: string;
  /** The name by which import-recipe calls the tool. */
  readonly named: string;
  /** Keys by which the tool is known. */
  readonly head: Recipe;
  /** Files that the recipe names, by path. */
  readonly files: Recipe;
  readonly cases: readonly KeyCase[];
}

/** What became of a key. */
export interface Found {
  readonly outcome: Outcome;
  readonly tool: string;
  /** The options that change with the key, by their places; null for one that goes. */
  readonly as: Recipe;
  /** What is said of the key; empty if nothing is. */
  readonly reason: string;
}

/** The keys of all tools. */
export function readToolKeys(): ToolKeys[] {
  return [...Deno.readDirSync(KEYS)].map(({ name }) => name)
    .filter((name) => name.endsWith(".jsonl")).sort().map((name) => {
      const [head, ...cases] = Deno.readTextFileSync(new URL(name, KEYS))
        .trim().split("\n").map((line) => JSON.parse(line));
      return { named: head.tool, files: {}, ...head, cases };
    });
}

/** The parts of a place; `[]` is the first of a list. */
function partsOf(place: string): string[] {
  return place.replaceAll("[]", ".0").split(".");
}

/** A recipe with a value at a place; what lies on the way to it is made. */
export function withKey(
  recipe: unknown,
  [part = "", ...rest]: readonly string[],
  value: unknown,
): unknown {
  const inner = isRecord(recipe) || Array.isArray(recipe)
    ? (recipe as Recipe)[part]
    : undefined;
  const made = rest.length === 0 ? value : withKey(inner, rest, value);
  if (part === "0") {
    return [made, ...Array.isArray(recipe) ? recipe.slice(1) : []];
  }
  return { ...isRecord(recipe) ? recipe : {}, [part]: made };
}

/** The leaves of options by their places. */
function leavesOf(value: unknown, place = ""): [string, unknown][] {
  const entries = isRecord(value)
    ? Object.entries(value).map(([key, one]) =>
      [place === "" ? key : `${place}.${key}`, one] as const
    )
    : Array.isArray(value) && value.some(isRecord)
    ? value.map((one, i) => [`${place}[${i}]`, one] as const)
    : undefined;
  if (entries === undefined || entries.length === 0) return [[place, value]];
  return entries.flatMap(([at, one]) => leavesOf(one, at));
}

/** What differs between two translations. */
function changes(before: Recipe, after: Recipe): Recipe {
  const [old, now] = [before, after].map((one) => new Map(leavesOf(one)));
  const differs = (name: string) =>
    JSON.stringify(old?.get(name)) !== JSON.stringify(now?.get(name));
  const names = new Set([...now?.keys() ?? [], ...old?.keys() ?? []]);
  return Object.fromEntries(
    [...names].filter(differs).map((name) => [name, now?.get(name) ?? null]),
  );
}

/** Whether a note is about a key: its own, about all that it lies in, or about a part of it. */
function isAbout(note: Note, key: string): boolean {
  const place = note.key.replace(/\[\d+\]/g, "[]");
  const isWithin = (inner: string, outer: string) =>
    inner.startsWith(`${outer}.`) || inner.startsWith(`${outer}[]`);
  return place === key || isWithin(key, place) || isWithin(place, key);
}

/** What becomes of a key with a value. */
export async function outcomeOf(
  { head, files }: ToolKeys,
  { key, value, with: beside = {} }: KeyCase,
): Promise<Found> {
  const load = (recipe: unknown): Promise<ImportedRecipe> =>
    importRecipe(recipe as Recipe, (path) => Promise.resolve(files[path]));
  const base = Object.entries(beside).reduce<unknown>(
    (recipe, [place, one]) => withKey(recipe, partsOf(place), one),
    head,
  );
  const [without, given] = await Promise.all([
    load(base),
    load(withKey(base, partsOf(key), value)),
  ]);
  const fresh = (list: readonly Note[], old: readonly Note[]) =>
    list.filter((note) =>
      isAbout(note, key) &&
      !old.some((one) => one.key === note.key && one.reason === note.reason)
    );
  const [refusal] = fresh(given.refusals, without.refusals);
  const [note] = fresh(given.notes, without.notes);
  const as = changes(without.options, given.options);
  const outcome = refusal !== undefined
    ? "refused"
    : note?.reason === UNKNOWN
    ? "unknown"
    : Object.keys(as).length > 0
    ? "served"
    : note !== undefined
    ? "ignored"
    : "same";
  return {
    outcome,
    tool: given.tool,
    as,
    reason: (refusal ?? note)?.reason ?? "",
  };
}
