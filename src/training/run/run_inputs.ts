/**
 * Hashes of what a run is made from: its base weights, and its rows as they are trained on. Two
 * runs of equal hashes take the same steps, wherever their files lie. Knows no option.
 */
import { fileHash } from "../../files/disk/file_hash.ts";
import { startHash } from "../../files/disk/hash.ts";

/** Hashes, in hexadecimal. */
export interface RunInputs {
  /** Of the files of the base weights and of an adapter that is continued, in their order. */
  readonly weights: string;
  /** Of the tokens and numbers of all training examples, in their order. */
  readonly rows: string;
}

/**
 * @param files of weights
 * @param cacheFolder where hashes of files are remembered
 */
export async function hashInputs(
  files: readonly string[],
  examples: readonly object[],
  cacheFolder: string | undefined,
): Promise<RunInputs> {
  const weights = startHash("sha256");
  for (const path of files) weights.update(await fileHash(path, cacheFolder));
  const rows = startHash("sha256");
  for (const example of examples) addValue(rows, example);
  return { weights: weights.digest("hex"), rows: rows.digest("hex") };
}

/** Where a row stood in its file changes no step. */
const PLACES = new Set(["line", "lines"]);

function addValue(hash: ReturnType<typeof startHash>, value: unknown): void {
  if (ArrayBuffer.isView(value)) {
    addValue(hash, Array.from(value as Uint32Array));
  } else if (Array.isArray(value)) {
    hash.update(`[${value.length}`);
    if (value.every((one) => typeof one === "number")) {
      hash.update(new Uint8Array(Float64Array.from(value).buffer));
    } else for (const one of value) addValue(hash, one);
  } else if (typeof value === "object" && value !== null) {
    const names = fieldsOf(value).filter((name) => !PLACES.has(name)).sort();
    for (const name of names) {
      const part = (value as Readonly<Record<string, unknown>>)[name];
      if (part === undefined) continue;
      hash.update(`{${name}`);
      addValue(hash, part);
    }
    hash.update("}");
  } else hash.update(`${typeof value} ${value};`);
}

/** The names of an object's fields; packed examples have getters in their place. */
function fieldsOf(value: object): string[] {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) {
    return Object.keys(value);
  }
  const inherited = Object.getOwnPropertyDescriptors(prototype as object);
  const getters = Object.entries(inherited).filter(([, { get }]) => get);
  return [...Object.keys(value), ...getters.map(([name]) => name)];
}
