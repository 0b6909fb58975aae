/**
 * `W + scale * B A` for every adapted weight of a checkpoint, on the CPU in float64, tensor by tensor in pieces of
 * rows; all else is copied byte for byte. Needs no device.
 */
import { type FloatDtype, fromFloat32, toFloat32 } from "../files/dtype.ts";
import { CHUNK_BYTES, type TensorReader } from "../files/safetensors.ts";
import { writeSafetensors } from "../files/safetensors_writer.ts";
import { adapterName } from "./adapter.ts";
import { type AdapterConfig, layerAdapter } from "./adapter_config.ts";
import { modulePath } from "./tensor_names.ts";

/** The change that an adapter makes to one weight `[rows, cols]`. */
export interface LowRank {
  /** `[rank, cols]` */
  readonly a: Float32Array;
  /** `[rows, rank]` */
  readonly b: Float32Array;
  readonly rank: number;
  readonly scale: number;
}

/**
 * Adds `scale * B A` to rows of a weight in place, summed in float64 and rounded once.
 *
 * Source: https://arxiv.org/abs/2106.09685, Eq. 3.
 *
 * @param rows `[rows, cols]`, of which the first is row `firstRow` of the weight
 */
export function addLowRank(
  rows: Float32Array,
  firstRow: number,
  { a, b, rank, scale }: LowRank,
): void {
  const cols = a.length / rank;
  const sums = new Float64Array(cols);
  for (let at = 0; at < rows.length; at += cols) {
    sums.set(rows.subarray(at, at + cols));
    const row = firstRow + at / cols;
    for (let k = 0; k < rank; k++) {
      const factor = scale * b[row * rank + k]!;
      const from = k * cols;
      for (let c = 0; c < cols; c++) sums[c]! += factor * a[from + c]!;
    }
    rows.set(sums, at);
  }
}

/** Told how many bytes of a checkpoint are written; may stop it. */
export interface MergeProgress {
  /** Bytes of the merged checkpoint written, of all. */
  readonly onMerge?: ((done: number, total: number) => void) | undefined;
  /** Ends it with an error once it is aborted. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes a checkpoint with an adapter merged in: names, shapes and types as found, in one file.
 *
 * @param adapter checked against the model before, as by `loadAdapter()`
 */
export async function writeMerged(
  path: string,
  stored: TensorReader,
  adapter: { readonly config: AdapterConfig; readonly weights: TensorReader },
  { onMerge, signal }: MergeProgress = {},
): Promise<void> {
  const tensors = [...stored.tensors].map(([name, { dtype, shape }]) => ({
    ...{ name, dtype, shape },
  }));
  const total = [...stored.tensors.values()]
    .reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  await writeSafetensors(path, tensors, async function* ({ name }) {
    const change = await readLowRank(name, adapter);
    const { shape, bytes, dtype } = stored.tensors.get(name)!;
    const rowBytes = change ? bytes / shape[0]! : 1;
    const most = Math.max(1, Math.floor(CHUNK_BYTES / rowBytes)) * rowBytes;
    for await (const chunk of stored.chunks(name, most)) {
      signal?.throwIfAborted();
      yield change
        ? merged(
          chunk.bytes,
          dtype as FloatDtype,
          (rows) => addLowRank(rows, chunk.offset / rowBytes, change),
        )
        : chunk.bytes;
      done += chunk.bytes.length;
      onMerge?.(done, total);
    }
  });
}

function merged(
  bytes: Uint8Array<ArrayBuffer>,
  dtype: FloatDtype,
  change: (rows: Float32Array) => void,
): Uint8Array<ArrayBuffer> {
  const rows = toFloat32(bytes, dtype);
  change(rows);
  return fromFloat32(rows, dtype);
}

async function readLowRank(
  name: string,
  { config, weights }: {
    readonly config: AdapterConfig;
    readonly weights: TensorReader;
  },
): Promise<LowRank | undefined> {
  const path = modulePath(name);
  const read = async (side: "A" | "B") => {
    const half = adapterName(path, side);
    const dtype = weights.tensors.get(half)?.dtype;
    return dtype && toFloat32(await weights.read(half), dtype as FloatDtype);
  };
  const [a, b] = [await read("A"), await read("B")];
  const { r: rank, scale } = layerAdapter(config, path);
  return a && b && { a, b, rank, scale };
}
