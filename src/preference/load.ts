/**
 * Files -> token pairs (or demonstrations), with an account of every row. Bad rows stop the load: data is never
 * half used. Rows that are merely of no use (equal answers, too long) are left out and counted.
 */
import { answersEqual, demonstrationFault, preferenceFault } from "./check.ts";
import { DEMONSTRATION_FORMATS, PREFERENCE_FORMATS } from "./formats.ts";
import {
  checkLimits,
  fitPair,
  fitSequence,
  type Fitted,
  type LengthLimits,
} from "./length.ts";
import {
  completionLengths,
  lengthsOf,
  type LoadReport,
  type OpenTally,
  tally,
} from "./load_report.ts";
import type { Demonstration, Preference } from "./preference.ts";
import {
  type DataSource,
  type DrawOptions,
  drawRows,
  type SourceRow,
} from "./sources.ts";
import {
  type CheckedRow,
  readChecked,
  readCheckedRows,
  type RowKind,
} from "./checked_rows.ts";
import type { TokenPair } from "./token_pair.ts";
import {
  type Encoder,
  type TokenDemonstration,
  type Tokenized,
  tokenizeDemonstration,
  tokenizePreference,
} from "./tokenize.ts";

/** How rows are drawn, tokenized and cut. */
export interface LoadOptions extends Omit<DrawOptions, "usable"> {
  /** Tokenizer and template. */
  readonly encoder: Encoder;
  /** Longest sequences, and what happens to longer ones. Default none. */
  readonly limits?: LengthLimits;
  /** Keeps the first so many that can be used. Default all. */
  readonly maxSamples?: number;
  /** The table's key -> the data's column, where they differ. */
  readonly columns?: Readonly<Record<string, string>>;
  /** Told the rows done and their number, now and then. */
  readonly onProgress?: (done: number, rows: number) => void;
}

/** What a load gives. */
export interface Loaded<T> {
  /** What is trained or evaluated, in order. */
  readonly examples: readonly T[];
  /** What became of every row. */
  readonly report: LoadReport;
}

/** A kind of data: how its rows are read, checked, tokenized and cut. */
interface Kind<
  R extends Preference | Demonstration,
  T extends { readonly line: number },
> extends RowKind<R> {
  readonly useless: (row: R) => string | undefined;
  readonly tokenize: (row: R, encoder: Encoder) => Tokenized<T>;
  readonly fit: (tokens: T, limits: LengthLimits) => Fitted<T>;
  readonly size: (tokens: T) => number;
}

/** The row as tokens within the limits, or the reason why not. */
function prepare<
  R extends Preference | Demonstration,
  T extends { readonly line: number },
>(
  { row, where }: CheckedRow<R>,
  kind: Kind<R, T>,
  { encoder, limits = {} }: LoadOptions,
): Fitted<T> & { moved: boolean; cut: boolean } {
  const useless = kind.useless(row);
  if (useless !== undefined) {
    return { dropped: useless, moved: false, cut: false };
  }
  const { tokens, moved } = (() => {
    try {
      return kind.tokenize(row, encoder);
    } catch (error) {
      if (error instanceof Error) error.message = `${error.message} (${where})`;
      throw error;
    }
  })();
  const fitted = kind.fit(tokens, limits);
  const cut = "kept" in fitted && kind.size(fitted.kept) < kind.size(tokens);
  return { ...fitted, moved: moved && "kept" in fitted, cut };
}

/** Whether a row will be kept; a broken one is not, and is told when all rows are read. */
function isUsable<
  R extends Preference | Demonstration,
  T extends { readonly line: number },
>(source: SourceRow, kind: Kind<R, T>, options: LoadOptions): boolean {
  try {
    const { row } = readChecked(source, kind, options.columns ?? {});
    return "kept" in prepare({ row, where: "" }, kind, options);
  } catch {
    return false;
  }
}

type Account = Omit<LoadReport, "lengths" | "tokens">;

async function load<
  R extends Preference | Demonstration,
  T extends { readonly line: number },
