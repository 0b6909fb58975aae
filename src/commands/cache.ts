/**
 * The command `cache`: what the caches of tokens, references and drivers hold, and the removal of
 * what serves nothing any more. Opens no device and prints nothing.
 */
import { basename } from "@std/path";
import { optional } from "../base/composite_option.ts";
import { flag, number } from "../base/option.ts";
import { defineSchema, type Infer } from "../base/schema.ts";
import { formatBytes } from "../base/units.ts";
import { disk, NotFound } from "../files/disk.ts";
import {
  beyondLimits,
  cacheEntries,
  type CacheEntry,
  removeEntries,
} from "../files/disk/cache_folder.ts";
import { parseNote } from "../files/disk/file_hash.ts";
import { lockFolder } from "../files/disk/lock.ts";
import { CACHE_FOLDER, LOCK_FILE } from "../files/file_names.ts";
import { tokenFacts } from "../preference/loading/token_cache.ts";
import { referenceFacts } from "../training/reference/reference_rows.ts";
import { defineCommand } from "./command.ts";

/**
 * `deno task cache`
 *
 * @internal
 */
export const cacheCommand = defineCommand({
  name: "cache",
  summary:
    "Shows what the caches hold, and removes what serves nothing. Touches no GPU.",
  schema: defineSchema({
    "Cache": {
      prune: flag(
        "Remove what is damaged, of files or models that are gone, or unused for long",
      ),
      older_than: number(
        "Days without use after which --prune removes an entry",
        90,
        { min: 0 },
      ),
      max_size: optional(
        number(
          "GB to which --prune comes down, the least recently used first; null is any",
          undefined,
          { min: 0 },
        ),
      ),
      dry_run: flag("Say what --prune would remove, and remove nothing"),
    },
  }),
});

/** Checked options of the command. */
type CacheOptions = Infer<typeof cacheCommand.schema>;

/** An entry, with what was found of it. */
export interface SeenEntry extends CacheEntry {
  /** What it holds, in a few words. */
  readonly about: string;
  /** Why it serves nothing; undefined if it may serve. */
  readonly idle: string | undefined;
}

/** What a cache holds, and what was removed of it. */
export interface CacheReport {
  /** What is there, the most recently used first. */
  readonly entries: readonly SeenEntry[];
  /** What was removed, or would be. */
  readonly removed: readonly SeenEntry[];
}

/**
 * Looks at the caches, and prunes them as the options say.
 *
 * @param root their folder; default: `.cache`
 * @throws {Error} if another run prunes them
 */
export async function cache(
  options: CacheOptions,
  root: string = CACHE_FOLDER.root,
): Promise<CacheReport> {
  if (!options.prune) return { entries: await seen(root), removed: [] };
  if (options.dry_run) return await pruned(options, root);
  await using _lock = await lockFolder(root);
  return await pruned(options, root);
}

async function pruned(
  { older_than, max_size, dry_run }: CacheOptions,
  root: string,
): Promise<CacheReport> {
  const all = await seen(root);
  const idle = all.filter((entry) => entry.idle !== undefined);
  const rest = all.filter((entry) => entry.idle === undefined);
  const old = beyondLimits(rest, {
    days: older_than,
    bytes: max_size === null ? undefined : max_size * 1e9,
  });
  const removed = [...idle, ...old];
  if (!dry_run) await removeEntries(removed);
  return { entries: rest.filter((entry) => !old.includes(entry)), removed };
}

async function seen(root: string): Promise<SeenEntry[]> {
  const entries = (await cacheEntries(root)).filter(({ path }) =>
    basename(path) !== LOCK_FILE
  );
  return await Promise.all(
    entries.map(async (entry) => ({ ...entry, ...await factsOf(entry) })),
  );
}

type Facts = Pick<SeenEntry, "about" | "idle">;

const DAMAGED: Facts = {
  about: "",
  idle: "damaged, or of an earlier version",
};

async function factsOf({ path, kind }: CacheEntry): Promise<Facts> {
  const name = basename(path);
  try {
    switch (kind) {
      case "tokens": {
        const key = name.replace(/\.tokens$/, "");
        const facts = tokenFacts(await disk().readFile(path), key);
        if (facts === undefined) return DAMAGED;
        const about = `${facts.rows} rows of ${facts.files.join(", ")}`;
        return { about, idle: await goneOf(facts.files) };
      }
      case "reference": {
        const facts = referenceFacts(name, await textOf(path));
        if (facts === undefined) return DAMAGED;
        const about = `${facts.rows} rows by ${facts.model}`;
        const isDamaged = facts.rows === 0 && facts.damaged > 0;
        return isDamaged
          ? DAMAGED
          : { about, idle: await goneOf([facts.model]) };
      }
      case "hashes": {
        const note = parseNote(await textOf(path), name.replace(/\..*$/, ""));
        if (note === undefined) return DAMAGED;
        return { about: `of ${note.place}`, idle: await goneOf([note.place]) };
      }
      default:
        return { about: "", idle: undefined };
    }
  } catch (error) {
    if (error instanceof NotFound) return { about: "", idle: undefined };
    throw error;
  }
}

async function textOf(path: string): Promise<string> {
  return new TextDecoder().decode(await disk().readFile(path));
}

/** The files and folders that are not there any more; undefined: all are. */
async function goneOf(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    try {
      await disk().stat(path);
    } catch (error) {
      if (error instanceof NotFound) return `"${path}" is gone`;
      throw error;
    }
  }
  return undefined;
}

/** Entries that are listed one by one. */
const MOST_LISTED = 40;

/** The report as lines. */
export function cacheLines(
  { entries, removed }: CacheReport,
  { dry_run, now = new Date() }: {
    readonly dry_run: boolean;
    readonly now?: Date;
  },
): string[] {
  const sum = (all: readonly CacheEntry[]) =>
    formatBytes(all.reduce((total, { bytes }) => total + bytes, 0));
  const line = ({ path, kind, bytes, used, about, idle }: SeenEntry) => {
    const days = Math.floor((now.getTime() - used.getTime()) / 86_400_000);
    const when = days === 0 ? "today" : `${days} d ago`;
    return [
      `  ${kind.padEnd(9)} ${formatBytes(bytes).padStart(7)}  ${
        when.padEnd(8)
      }`,
      about === "" ? path : about,
      ...idle === undefined ? [] : [idle],
    ].join("  ");
  };
  const verb = dry_run ? "would be removed" : "removed";
  return [
    ...removed.map((entry) => `${line(entry)}  ${verb}`),
    ...entries.slice(0, MOST_LISTED).map(line),
    ...entries.length > MOST_LISTED
      ? [`  and ${entries.length - MOST_LISTED} that were used longer ago`]
      : [],
    ...removed.length === 0
      ? []
      : [`${verb}: ${removed.length} of ${sum(removed)}`],
    `in the caches: ${entries.length} of ${sum(entries)}`,
  ];
}
