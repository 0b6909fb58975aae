/**
 * Says what a data file is by its bytes where its name says something else: a compression, an
 * encoding of text, another kind of file. Knows no records.
 */
import type { Compression, DataKind } from "./data_kinds.ts";
import { disk, type DiskFile, NotFound } from "../disk.ts";

const HEAD = 512;

/**
 * Opens a file and reads its first bytes; its position stays at the start.
 *
 * @param own the kind that its name says, if it is no text
 * @throws {NotFound} if there is no such file, and as `refuseForeign`
 */
export async function openData(
  path: string,
  own?: DataKind,
): Promise<{ file: DiskFile; head: Uint8Array<ArrayBuffer> }> {
  const file = await disk().open(path).catch((error) => {
    if (!(error instanceof NotFound)) throw error;
    throw new NotFound(`Cannot read "${path}": no such file`);
  });
  try {
    const bytes = new Uint8Array(HEAD);
    const head = bytes.subarray(0, await file.readAt(0, bytes) ?? 0);
    refuseForeign(head, path, own);
    await file.seek(0);
    return { file, head };
  } catch (error) {
    file[Symbol.dispose]();
    throw error;
  }
}

const beginsWith = (head: Uint8Array, ...bytes: number[]) =>
  bytes.every((byte, i) => head[i] === byte);

const asText = (head: Uint8Array) => new TextDecoder("latin1").decode(head);

/** The compression of a file by its first bytes; undefined if it has none that is served. */
export function compressionOf(head: Uint8Array): Compression | undefined {
  if (beginsWith(head, 0x1f, 0x8b)) return "gzip";
  return beginsWith(head, 0x28, 0xb5, 0x2f, 0xfd) ? "zstd" : undefined;
}

/** What files of other kinds begin with -> what they are and what to do. */
const FOREIGN: readonly (readonly [
  begin: RegExp,
  found: string,
  kind?: DataKind,
])[] = [
  [
    /^version https:\/\/git-lfs/,
    "it is a pointer of Git LFS in place of the file; run git lfs pull, or download the file itself",
  ],
  [/^PAR1/, "it is a parquet file, rename it to .parquet", "parquet"],
  [/^ARROW1/, "it is an Arrow file, rename it to .arrow", "arrow"],
  [
    /^PK[^\w\s]/,
    "it is a zip archive (or .xlsx), unpack it or save it as .csv",
  ],
  [/^BZh\d/, "it is compressed by bzip2, unpack it or use gzip"],
  [/^\xfd7zXZ/, "it is compressed by xz, unpack it or use gzip"],
  [/^7z\xbc\xaf/, "it is a 7z archive, unpack it"],
  [/^SQLite format 3/, "it is a database of SQLite, export its table as .csv"],
  [/^\x80[^\w\s]/, "it is a pickle of Python, save it by to_json()"],
  [
    /^\s*<(!doctype|html|\?xml)/i,
    "it is a web page in place of the file; download the file itself",
  ],
];

/**
 * Refuses a file whose bytes are those of another kind than its name says.
 *
 * @param own the kind that its name says, if it is no text
 * @throws {SyntaxError} saying what the file is and what to do
 */
export function refuseForeign(
  head: Uint8Array,
  path: string,
  own?: DataKind,
): void {
  const text = asText(head);
  const found = FOREIGN.find(([begin, , kind]) =>
    begin.test(text) && (kind === undefined || kind !== own)
  );
  if (found !== undefined) {
    throw new SyntaxError(`Cannot read "${path}": ${found[1]}`);
  }
}

/**
 * The encoding of a text by its first bytes: UTF-16 with a byte order mark, or without one, where
 * every other byte of the first characters is 0; else UTF-8.
 */
export function encodingOf(head: Uint8Array): string {
  if (beginsWith(head, 0xff, 0xfe)) return "utf-16le";
  if (beginsWith(head, 0xfe, 0xff)) return "utf-16be";
  const [a, b, c, d] = head;
  if (a && b === 0 && c && d === 0) return "utf-16le";
  return a === 0 && b && c === 0 && d ? "utf-16be" : "utf-8";
}

/** The most frequent characters of Chinese and Japanese texts in several encodings. */
const FREQUENT =
  /[的是不了在有人我他这中大来上个国说们为你时到要就出会可也对這來個國說們為時會對のにはをがでとたしてすいるま]/g;
const OLDER: Readonly<Record<string, string>> = {
  "gb18030": "GB18030 (GBK)",
  "big5": "Big5",
  "shift_jis": "Shift_JIS",
};

/** The older encoding that a text is most likely in, by how many frequent characters it gives. */
function olderEncoding(bytes: Uint8Array): string | undefined {
  const counts = Object.keys(OLDER).map((label) => {
    const text = new TextDecoder(label).decode(bytes);
    const wrong = text.split("\ufffd").length - 1;
    return { label, count: (text.match(FREQUENT)?.length ?? 0) - wrong };
  });
  const best = counts.reduce((a, b) => b.count > a.count ? b : a);
  return best.count > 0 ? best.label : undefined;
}

/** What a text that is no UTF-8 may be, and the command that makes UTF-8 of it. */
export function encodingAdvice(bytes: Uint8Array): string {
  const label = olderEncoding(bytes);
  const [name, command] = label === undefined
    ? ["Windows-1252 (Latin-1) or another older encoding", "WINDOWS-1252"]
    : [OLDER[label], label.toUpperCase()];
  return `it looks like ${name}; iconv -f ${command} -t UTF-8 FILE > NEW makes UTF-8 of it`;
}
