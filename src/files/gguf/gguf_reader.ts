/**
 * Reads GGUF files back: metadata, tensors and their bytes. For the check after an export and for
 * tests. Only the tensor types that this program writes are known.
 */
import { elementCount } from "../safetensors/dtype.ts";
import {
  GGUF_MAGIC,
  GGUF_TYPES,
  GGUF_VALUE_TYPES,
  GGUF_VERSION,
  ggufAligned,
  ggufBytes,
  type GgufTensor,
  type GgufType,
} from "./gguf.ts";
import { disk } from "../disk.ts";

/** A value in a file; integers of 64 bits become plain numbers. */
export type GgufFound =
  | number
  | boolean
  | string
  | readonly (number | boolean | string)[];

/** A GGUF file whose header is read. */
export interface Gguf {
  readonly metadata: ReadonlyMap<string, GgufFound>;
  readonly tensors: ReadonlyMap<string, GgufTensor>;
  /** Bytes of a tensor, from `offset` on, or fewer if it ends. */
  read(
    name: string,
    offset?: number,
    length?: number,
  ): Promise<Uint8Array<ArrayBuffer>>;
}

/** Reads the header of a file. @throws SyntaxError if it is no GGUF file or is cut off */
export async function openGguf(path: string): Promise<Gguf> {
  const size = (await disk().stat(path)).size;
  for (let length = 1 << 20;; length *= 8) { // the header of a large vocabulary has some MB
    const bytes = await readBytes(path, 0, Math.min(length, size));
    try {
      return parse(path, bytes, size);
    } catch (error) {
      const isShort = error instanceof RangeError && length < size;
      if (isShort) continue;
      throw error instanceof RangeError
        ? new SyntaxError(`Cannot read "${path}": it is cut off`)
        : error;
    }
  }
}

interface PlacedTensor extends GgufTensor {
  readonly offset: number;
}

function parse(path: string, bytes: Uint8Array, size: number): Gguf {
  const from = byteSource(bytes);
  if (from.uint32() !== GGUF_MAGIC || from.uint32() !== GGUF_VERSION) {
    throw new SyntaxError(
      `Cannot read "${path}": expected a GGUF file of version ${GGUF_VERSION}`,
    );
  }
  const [tensorCount, valueCount] = [from.uint64(), from.uint64()];
  const metadata = new Map<string, GgufFound>();
  for (let i = 0; i < valueCount; i++) {
    metadata.set(from.text(), readValue(from, from.uint32()));
  }
  const tensors = new Map<string, PlacedTensor>();
  for (let i = 0; i < tensorCount; i++) {
    const tensor = readTensor(from);
    tensors.set(tensor.name, tensor);
  }
  const start = ggufAligned(from.at());
  for (const { name, type, shape, offset } of tensors.values()) {
    const end = start + offset + ggufBytes(type, elementCount(shape));
    if (end > size) {
      throw new SyntaxError(
        `Cannot read "${path}": tensor "${name}" ends at byte ${end} of ${size}`,
      );
    }
  }
  return {
    metadata,
    tensors,
    read(name, offset = 0, length = Infinity) {
      const tensor = tensors.get(name);
      if (!tensor) {
        throw new TypeError(
          `Cannot read "${path}": it has no tensor "${name}"`,
        );
      }
      const all = ggufBytes(tensor.type, elementCount(tensor.shape));
      const count = Math.min(length, all - offset);
      return readBytes(path, start + tensor.offset + offset, count);
    },
  };
}

function readTensor(from: ByteSource): PlacedTensor {
  const name = from.text();
  const axes = from.uint32();
  const shape = Array.from({ length: axes }, () => from.uint64()).reverse();
  const number = from.uint32();
  const type = Object.keys(GGUF_TYPES).find((known) =>
    GGUF_TYPES[known as GgufType].number === number
  );
  if (type === undefined) {
    throw new SyntaxError(
      `Cannot read GGUF: tensor "${name}" has type ${number}, expected one of ${
        Object.keys(GGUF_TYPES).join(", ")
      }`,
    );
  }
  return { name, type: type as GgufType, shape, offset: from.uint64() };
}

function readValue(from: ByteSource, type: number): GgufFound {
  if (type !== GGUF_VALUE_TYPES.array) return readPlain(from, type);
  const of = from.uint32();
  return Array.from({ length: from.uint64() }, () => readPlain(from, of));
}

function readPlain(from: ByteSource, type: number): number | boolean | string {
  switch (type) {
    case GGUF_VALUE_TYPES.uint32:
      return from.uint32();
    case GGUF_VALUE_TYPES.int32:
      return from.uint32() | 0;
    case GGUF_VALUE_TYPES.uint64:
      return from.uint64();
    case GGUF_VALUE_TYPES.float32:
      return from.float32();
    case GGUF_VALUE_TYPES.bool:
      return from.uint8() !== 0;
    case GGUF_VALUE_TYPES.string:
      return from.text();
    default:
      throw new SyntaxError(
        `Cannot read GGUF: values of type ${type} are not known`,
      );
  }
}

type ByteSource = ReturnType<typeof byteSource>;

/** Little-endian numbers one after the other; a RangeError at the end. */
function byteSource(bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const decoder = new TextDecoder();
  let at = 0;
  const step = (count: number) => (at += count) - count;
  const uint64 = () => Number(view.getBigUint64(step(8), true));
  return {
    at: () => at,
    uint8: () => view.getUint8(step(1)),
    uint32: () => view.getUint32(step(4), true),
    float32: () => view.getFloat32(step(4), true),
    uint64,
    text() {
      const length = uint64();
      const from = step(length);
      if (at > bytes.length) throw new RangeError("cut off");
      return decoder.decode(bytes.subarray(from, at));
    },
  };
}

async function readBytes(
  path: string,
  offset: number,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  using file = await disk().open(path);
  await file.seek(offset);
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length;) {
    const count = await file.read(bytes.subarray(done));
    if (count === null) {
      throw new SyntaxError(`Cannot read "${path}": it is cut off`);
    }
    done += count;
  }
  return bytes;
}
