/**
 * Loads files as token pairs, demonstrations or judged answers, with a report that counts every
 * row. A broken row stops the load: data is never half used. Rows that are of no use (equal
 * answers, too long) are left out and counted. Rows of large files are not kept in memory, only
 * their packed tokens.
 */
import { readChecked, RowCensus, whereOf } from "./checked_rows.ts";
import { checkLimits, type Fitted } from "../tokens/length.ts";
import {
  demonstrations,
  type ExampleKind,
  FEEDBACK,
  PREFERENCES,
} from "./example_kinds.ts";
import { type OpenTally, tally } from "./load_report.ts";
import type { AskedRow } from "../formats/preference.ts";
import {
  type DatasetRows,
  openRows,
  sourceFiles,
  type SourceRow,
} from "./dataset_rows.ts";
import { notesOf } from "./row_notes.ts";
import { drawRows } from "./sources.ts";
import type { DataSource } from "./data_source.ts";
import { cachedTokens, tokenCacheKey } from "./token_cache.ts";
import type {
  TokenDemonstration,
  TokenFeedback,
  TokenPair,
} from "../tokens/token_examples.ts";
import { OverLimit } from "../../text/chat_template.ts";
import type { Tokenized, TrainedPart } from "../tokens/tokenize.ts";
import { type BadRow, settleBadRows } from "./bad_rows.ts";
import { startHash } from "../../files/disk/hash.ts";
import type { LoadDataOptions, Loaded } from "./load_options.ts";
import { type Unprinted, unprintedFault } from "../../text/unprinted.ts";

type Prepared<T> = Fitted<T> & {
  readonly moved?: boolean;
  readonly cut?: boolean;
  /** What the chat template does not print of the row. */
  readonly unprinted?: readonly Unprinted[];
  /** What is wrong with the row, if it is left out for that. */
  readonly fault?: string;
};

/** Why a bad row is left out. */
const badRow = (fault: string) => `bad row: ${fault}`;

/** The tokens of an example within the limits, or the reason why it is left out. */
function prepare<R extends AskedRow, T>(
  row: R,
  kind: ExampleKind<R, T>,
  { options, where }: { options: LoadDataOptions; where: string },
): Prepared<T> {
  const useless = kind.useless(row, options);
  if (useless !== undefined) return { dropped: useless };
  let tokenized: Tokenized<T>;
  try {
    tokenized = kind.tokenize(row, options.encoder);
    const fault = unprintedFault(
      tokenized.unprinted ?? [],
      options.ignoreUnserved,
    );
    if (fault !== undefined) {
      throw new RangeError(`Cannot render a row: ${fault}`);
    }
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    // a template without an end would take its time at every row
    const isBadRow = error instanceof RangeError &&
      !(error instanceof OverLimit);
    if (options.onBadRow === "drop" && isBadRow) {
      return { dropped: badRow(error.message), fault: error.message };
    }
    error.message = `${error.message} (${where})`;
    throw error;
  }
  const { tokens, moved, unprinted = [] } = tokenized;
  const fitted = kind.fit(tokens, options.limits ?? {});
  if ("dropped" in fitted) return fitted;
  const tie = kind.tie?.(fitted.kept, options.encoder);
  if (tie !== undefined) return { dropped: tie };
  const cut = kind.size(fitted.kept) < kind.size(tokens);
  return { ...fitted, moved, cut, unprinted };
}

/**
 * Whether a row gives an example that is kept. A broken row does not; it is reported after all rows
 * are read.
 */
function isUsable<R extends AskedRow, T>(
  row: SourceRow,
  kind: ExampleKind<R, T>,
  options: LoadDataOptions,
): boolean {
  try {
    const { examples } = readChecked(row, kind, options);
    return examples.some((example) =>
      "kept" in prepare(example, kind, { options, where: "" })
    );
  } catch {
    return false;
  }
}

/** The examples and the counts of the rows so far. */
class Account<T> {
  readonly examples: T[] = [];
  readonly paths: string[] = [];
  readonly dropped: Record<string, OpenTally> = {};
  readonly told: Record<string, OpenTally> = {};
  readonly bad: BadRow[] = [];
  readonly moved: OpenTally = { count: 0, where: [] };
  readonly cut: OpenTally = { count: 0, where: [] };
  /** Keys of turns that the chat template does not print. */
  readonly unread = new Set<string>();
  readonly #known = new Set<string>();

  drop(reason: string, where: string): void {
    tally(this.dropped[reason] ??= { count: 0, where: [] }, where);
  }

  tell(note: string, where: string): void {
    tally(this.told[note] ??= { count: 0, where: [] }, where);
  }

