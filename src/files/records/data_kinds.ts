/**
 * The kinds of data files by their endings, and the compressions that text may have.
 */

/** How the records of a text file are told apart. */
export type DataKind = "lines" | "json" | "csv" | "tsv" | "text" | "parquet";

const KINDS: Readonly<Record<string, DataKind>> = {
  ".jsonl": "lines",
  ".ndjson": "lines",
  ".json": "json",
  ".csv": "csv",
  ".tsv": "tsv",
  ".txt": "text",
  ".parquet": "parquet",
};
const COMPRESSIONS = { ".gz": "gzip", ".zst": "zstd" } as const;

/** How a file is compressed. */
export type Compression = typeof COMPRESSIONS[keyof typeof COMPRESSIONS];

/** What a file's name says. */
export interface NamedKind {
  /** Undefined if its ending is none of ours. */
  readonly kind: DataKind | undefined;
  /** Undefined if it is not compressed as a whole. */
  readonly compression: Compression | undefined;
  /** The name without its endings. */
  readonly stem: string;
}

function cut<T>(
  name: string,
  endings: Readonly<Record<string, T>>,
): [stem: string, meaning: T | undefined] {
  const ending = Object.keys(endings).find((one) =>
    name.toLowerCase().endsWith(one)
  );
  return ending === undefined
    ? [name, undefined]
    : [name.slice(0, -ending.length), endings[ending]];
}

/** Tells a file's kind by its name. */
export function kindOfFile(name: string): NamedKind {
  const [inner, compression] = cut(name, COMPRESSIONS);
  const [stem, kind] = cut(inner, KINDS);
  const known = !(kind === "parquet" && compression !== undefined); // it is compressed inside
  return { kind: known ? kind : undefined, compression, stem };
}

/** The endings that are served, for messages. */
export const DATA_ENDINGS =
  ".jsonl, .ndjson, .json, .csv, .tsv, .txt (each plain, .gz or .zst) or .parquet";
