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
import type { AdapterConfig } from "../adapter/adapter_config.ts";
import { savedName } from "../adapter/adapter_layout.ts";
import { addLowRank } from "../adapter/low_rank.ts";
import { vocabularyNames } from "../adapter/own_embedding.ts";
import { hasLowRank, readLowRank } from "../adapter/vocabulary_lora.ts";
import type { ModelConfig } from "../config/config.ts";
import { modulePath } from "../config/tensor_names.ts";

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

/**
 * Whether an adapter changes embedding or head without the other one, so that the merged model does
 * not tie them. What its config does not name replaces both, as PEFT loads it.
 */
export function unties(
  { config, weights }: AdapterFiles,
  base: Pick<ModelConfig, "family">,
): boolean {
  const names = vocabularyNames(base);
  const isReplaced = names.some((name) => isNamed(name, config)) &&
    config.ensure_weight_tying !== true &&
    names.some((name) => weights.tensors.has(savedName(name)));
  return isReplaced || names.some((name) => hasLowRank(name, weights));
}

/** Whether the config names an embedding or head as a module of its own. */
function isNamed(name: string, { modules_to_save }: AdapterConfig): boolean {
  const path = modulePath(name);
  return modules_to_save?.some((end) => path.endsWith(end)) ?? false;
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
  base: ModelConfig,
): MergedTensor[] {
  const { config, weights } = adapter;
  const [embedding, head] = vocabularyNames(base);
  const untied = unties(adapter, base);
  const found = [embedding, head].filter((name) =>
    weights.tensors.has(savedName(name))
  );
  // of two copies for one tied weight PEFT loads the head last
  const one = config.ensure_weight_tying
    ? found[0]
    : found.findLast((name) => !isNamed(name, config));
  const isTied = (name: string) =>
    base.tie_word_embeddings && [embedding, head].includes(name) &&
    !(untied && isNamed(name, config));
  const source = (name: string): Pick<MergedTensor, "reader" | "from"> => {
    const nameInAdapter = savedName(isTied(name) ? one ?? name : name);
    return weights.tensors.has(nameInAdapter)
      ? { reader: weights, from: nameInAdapter }
      : { reader: stored, from: stored.tensors.has(name) ? name : embedding };
  };
  const infos = new Map(stored.tensors);
  const tokens = infos.get(embedding);
  if (untied && tokens && !infos.has(head)) infos.set(head, tokens);
  return [...infos].map(([name, info]) => {
    const { reader, from } = source(name);
    const { shape } = reader.tensors.get(from)!;
    const bytes = info.bytes / elementCount(info.shape) * elementCount(shape);
    return { ...info, name, shape, bytes, reader, from };
  });
}

/**
 * Writes a checkpoint with a merged adapter as one file, with the names, shapes and types of the
 * base.
 *
 * @param how `base`: the config of the base
 */
export async function writeMerged(
  path: string,
  stored: TensorReader,
  adapter: AdapterFiles,
  { base, onMerge, signal }: MergeProgress & { readonly base: ModelConfig },
): Promise<void> {
  const tensors = mergedTensors(stored, adapter, base);
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const total = tensors.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  await writeSafetensors(path, tensors, async function* ({ name }) {
    const { shape, dtype, bytes, reader, from } = byName.get(name)!;
    const change = await readLowRank(
      modulePath(name),
      adapter.config,
      adapter.weights,
    );
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
