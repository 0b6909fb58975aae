/**
 * The table of the kinds of data files by their endings, with the compressions that text may have.
 * Reading, finding and downloading all use this table. Reads no file.
 */

/** How a data file holds its records. */
export type DataKind =
  | "lines"
  | "json"
  | "csv"
  | "tsv"
  | "text"
  | "parquet"
  | "arrow";

const KINDS: Readonly<Record<string, DataKind>> = {
  ".jsonl": "lines",
  ".ndjson": "lines",
  ".json": "json",
  ".csv": "csv",
  ".tsv": "tsv",
  ".txt": "text",
  ".parquet": "parquet",
  ".arrow": "arrow",
};
const COMPRESSIONS = { ".gz": "gzip", ".zst": "zstd" } as const;

/** How a file is compressed. */
export type Compression = typeof COMPRESSIONS[keyof typeof COMPRESSIONS];

/** What the name of a file says about it. */
export interface NamedKind {
  /** The kind of the file; undefined if its ending is unknown. */
  readonly kind: DataKind | undefined;
  /** The compression of the whole file; undefined if there is none. */
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

/** Reads the kind of a file from its name. */
export function kindOfFile(name: string): NamedKind {
  const [inner, compression] = cut(name, COMPRESSIONS);
  const [stem, kind] = cut(inner, KINDS);
  const isKnown = kind !== undefined &&
    (compression === undefined || canBeCompressed(kind));
  return { kind: isKnown ? kind : undefined, compression, stem };
}

/**
 * Whether a file of this kind may be compressed as a whole. Parquet is compressed inside, column by
 * column, and Arrow is not compressed.
 */
function canBeCompressed(kind: DataKind): boolean {
  return kind !== "parquet" && kind !== "arrow";
}

/** Files that libraries leave beside the data: they describe it and hold no rows. */
const DESCRIPTION = /^(dataset_infos?|dataset_dict|state|config)\.json$/;
/** What `map` and `filter` of the library datasets leave in a folder of save_to_disk. */
const KEPT_RESULT = /^(cache-|tmp).*\.arrow$/;
/** Texts for people that lie beside the data in repositories. */
const NOTE =
  /^(readme|licen[cs]e|notice|copying|citation|changelog|requirements)\b.*\.txt$/i;

/** Whether a file can hold rows of a dataset, by its name or its path. */
export function isDataFile(path: string): boolean {
  const name = path.split(/[/\\]/).at(-1) ?? "";
  return kindOfFile(name).kind !== undefined &&
    ![DESCRIPTION, KEPT_RESULT, NOTE].some((one) => one.test(name));
}

const endings = Object.keys(KINDS);
const compressible = endings.filter((ending) =>
  canBeCompressed(KINDS[ending]!)
);
const whole = endings.filter((ending) => !canBeCompressed(KINDS[ending]!));
const compressions = Object.keys(COMPRESSIONS);

/** All endings that are served: `.jsonl`, `.jsonl.gz`, ... */
export const ALL_ENDINGS: readonly string[] = [
  ...endings,
  ...compressible.flatMap((ending) =>
    compressions.map((compression) => `${ending}${compression}`)
  ),
];

/** The endings that are served, for messages. */
export const DATA_ENDINGS = `${compressible.join(", ")} (each plain, ${
  compressions.join(" or ")
}) or ${whole.join(" or ")}`;
