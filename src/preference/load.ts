/**
 * Files -> token pairs (or demonstrations), with an account of every row. Bad rows stop the load: data is never
 * half used. Rows that are merely of no use (equal answers, too long) are left out and counted.
 */
import { answersEqual, demonstrationFault, preferenceFault } from "./check.ts";
import {
  DEMONSTRATION_FORMATS,
  detectFormat,
  type Format,
  PREFERENCE_FORMATS,
  readRow,
  renameColumns,
} from "./formats.ts";
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
import type { TokenPair } from "./token_pair.ts";
import {
  type Encoder,
  type TokenDemonstration,
  type Tokenized,
  tokenizeDemonstration,
  tokenizePreference,
} from "./tokenize.ts";

/** How rows are drawn, tokenized and cut. */
export interface LoadOptions extends DrawOptions {
  readonly encoder: Encoder;
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
  readonly examples: readonly T[];
  readonly report: LoadReport;
}

/** A kind of data: how its rows are read, checked, tokenized and cut. */
interface Kind<
  R extends Preference | Demonstration,
  T extends { readonly line: number },
> {
  readonly formats: readonly Format<R>[];
  readonly fault: (row: R) => string | undefined;
  readonly useless: (row: R) => string | undefined;
  readonly tokenize: (row: R, encoder: Encoder) => Tokenized<T>;
  readonly fit: (tokens: T, limits: LengthLimits) => Fitted<T>;
  readonly size: (tokens: T) => number;
}

interface CheckedRow<R> {
  readonly row: R;
  readonly where: string;
}

const SHOWN = 5;

function readChecked<R extends Preference | Demonstration>(
  { line, value }: SourceRow,
  { formats, fault }: Pick<Kind<R, never>, "formats" | "fault">,
  columns: Readonly<Record<string, string>>,
): { row: R; format: string } {
  const record = renameColumns(value, columns);
  const row = readRow(record, line, formats);
  const wrong = fault(row);
  if (wrong !== undefined) throw new RangeError(wrong);
  return { row, format: detectFormat(record, formats).name };
}

/** @throws {TypeError} that tells the first broken rows and how many there are */
function refuseBroken(broken: readonly string[], rows: number): void {
  if (broken.length === 0) return;
  const rest = broken.length - SHOWN;
  const shown = broken.slice(0, SHOWN).join("; ") +
    (rest > 0 ? `; and ${rest} more` : "");
  throw new TypeError(
    broken.length === 1
      ? `Cannot read ${shown}`
      : `Cannot read ${broken.length} of ${rows} rows: ${shown}`,
  );
}

function readAll<R extends Preference | Demonstration>(
  rows: readonly SourceRow[],
  kind: Pick<Kind<R, never>, "formats" | "fault">,
  columns: Readonly<Record<string, string>>,
): { checked: CheckedRow<R>[]; formats: Record<string, number> } {
  const checked: CheckedRow<R>[] = [];
  const formats: Record<string, number> = {};
  const broken: string[] = [];
  for (const source of rows) {
    const where = `"${source.path}" line ${source.line}`;
    try {
      const { row, format } = readChecked(source, kind, columns);
      formats[format] = (formats[format] ?? 0) + 1;
      checked.push({ row, where });
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof RangeError)) {
        throw error;
      }
      broken.push(`${where}: ${error.message}`);
    }
  }
  refuseBroken(broken, rows.length);
  return { checked, formats };
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
  const drawn = await drawRows(sources, options);
  const { checked, formats } = readAll(drawn.rows, kind, columns);
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
