/**
 * Writes GGUF files: first header, metadata and the list of tensors, then the bytes of each tensor
 * in pieces, so that at most one piece is in memory. Knows no model.
 */
import { elementCount } from "../safetensors/dtype.ts";
import {
  GGUF_MAGIC,
  GGUF_TYPES,
  GGUF_VALUE_TYPES,
  GGUF_VERSION,
  ggufAligned,
  ggufBytes,
  type GgufMetadata,
  type GgufTensor,
  type GgufValue,
} from "./gguf.ts";
import { type WritableFile } from "../disk.ts";
import { writeAll } from "../disk/whole_file.ts";

/**
 * Writes a whole file into an open one.
 *
 * @param data gives the bytes of a tensor when it is written
 * @throws TypeError for a name that is there twice or too long, RangeError if bytes do not fit a
 *   shape
 */
export async function writeGguf(
  file: WritableFile,
  metadata: GgufMetadata,
  tensors: readonly GgufTensor[],
  data: (tensor: GgufTensor) => AsyncIterable<Uint8Array>,
): Promise<void> {
  checkNames(tensors);
  await writeAll(file, encodeHeader(metadata, tensors));
  for (const tensor of tensors) {
    const wanted = bytesOf(tensor);
    let written = 0;
    for await (const piece of data(tensor)) {
      written += piece.length;
      if (written <= wanted) await writeAll(file, piece);
    }
    if (written !== wanted) {
      throw new RangeError(
        `Cannot write GGUF: tensor "${tensor.name}" ${tensor.type} [${
          tensor.shape.join(", ")
        }] got ${written} bytes, expected ${wanted}`,
      );
    }
    await writeAll(file, new Uint8Array(ggufAligned(written) - written));
  }
}

function bytesOf({ type, shape }: GgufTensor): number {
  return ggufBytes(type, elementCount(shape));
}

/** The longest name that ggml's reader accepts, in bytes. */
const NAME_BYTES = 63;

function checkNames(tensors: readonly GgufTensor[]): void {
  const names = tensors.map(({ name }) => name);
  const wrong = names.filter((name, i) =>
    names.indexOf(name) !== i || name.length > NAME_BYTES
  );
  if (wrong.length === 0) return;
  throw new TypeError(
    `Cannot write GGUF: tensors "${
      wrong.join('", "')
    }" are there twice or have names over ${NAME_BYTES} bytes`,
  );
}

/** All bytes before the data, padded to the start of the data. */
export function encodeHeader(
  metadata: GgufMetadata,
  tensors: readonly GgufTensor[],
): Uint8Array {
  const sink = byteSink();
  sink.uint32(GGUF_MAGIC);
  sink.uint32(GGUF_VERSION);
  sink.uint64(tensors.length);
  sink.uint64(metadata.size);
  for (const [key, value] of metadata) {
    sink.text(key);
    putValue(sink, value);
  }
  let offset = 0;
  for (const tensor of tensors) {
    const { name, type, shape } = tensor;
    sink.text(name);
    sink.uint32(shape.length);
    for (const size of shape.toReversed()) sink.uint64(size);
    sink.uint32(GGUF_TYPES[type].number);
    sink.uint64(offset);
    offset += ggufAligned(bytesOf(tensor));
  }
  return sink.padded();
}

function putValue(sink: ByteSink, value: GgufValue): void {
  const type = GGUF_VALUE_TYPES[value.type];
  if ("list" in value) {
    sink.uint32(GGUF_VALUE_TYPES.array);
    sink.uint32(type);
    sink.uint64(value.list.length);
    for (const one of value.list) putPlain(sink, value.type, one);
  } else {
    sink.uint32(type);
    putPlain(sink, value.type, value.value);
  }
}

function putPlain(
  sink: ByteSink,
  type: GgufValue["type"],
  value: number | boolean | string,
): void {
  if (type === "string") sink.text(String(value));
  else if (type === "bool") sink.uint8(value ? 1 : 0);
  else if (type === "float32") sink.float32(Number(value));
  else sink.uint32(Number(value)); // an int32 has the same bits
}

/** Little-endian bytes that grow. */
interface ByteSink {
  uint8(value: number): void;
  uint32(value: number): void;
  uint64(value: number): void;
  float32(value: number): void;
  /** UTF-8 with its length before it. */
  text(value: string): void;
  padded(): Uint8Array;
}

function byteSink(): ByteSink {
  const encoder = new TextEncoder();
  let bytes = new Uint8Array(1 << 16);
  let view = new DataView(bytes.buffer);
  let length = 0;
  /** Reserves bytes and returns their offset. */
  const room = (count: number): number => {
    const at = length;
    length += count;
    if (length > bytes.length) {
      const larger = new Uint8Array(2 * length);
      larger.set(bytes);
      bytes = larger;
      view = new DataView(bytes.buffer);
    }
    return at;
  };
  const uint64 = (value: number) => {
    const at = room(8); // call this before `view` is read, since it may replace `view`
    view.setBigUint64(at, BigInt(value), true);
  };
  return {
    uint64,
    uint8(value) {
      const at = room(1);
      view.setUint8(at, value);
    },
    uint32(value) {
      const at = room(4);
      view.setUint32(at, value, true);
    },
    float32(value) {
      const at = room(4);
      view.setFloat32(at, value, true);
    },
    text(value) {
      const encoded = encoder.encode(value);
      uint64(encoded.length);
      const at = room(encoded.length);
      bytes.set(encoded, at);
    },
    padded() {
      room(ggufAligned(length) - length);
      return bytes.subarray(0, length);
    },
  };
}
