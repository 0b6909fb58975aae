/**
 * Writes safetensors files atomically: first the header from names, types and shapes, then the
 * bytes of each tensor in turn, so that at most one tensor is in memory.
 */
import { type FileWriter, writeFileAtomic } from "../disk/atomic.ts";
import { type Dtype, DTYPE_BYTES, elementCount } from "./dtype.ts";
import { type WritableFile } from "../disk.ts";
import { writeAll } from "../disk/whole_file.ts";

/** A tensor that is to be written. */
export interface TensorLayout {
  /** Unique in its file. */
  readonly name: string;
  /** Type of its numbers. */
  readonly dtype: Dtype;
  /** Sizes of its axes; empty for a scalar. */
  readonly shape: readonly number[];
}

/** The bytes of a tensor: at once, or in pieces. */
export type TensorBytes =
  | Uint8Array
  | Iterable<Uint8Array>
  | AsyncIterable<Uint8Array>;

/** How many bytes a tensor takes in a file. */
export function tensorBytes(tensor: TensorLayout): number {
  return elementCount(tensor.shape) * DTYPE_BYTES[tensor.dtype];
}

/**
 * Writes tensors to a file, wide types first, then by name, as the format's own library does.
 *
 * @param data gives the bytes of a tensor when it is written
 * @param metadata `{ format: "pt" }` by default, which other readers look for
 * @param writeFile atomically by default
 * @throws TypeError if a name is there twice, RangeError if a tensor's bytes do not fit its shape.
 */
export async function writeSafetensors(
  path: string,
  tensors: readonly TensorLayout[],
  data: (tensor: TensorLayout) => TensorBytes | Promise<TensorBytes>,
  metadata: Readonly<Record<string, string>> = { format: "pt" },
  writeFile: FileWriter = writeFileAtomic,
): Promise<void> {
  const ordered = tensors.toSorted((a, b) =>
    DTYPE_BYTES[b.dtype] - DTYPE_BYTES[a.dtype] || (a.name < b.name ? -1 : 1)
  );
  const header = encodeHeader(path, ordered, metadata);
  await writeFile(path, async (file) => {
    await writeAll(file, header);
    for (const tensor of ordered) {
      await writeTensor(file, tensor, await data(tensor), path);
    }
  });
}

/** Length and JSON, padded with spaces so that the data begins at a multiple of 8 bytes. */
function encodeHeader(
  path: string,
  tensors: readonly TensorLayout[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const entries: Record<string, unknown> = { __metadata__: metadata };
  let begin = 0;
  for (const tensor of tensors) {
    if (Object.hasOwn(entries, tensor.name)) {
      throw new TypeError(
        `Cannot write "${path}": tensor "${tensor.name}" is there twice`,
      );
    }
    const end = begin + tensorBytes(tensor);
    const { dtype, shape } = tensor;
    entries[tensor.name] = { dtype, shape, data_offsets: [begin, end] };
    begin = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(entries));
  const padded = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + padded).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.set(json, 8);
  return bytes;
}

async function writeTensor(
  file: WritableFile,
  tensor: TensorLayout,
  data: TensorBytes,
  path: string,
): Promise<void> {
  const wanted = tensorBytes(tensor);
  let written = 0;
  for await (const piece of data instanceof Uint8Array ? [data] : data) {
    written += piece.length;
    if (written <= wanted) await writeAll(file, piece);
  }
  if (written === wanted) return;
  throw new RangeError(
    `Cannot write "${path}": tensor "${tensor.name}" ${tensor.dtype} [${
      tensor.shape.join(", ")
    }] got ${written} bytes, expected ${wanted}`,
  );
}