>(
  sources: readonly DataSource[],
  kind: Kind<R, T>,
  options: LoadOptions,
): Promise<{ examples: T[]; account: Account }> {
  const { limits = {}, maxSamples = Infinity, columns = {}, onProgress } =
    options;
  checkLimits(limits);
  const usable = (row: SourceRow) => isUsable(row, kind, options);
  const drawn = await drawRows(sources, { ...options, usable });
  const { checked, formats } = readCheckedRows(drawn.rows, kind, columns);
  const examples: T[] = [];
  const dropped: Record<string, OpenTally> = {};
  const [moved, cut]: OpenTally[] = [{ count: 0, where: [] }, {
    count: 0,
    where: [],
  }];
  let done = 0;
  for (const row of checked) {
    if (examples.length >= maxSamples) break;
    const result = prepare(row, kind, options);
    if ("kept" in result) examples.push(result.kept);
    else tally(dropped[result.dropped] ??= { count: 0, where: [] }, row.where);
    if (result.moved && moved) tally(moved, row.where);
    if (result.cut && cut) tally(cut, row.where);
    if (++done % 64 === 0) onProgress?.(done, checked.length);
  }
  onProgress?.(done, checked.length);
  const none = { count: 0, where: [] };
  const counts = {
    rows: checked.length,
    kept: examples.length,
    beyond: checked.length - done,
  };
  const account = {
    sources: drawn.sources,
    formats,
    ...counts,
    dropped,
    moved: moved ?? none,
    cut: cut ?? none,
  };
  return { examples, account };
}

const PREFERENCES: Kind<Preference, TokenPair> = {
  formats: PREFERENCE_FORMATS,
  fault: preferenceFault,
  useless: (row) => answersEqual(row) ? "chosen equals rejected" : undefined,
  tokenize: tokenizePreference,
  fit: fitPair,
  size: ({ chosen, rejected }) => chosen.ids.length + rejected.ids.length,
};

/** Tokens that a pair costs with its prefix computed once. */
function computedTokens({ chosen, rejected, sharedLength }: TokenPair): number {
  return chosen.ids.length + rejected.ids.length - sharedLength;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/**
 * Loads preference pairs.
 *
 * @throws {TypeError} telling the first broken rows and their number; {SyntaxError} for broken JSON;
 *   {RangeError} if the template refuses a row
 */
export async function loadPairs(
  sources: readonly DataSource[],
  options: LoadOptions,
): Promise<Loaded<TokenPair>> {
  const { examples, account } = await load(sources, PREFERENCES, options);
  const [chosen, rejected] = [
    examples.map((pair) => pair.chosen),
    examples.map((pair) => pair.rejected),
  ];
  const lengths = {
    prompt: lengthsOf(chosen.map(({ completionStart }) => completionStart)),
    chosen: completionLengths(chosen),
    rejected: completionLengths(rejected),
    total: lengthsOf([...chosen, ...rejected].map(({ ids }) => ids.length)),
  };
  const tokens = {
    full: sum(examples.map(PREFERENCES.size)),
    computed: sum(examples.map(computedTokens)),
  };
  return { examples, report: { ...account, lengths, tokens } };
}

/**
 * Loads demonstrations for supervised fine-tuning.
 *
 * @throws as `loadPairs` does
 */
export async function loadDemonstrations(
  sources: readonly DataSource[],
  options: LoadOptions & { readonly completionOnly?: boolean },
): Promise<Loaded<TokenDemonstration>> {
  const { completionOnly = true } = options;
  const kind: Kind<Demonstration, TokenDemonstration> = {
    formats: DEMONSTRATION_FORMATS,
    fault: demonstrationFault,
    useless: () => undefined,
    tokenize: (row, encoder) =>
      tokenizeDemonstration(row, encoder, { completionOnly }),
    fit: fitSequence,
    size: ({ ids }) => ids.length,
  };
  const { examples, account } = await load(sources, kind, options);
  const lengths = {
    prompt: lengthsOf(examples.map(({ completionStart }) => completionStart)),
    completion: completionLengths(examples),
    total: lengthsOf(examples.map(({ ids }) => ids.length)),
  };
  const full = sum(examples.map(kind.size));
  return {
    examples,
    report: { ...account, lengths, tokens: { full, computed: full } },
  };
}
