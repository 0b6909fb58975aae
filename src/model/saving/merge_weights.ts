/**
 * Computes `W + scale * B A` for every adapted weight of a checkpoint, with rows scaled to their
 * magnitudes for DoRA, on the CPU in float64, tensor by tensor in pieces of rows. Whole modules of
 * the adapter replace those of the base; all other tensors are copied byte for byte. Needs no
 * device.
 */
import {
  elementCount,
  type FloatDtype,
  fromFloat32,
  toFloat32,
} from "../../files/safetensors/dtype.ts";
import {
  CHUNK_BYTES,
  type TensorReader,
} from "../../files/safetensors/safetensors.ts";
import {
  type TensorLayout,
  writeSafetensors,
} from "../../files/safetensors/safetensors_writer.ts";
import { type AdapterConfig, layerAdapter } from "../adapter/adapter_config.ts";
import { modulePath } from "../config/tensor_names.ts";
import {
  adapterName,
  magnitudeName,
  savedName,
} from "../adapter/adapter_layout.ts";

/** The change of one weight `[rows, cols]` by an adapter. */
export interface LowRank {
  /** `[rank, cols]` */
  readonly a: Float32Array;
  /** `[rows, rank]` */
  readonly b: Float32Array;
  readonly rank: number;
  readonly scale: number;
  /** The norms that the rows get, `[rows]`; undefined: they keep their own. */
  readonly m?: Float32Array | undefined;
}

/**
 * Adds `scale * B A` to rows of a weight in place, summed in float64 and rounded once. With
 * magnitudes each row is then scaled to its magnitude.
 *
 * Sources: https://arxiv.org/abs/2106.09685, Eq. 3; https://arxiv.org/abs/2402.09353, Eq. 5.
 *
 * @param rows `[rows, cols]` part of the weight, which begins with its row `firstRow`
 */
export function addLowRank(
  rows: Float32Array,
  firstRow: number,
  { a, b, rank, scale, m }: LowRank,
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
    if (m) {
      const squares = sums.reduce((sum, value) => sum + value * value, 0);
      const factor = m[row]! / Math.sqrt(squares);
      for (let c = 0; c < cols; c++) sums[c]! *= factor;
    }
    rows.set(sums, at);
  }
}

/** Called as a checkpoint is written; may stop it. */
export interface MergeProgress {
  /** Called with the bytes of the merged checkpoint that are written, and all of its bytes. */
  readonly onMerge?: ((done: number, total: number) => void) | undefined;
  /** Stops the work with an error when it is aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** The files of an adapter, which must fit the model; `loadAdapter()` checks that. */
export interface AdapterFiles {
  readonly config: AdapterConfig;
  readonly weights: TensorReader;
}

const EMBEDDING = "model.embed_tokens.weight";
const HEAD = "lm_head.weight";

/**
 * Whether an adapter has an embedding or a head that is not the other one too, so that the merged
 * model does not tie them. What its config does not name replaces both, as PEFT loads it.
 */
export function unties({ config, weights }: AdapterFiles): boolean {
  const isNamed = [EMBEDDING, HEAD].some((name) =>
    config.modules_to_save?.some((end) => modulePath(name).endsWith(end))
  );
  return isNamed && config.ensure_weight_tying !== true &&
    [EMBEDDING, HEAD].some((name) => weights.tensors.has(savedName(name)));
}

/** The rows of the merged model's embedding; undefined: as many as the base has. */
export function mergedRows({ weights }: AdapterFiles): number | undefined {
  return weights.tensors.get(savedName(EMBEDDING))?.shape[0] ??
    weights.tensors.get(savedName(HEAD))?.shape[0];
}

/** A tensor of the merged checkpoint, and the source of its numbers. */
interface MergedTensor extends TensorLayout {
  readonly bytes: number;
  readonly reader: TensorReader;
  readonly from: string;
}

function mergedTensors(
  stored: TensorReader,
  adapter: AdapterFiles,
  tied: boolean,
): MergedTensor[] {
  const both = [EMBEDDING, HEAD].filter((name) =>
    adapter.weights.tensors.has(savedName(name))
  );
  // of two copies for one tied weight PEFT loads the head last
  const one = adapter.config.ensure_weight_tying ? both[0] : both.at(-1);
  const tensors = [...stored.tensors].map(([name, info]): MergedTensor => {
    const isTied = tied && !unties(adapter) && [EMBEDDING, HEAD].includes(name);
    const nameInAdapter = savedName(isTied ? one ?? name : name);
    const own = adapter.weights.tensors.get(nameInAdapter);
    if (!own) return { ...info, name, reader: stored, from: name };
    return {
      ...info,
      shape: own.shape,
      bytes: info.bytes / elementCount(info.shape) * elementCount(own.shape),
      name,
      reader: adapter.weights,
      from: nameInAdapter,
    };
  });
  const embedding = tensors.find(({ name }) => name === EMBEDDING);
  if (!unties(adapter) || stored.tensors.has(HEAD) || !embedding) {
    return tensors;
  }
  const nameInAdapter = savedName(HEAD);
  const from = adapter.weights.tensors.has(nameInAdapter)
    ? { reader: adapter.weights, from: nameInAdapter }
    : { reader: stored, from: EMBEDDING };
  return [...tensors, { ...embedding, name: HEAD, ...from }];
}

/**
 * Writes a checkpoint with a merged adapter as one file, with the names, shapes and types of the
 * base.
 *
 * @param how `tied`: whether the base's embedding is its head too
 */
export async function writeMerged(
  path: string,
  stored: TensorReader,
  adapter: AdapterFiles,
  { tied, onMerge, signal }: MergeProgress & { readonly tied: boolean },
): Promise<void> {
  const tensors = mergedTensors(stored, adapter, tied);
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const total = tensors.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  await writeSafetensors(path, tensors, async function* ({ name }) {
    const { shape, dtype, bytes, reader, from } = byName.get(name)!;
    const change = await readChange(name, adapter);
    const info = reader.tensors.get(from)!;
    const rowBytes = change ? info.bytes / shape[0]! : 1;
    const most = Math.max(1, Math.floor(CHUNK_BYTES / rowBytes)) * rowBytes;
    for await (const chunk of reader.chunks(from, most)) {
      signal?.throwIfAborted();
      const isAsIs = !change && info.dtype === dtype;
      yield isAsIs ? chunk.bytes : converted(chunk.bytes, {
        from: info.dtype as FloatDtype,
        to: dtype as FloatDtype,
        change: (rows) =>
          change && addLowRank(rows, chunk.offset / rowBytes, change),
      });
      done += chunk.bytes.length / info.bytes * bytes;
      onMerge?.(done, total);
    }
  });
}

function converted(
  bytes: Uint8Array<ArrayBuffer>,
  { from, to, change }: {
    readonly from: FloatDtype;
    readonly to: FloatDtype;
    readonly change: (rows: Float32Array) => void;
  },
): Uint8Array<ArrayBuffer> {
  const rows = toFloat32(bytes, from);
  change(rows);
  return fromFloat32(rows, to);
}

async function readChange(
  name: string,
  { config, weights }: AdapterFiles,
): Promise<LowRank | undefined> {
  const path = modulePath(name);
  const read = async (tensor: string) => {
    const dtype = weights.tensors.get(tensor)?.dtype;
    return dtype && toFloat32(await weights.read(tensor), dtype as FloatDtype);
  };
  const a = await read(adapterName(path, "A"));
  const b = await read(adapterName(path, "B"));
  const m = await read(magnitudeName(path));
  const { r: rank, scale } = layerAdapter(config, path);
  return a && b && { a, b, m, rank, scale };
}
