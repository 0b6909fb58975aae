/**
 * Log-probabilities of a reference kept on disk, row by row: a file for each set of weights, in it
 * each row under a hash of its tokens. Runs whose rows overlap share them, and an ended run keeps
 * what it has. A row that is not what was written is told and computed again. Knows no model.
 *
 * The file is a flat JSON array: version, description, then for each row its name and its values.
 */
import { basename, join } from "@std/path";
import { tell } from "../../base/notes.ts";
import { worded } from "../../base/shown.ts";
import { disk } from "../../files/disk.ts";
import {
  keepCacheFile,
  readCacheFile,
  tellDamaged,
} from "../../files/disk/cache_file.ts";
import { startHash } from "../../files/disk/hash.ts";
import { isJsonObject } from "../../files/disk/json_file.ts";
import type { TokenSequence } from "../../preference/tokens/token_examples.ts";

const VERSION = 1;

/** How often rows are written while they are computed, in ms: a killed run loses no more. */
const WRITE_EVERY = 10_000;

/** The name of a row: only token ids, lengths and trained parts enter it. */
export function rowKey(sequences: readonly TokenSequence[]): string {
  const hash = startHash("sha256");
  for (const { ids, completionStart, spans } of sequences) {
    hash.update(Uint32Array.of(ids.length, completionStart, ...ids));
    if (spans !== undefined) hash.update(JSON.stringify(spans));
  }
  return hash.digest("hex");
}

/** Rows under their keys, and how many of a file are damaged; undefined: all of it is. */
interface Parsed {
  readonly rows: Map<string, readonly number[]>;
  readonly damaged: number | undefined;
}

/** The rows of one set of weights. */
export class ReferenceRows {
  readonly #path: string;
  readonly #model: string;
  readonly #known: Map<string, readonly number[]>;
  readonly #added = new Map<string, readonly number[]>();
  #isDamaged: boolean;
  #written = performance.now();

  private constructor(path: string, model: string, parsed: Parsed) {
    this.#path = path;
    this.#model = model;
    this.#known = parsed.rows;
    this.#isDamaged = parsed.damaged !== 0;
  }

  /**
   * Reads the rows that are there.
   *
   * @param options `weightsKey` names the weights and what is computed of them; `model` is for the
   *   reader
   */
  static async open(
    folder: string,
    { weightsKey, model }: { weightsKey: string; model: string },
  ): Promise<ReferenceRows> {
    const name = startHash("sha256").update(weightsKey).digest("hex");
    const path = join(folder, `${name}.json`);
    const parsed = await readRows(path);
    const { rows, damaged } = parsed;
    if (damaged === undefined) tellDamaged(path, "damaged", "rows");
    else if (damaged > 0) {
      tell(
        `"${path}": ${damaged} of ${
          rows.size + damaged
        } rows are not what was written there; they are made again where they are needed`,
      );
    }
    return new ReferenceRows(path, model, parsed);
  }

  /** Whether rows were there that are not what was written. */
  get isDamaged(): boolean {
    return this.#isDamaged;
  }

  /** The values of a row; undefined if they are not known. */
  get(key: string, count: number): readonly number[] | undefined {
    const values = this.#known.get(key);
    return values?.length === count ? values : undefined;
  }

  /** Adds a row, and now and then writes all of them. */
  async add(key: string, values: readonly number[]): Promise<void> {
    // the sums of tokens that are certain are -0, which JSON does not know
    if (values.every(Number.isFinite)) {
      this.#added.set(key, values.map((x) => x + 0));
    }
    if (performance.now() - this.#written > WRITE_EVERY) await this.write();
  }

  /** Writes what was added, beside what is in the file by now. */
  async write(): Promise<void> {
    if (this.#added.size === 0 && !this.#isDamaged) return;
    const { rows } = await readRows(this.#path);
    for (const [key, values] of this.#added) rows.set(key, values);
    await keepCacheFile(
      this.#path,
      rowsText(basename(this.#path), this.#model, rows),
    );
    this.#added.clear();
    this.#isDamaged = false;
    this.#written = performance.now();
  }
}

function rowsText(
  file: string,
  model: string,
  rows: ReadonlyMap<string, readonly number[]>,
): string {
  const lines = [`[${VERSION},${JSON.stringify({ model })}`];
  for (const [key, values] of rows) {
    lines.push([JSON.stringify(nameOf(file, key, values)), ...values].join());
  }
  return `${lines.join(",\n")}]\n`;
}

/** A row's name: its key, and a hash of the file's name, of the key and of the values. */
function nameOf(file: string, key: string, values: readonly number[]): string {
  const hash = startHash("sha256").update(`${file} ${key}`)
    .update(new Uint8Array(Float64Array.from(values).buffer)).digest("hex");
  return `${key} ${hash.slice(0, 32)}`;
}

async function readRows(path: string): Promise<Parsed> {
  const bytes = await readCacheFile(path);
  if (bytes === undefined) return { rows: new Map(), damaged: 0 };
  return parseRows(basename(path), new TextDecoder().decode(bytes)) ??
    { rows: new Map(), damaged: undefined };
}

/** Undefined unless the text is a list of rows, some of which may be damaged. */
function parseRows(file: string, text: string): Parsed | undefined {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(list) || list[0] !== VERSION) return undefined;
  const rows = new Map<string, readonly number[]>();
  let damaged = 0;
  for (let at = 2; at < list.length;) {
    const name: unknown = list[at];
    let end = at + 1;
    while (end < list.length && typeof list[end] === "number") end++;
    const values: readonly number[] = list.slice(at + 1, end);
    const key = typeof name === "string" ? name.slice(0, 64) : "";
    if (nameOf(file, key, values) === name) rows.set(key, values);
    else damaged++;
    at = end;
  }
  return { rows, damaged };
}

/** What a file of rows is, for people who look at the cache. */
export interface ReferenceFacts {
  /** The model, as the run named it. */
  readonly model: string;
  readonly rows: number;
  readonly damaged: number;
}

/**
 * Looks at a file of rows.
 *
 * @param file its name
 * @returns undefined if it is none, or of a version that kept no hashes
 */
export function referenceFacts(
  file: string,
  text: string,
): ReferenceFacts | undefined {
  const parsed = parseRows(file, text);
  if (parsed?.damaged === undefined) return undefined;
  const note: unknown = JSON.parse(text)[1];
  const model = isJsonObject(note) ? worded(note["model"]) : "";
  return { model, rows: parsed.rows.size, damaged: parsed.damaged };
}

/**
 * Names columns of versions that kept them as a whole and without hashes. Those files are a list of
 * numbers, all of them negative.
 */
export async function tellEarlierColumns(folder: string): Promise<void> {
  try {
    for await (const { name, isFile } of disk().list(folder)) {
      if (!isFile || !name.endsWith(".json")) continue;
      using file = await disk().open(join(folder, name));
      const start = new Uint8Array(2);
      await file.read(start);
      if (new TextDecoder().decode(start) !== "[-") continue;
      tell(
        `"${
          join(folder, name)
        }" is of an earlier version, which kept no hash of it; it is not used, and the reference is computed`,
      );
      return;
    }
  } catch {
    return; // there is no folder to look into
  }
}