  add<R extends AskedRow>(
    result: Prepared<T>,
    { path, where, notes }: {
      path: string;
      where: string;
      notes: readonly string[];
    },
    { packing }: ExampleKind<R, T>,
    dedupe: boolean,
  ): void {
    const { fault } = result;
    if (fault !== undefined) this.bad.push({ where, fault });
    if ("dropped" in result) return this.drop(result.dropped, where);
    const packed = packing.pack(result.kept);
    if (dedupe) {
      const tokens = packed.words.subarray(1); // the first word is the line
      const hash = startHash("sha256").update(tokens).digest("base64");
      if (this.#known.has(hash)) {
        return this.drop("same tokens as an earlier row", where);
      }
      this.#known.add(hash);
    }
    this.examples.push(packing.unpack(packed));
    this.paths.push(path);
    if (result.moved) tally(this.moved, where);
    if (result.cut) tally(this.cut, where);
    const lost: string[] = [];
    for (const { part, weight } of result.unprinted ?? []) {
      if (weight === "other") this.unread.add(part);
      else lost.push(`the chat template does not print ${part}`);
    }
    for (const note of new Set([...notes, ...lost])) {
      this.tell(note, where);
    }
  }
}

async function prepareRows<R extends AskedRow, T>(
  store: DatasetRows,
  indices: readonly number[],
  kind: ExampleKind<R, T>,
  options: LoadDataOptions,
): Promise<{ account: Account<T>; done: number }> {
  const { maxSamples = Infinity, dedupe = false, onProgress } = options;
  const account = new Account<T>();
  let done = 0;
  if (maxSamples > 0) {
    const expect = Math.min(maxSamples, indices.length);
    for await (const row of store.pick(indices, expect)) {
      const where = whereOf(row);
      const { examples } = readChecked(row, kind, options);
      if (examples.length === 0) account.drop("prefers no answer", where);
      for (const example of examples) {
        if (account.examples.length >= maxSamples) break;
        const result = prepare(example, kind, { options, where });
        const notes = notesOf(example, row, options);
        account.add(result, { path: row.path, where, notes }, kind, dedupe);
      }
      if (++done % 64 === 0) onProgress?.(done, indices.length);
      if (account.examples.length >= maxSamples) break;
    }
  }
  onProgress?.(done, indices.length);
  return { account, done };
}

async function loadFresh<R extends AskedRow, T>(
  sources: readonly DataSource[],
  kind: ExampleKind<R, T>,
  options: LoadDataOptions,
): Promise<Loaded<T>> {
  const { memoryBytes, split } = options;
  const census = new RowCensus(kind, options);
  const store = await openRows(await sourceFiles(sources, split), {
    onRow: (row, index) => census.add(row, index),
    memoryBytes,
    lenient: options.onBadRow === "drop",
  });
  if (options.mappedOnly ?? true) census.refuseMappings();
  const usable = (row: SourceRow) => isUsable(row, kind, options);
  const drawn = await drawRows(store, { ...options, usable });
  const bad = census.bad(drawn.indices);
  const rows = drawn.indices.length;
  const { advice } = census;
  settleBadRows(bad, rows, { ...options, advice });
  const indices = drawn.indices.filter((index) => census.isSound(index));
  const { account, done } = await prepareRows(store, indices, kind, options);
  settleBadRows([...bad, ...account.bad], rows, options);
  for (const { where, fault } of bad) account.drop(badRow(fault), where);
  const { examples, paths, dropped, told, moved, cut } = account;
  const numbers = new Map(drawn.sources.map(({ path }, i) => [path, i]));
  return {
    examples,
    files: paths.map((path) => numbers.get(path)!),
    report: {
      sources: drawn.sources,
      formats: census.formats(indices),
      rows,
      kept: examples.length,
      beyond: indices.length - done,
      dropped,
      told,
      ...drawn.limited === undefined ? {} : { limited: drawn.limited },
      unread: [...census.unread, ...account.unread],
      moved,
      cut,
      ...kind.measure(examples),
    },
  };
}

async function load<R extends AskedRow, T>(
  sources: readonly DataSource[],
  kind: ExampleKind<R, T>,
  options: LoadDataOptions,
): Promise<Loaded<T>> {
  checkLimits(options.limits ?? {});
  const fresh = () => loadFresh(sources, kind, options);
  const { cacheFolder } = options;
  if (cacheFolder === undefined) return await fresh();
  const key = await tokenCacheKey(sources, kind.name, {
    ...options,
    cacheFolder,
  });
  return key === undefined
    ? await fresh()
    : await cachedTokens({ cacheFolder, key, packing: kind.packing }, fresh);
}

/**
 * Loads preference pairs.
 *
 * @throws {TypeError} naming the first broken rows and their number; {SyntaxError} for broken JSON;
 *   {RangeError} if the chat template refuses a row
 */
export function loadPairs(
  sources: readonly DataSource[],
  options: LoadDataOptions,
): Promise<Loaded<TokenPair>> {
  return load(sources, PREFERENCES, options);
}

/**
 * Loads judged answers; a pair counts as a good and a bad one.
 *
 * @throws as `loadPairs` does
 */
export function loadFeedback(
  sources: readonly DataSource[],
  options: LoadDataOptions,
): Promise<Loaded<TokenFeedback>> {
  return load(sources, FEEDBACK, options);
}

/**
 * Loads demonstrations for supervised fine-tuning.
 *
 * @throws as `loadPairs` does
 */
export function loadDemonstrations(
  sources: readonly DataSource[],
  options: LoadDataOptions & TrainedPart,
): Promise<Loaded<TokenDemonstration>> {
  return load(sources, demonstrations(options), options);
}
