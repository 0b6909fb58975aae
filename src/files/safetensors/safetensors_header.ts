/**
 * The header of a safetensors file: a little-endian length in 8 bytes, then that many bytes of JSON
 * that give each tensor's type, shape and byte range in the data behind. Nothing in it is believed
 * before it is checked: ranges must tile the data without gap or overlap.
 * Format: https://huggingface.co/docs/safetensors
 */
import { worded } from "../../base/shown.ts";
import { type Dtype, DTYPE_BYTES, elementCount, isDtype } from "./dtype.ts";
import { isJsonObject, type JsonObject, parseJson } from "../disk/json_file.ts";
import { topLevelKeys } from "./json_keys.ts";

/** A tensor in a file: what it is and where its bytes lie. */
export interface TensorInfo {
  /** Unique in its file. */
  readonly name: string;
  /** Type of its numbers. */
  readonly dtype: Dtype;
  /** Sizes of its axes; empty for a scalar. */
  readonly shape: readonly number[];
  /** Byte position in the file, counted from the file's start. */
  readonly offset: number;
  /** Bytes in the file. */
  readonly bytes: number;
}

/** The contents of a checked header. */
export interface SafetensorsHeader {
  /** Tensors by name, in the order of their bytes. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** The metadata of the file. */
  readonly metadata: Readonly<Record<string, string>>;
}

const MAX_HEADER_BYTES = 100_000_000;
const MAX_PROBLEMS_SHOWN = 20;

/** The error message with everything that is wrong with a file, in one line. */
export function problemLine(path: string, problems: readonly string[]): string {
  const shown = problems.slice(0, MAX_PROBLEMS_SHOWN).join("; ");
  const more = problems.length - MAX_PROBLEMS_SHOWN;
  return `Cannot load "${path}": ${shown}${
    more > 0 ? `; and ${more} more` : ""
  }`;
}

/**
 * Checks the length that a file's first 8 bytes announce.
 *
 * @throws RangeError if no header of that length can be there.
 */
export function checkHeaderLength(
  path: string,
  announced: bigint,
  fileBytes: number,
): number {
  const room = Math.min(fileBytes - 8, MAX_HEADER_BYTES);
  if (announced >= 2n && announced <= BigInt(room)) return Number(announced);
  throw new RangeError(problemLine(path, [
    `its header claims ${announced} bytes, the file has ${fileBytes}: truncated, or not safetensors`,
  ]));
}

/**
 * Parses and checks a header.
 *
 * @param file path for messages, the file's size and the header's length (without its 8 bytes)
 * @throws SyntaxError for broken JSON, RangeError naming all tensors that do not fit.
 */
export function parseHeader(
  text: string,
  file: { path: string; fileBytes: number; headerBytes: number },
): SafetensorsHeader {
  const header = parseJson(text, file.path);
  if (!isJsonObject(header)) {
    throw new TypeError(problemLine(file.path, ["its header is no object"]));
  }
  const dataStart = 8 + file.headerBytes;
  const dataBytes = file.fileBytes - dataStart;
  const problems = duplicates(text);
  const tensors: TensorInfo[] = [];
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const found = readEntry(name, entry, dataBytes);
    if (typeof found === "string") problems.push(found);
    else tensors.push({ ...found, offset: found.offset + dataStart });
  }
  tensors.sort((a, b) => a.offset - b.offset || a.bytes - b.bytes);
  if (problems.length === 0) problems.push(...tiling(tensors, file, dataStart));
  if (problems.length > 0) {
    throw new RangeError(problemLine(file.path, problems));
  }
  return {
    tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])),
    metadata: readMetadata(header),
  };
}

function duplicates(text: string): string[] {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const key of topLevelKeys(text)) {
    if (seen.has(key)) twice.add(key);
    seen.add(key);
  }
  return [...twice].map((key) => `tensor "${key}" is there twice`);
}

function readMetadata(header: JsonObject): Record<string, string> {
  const metadata = header["__metadata__"];
  if (!isJsonObject(metadata)) return {};
  return Object.fromEntries(
    Object.entries(metadata).map(([key, value]) => [key, worded(value)]),
  );
}

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;

/** The tensor that an entry describes, offset counted from the data's start, or what is wrong. */
function readEntry(
  name: string,
  entry: unknown,
  dataBytes: number,
): TensorInfo | string {
  const say = (fault: string) => `tensor "${name}" ${fault}`;
  if (!isJsonObject(entry)) return say("is not described by an object");
  const { dtype, shape, data_offsets: range } = entry;
  if (!isDtype(dtype)) return say(`has unknown dtype ${JSON.stringify(dtype)}`);
  if (!Array.isArray(shape) || !shape.every(isCount)) {
    return say(`has shape ${JSON.stringify(shape)}`);
  }
  if (!Array.isArray(range) || range.length !== 2 || !range.every(isCount)) {
    return say(`has data_offsets ${JSON.stringify(range)}`);
  }
  const [begin, end] = range as [number, number];
  const bytes = elementCount(shape) * DTYPE_BYTES[dtype];
  if (end - begin !== bytes) {
    return say(
      `has ${end - begin} bytes, ${dtype} [${shape.join(", ")}] needs ${bytes}`,
    );
  }
  if (end > dataBytes) {
    return say(
      `ends at byte ${end} of the data, of which ${dataBytes} are there: truncated file?`,
    );
  }
  return { name, dtype, shape, offset: begin, bytes };
}

/** Gaps and overlaps between tensors sorted by their place. */
function tiling(
  tensors: readonly TensorInfo[],
  file: { fileBytes: number },
  dataStart: number,
): string[] {
  const problems: string[] = [];
  let end = dataStart;
  let before = "";
  for (const { name, offset, bytes } of tensors) {
    if (offset < end) {
      problems.push(`tensors "${before}" and "${name}" overlap`);
    } else if (offset > end) {
      problems.push(`${offset - end} bytes before tensor "${name}" are unused`);
    }
    if (offset + bytes >= end) before = name;
    end = Math.max(end, offset + bytes);
  }
  if (end < file.fileBytes) {
    problems.push(`${file.fileBytes - end} bytes at its end are unused`);
  }
  return problems;
}
