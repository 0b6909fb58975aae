/**
 * Reads safetensors files, either whole tensors or chunks, so that weights are never in memory
 * twice. The file is opened for each read, so there is nothing to close.
 */
import {
  checkHeaderLength,
  parseHeader,
  type SafetensorsHeader,
  type TensorInfo,
} from "./safetensors_header.ts";
import { DTYPE_BYTES } from "./dtype.ts";
import { firstNotFinite } from "./finite.ts";
import type { ReadCodes } from "./read_codes.ts";
import { disk, type DiskFile, NotFound } from "../disk.ts";
import { withPath } from "../disk/whole_file.ts";

/** Bytes per chunk: what a reader holds at once. */
export const CHUNK_BYTES = 8 * 2 ** 20;

/** A piece of a tensor's bytes; `bytes` is valid until the next chunk is asked for. */
export interface TensorChunk {
  /** Byte position in the tensor. */
  readonly offset: number;
  /** The bytes of this piece. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Named tensors on disk, in one file or several. */
export interface TensorReader {
  /** Tensors by name; the `offset` of each counts in its own file. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** The files that hold them. */
  readonly files: readonly string[];
  /** Reads all bytes of a tensor into a new buffer. */
  read(name: string): Promise<Uint8Array<ArrayBuffer>>;
  /** The bytes of a tensor in order, whole numbers, never more than `chunkBytes` at once. */
  chunks(name: string, chunkBytes?: number): AsyncIterable<TensorChunk>;
  /** Given where the checkpoint is quantized: what its floats come from. */
  readonly packed?: ReadCodes | undefined;
}

/** An open safetensors file. */
export interface Safetensors extends TensorReader {
  /** The file. */
  readonly path: string;
  /** The metadata of the file, such as `{ format: "pt" }`. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Opens a safetensors file and checks its header against its size.
 *
 * @throws RangeError or SyntaxError naming the file and every tensor that is wrong.
 */
export async function openSafetensors(path: string): Promise<Safetensors> {
  const { tensors, metadata } = await readHeader(path);
  return {
    path,
    files: [path],
    tensors,
    metadata,
    read: (name) => readTensor(path, name, tensorInfo(tensors, name, path)),
    chunks: (name, chunkBytes = CHUNK_BYTES) =>
      readChunks(path, name, tensorInfo(tensors, name, path), chunkBytes),
  };
}

/**
 * The tensor of that name.
 *
 * @throws TypeError if there is none.
 */
export function tensorInfo(
  tensors: ReadonlyMap<string, TensorInfo>,
  name: string,
  path: string,
): TensorInfo {
  const info = tensors.get(name);
  if (info !== undefined) return info;
  throw new TypeError(`Cannot read "${path}": it has no tensor "${name}"`);
}

async function readHeader(path: string): Promise<SafetensorsHeader> {
  using file = await openFile(path);
  const fileBytes = await file.size();
  const length = new Uint8Array(8);
  await fill(file, length.subarray(0, Math.min(8, fileBytes)), path);
  const announced = new DataView(length.buffer).getBigUint64(0, true);
  const headerBytes = checkHeaderLength(path, announced, fileBytes);
  const header = new Uint8Array(headerBytes);
  await fill(file, header, path);
  const text = new TextDecoder().decode(header);
  return parseHeader(text, { path, fileBytes, headerBytes });
}

async function openFile(path: string): Promise<DiskFile> {
  try {
    return await disk().open(path);
  } catch (error) {
    if (error instanceof NotFound) {
      throw new NotFound(`Cannot load "${path}": no such file`);
    }
    throw withPath(error, path);
  }
}

/** Fills `bytes` from the file's position. */
async function fill(
  file: DiskFile,
  bytes: Uint8Array<ArrayBuffer>,
  path: string,
): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const count = await file.read(bytes.subarray(done));
    if (count === null) {
      throw new RangeError(
        `Cannot read "${path}": it ended ${bytes.length - done} bytes early`,
      );
    }
    done += count;
  }
}

/**
 * @param offset of the bytes in the tensor
 * @throws {RangeError} naming the first number that is NaN or infinite
 */
function checkFinite(
  bytes: Uint8Array<ArrayBuffer>,
  { dtype, shape }: TensorInfo,
  { path, name, offset }: {
    readonly path: string;
    readonly name: string;
    readonly offset: number;
  },
): void {
  const found = firstNotFinite(bytes, dtype);
  if (found === undefined) return;
  const number = offset / DTYPE_BYTES[dtype] + found.index;
  throw new RangeError(
    `Cannot read "${path}": in tensor "${name}" of shape [${
      shape.join(", ")
    }] number ${number} is ${found.value}, expected finite numbers; the run that wrote it went wrong, or the file is damaged`,
  );
}

async function readTensor(
  path: string,
  name: string,
  info: TensorInfo,
): Promise<Uint8Array<ArrayBuffer>> {
  using file = await openFile(path);
  await file.seek(info.offset);
  const bytes = new Uint8Array(info.bytes);
  await fill(file, bytes, path);
  checkFinite(bytes, info, { path, name, offset: 0 });
  return bytes;
}

async function* readChunks(
  path: string,
  name: string,
  info: TensorInfo,
  chunkBytes: number,
): AsyncGenerator<TensorChunk> {
  using file = await openFile(path);
  await file.seek(info.offset);
  const size = DTYPE_BYTES[info.dtype];
  const whole = Math.max(size, chunkBytes - chunkBytes % size);
  const buffer = new Uint8Array(Math.min(whole, info.bytes));
  for (let offset = 0; offset < info.bytes; offset += buffer.length) {
    const bytes = buffer.subarray(
      0,
      Math.min(buffer.length, info.bytes - offset),
    );
    await fill(file, bytes, path);
    checkFinite(bytes, info, { path, name, offset });
    yield { offset, bytes };
  }
}
