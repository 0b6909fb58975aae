/**
 * The reference model as a column of log-probabilities. The column is computed before training, by
 * the same kernels and mostly by the same model: with its adapters off, with adapters as they
 * start, or before any weight changes. It is kept on disk, named by a hash of all that it depends
 * on.
 */
import { join } from "@std/path";
import { writeFileAtomic } from "../../files/disk/atomic.ts";
import type { Model } from "../../model/decoder/model.ts";
import { inOrder } from "../../preference/tokens/epoch.ts";
import { sequenceLogps } from "../loop/batch_logps.ts";
import { packDeviceBatches } from "../loop/device_batches.ts";
import type { Objective } from "../method/objective.ts";
import { NotFound } from "../../files/disk.ts";
import { startHash } from "../../files/disk/hash.ts";
import { readText } from "../../files/disk/whole_file.ts";

/** What the column depends on beside the model and the examples. */
export type ColumnOf<Example> = Pick<
  Objective<Example>,
  "batch" | "sequences" | "column" | "columnKey"
>;

/** What the reference is told and tells; a part of a run's hooks. */
export interface ReferenceHooks {
  /** Bytes of weights loaded, of all. */
  readonly onLoad?: ((done: number, total: number) => void) | undefined;
  /** Pairs whose log-probabilities under the reference are known, of all. */
  readonly onReference?: ((done: number, total: number) => void) | undefined;
  /** Ends it with an error once it is aborted. */
  readonly signal?: AbortSignal | undefined;
  /** Where the log-probabilities are kept between runs; default: nowhere. */
  readonly cacheFolder?: string | undefined;
}

/** How to get the column. */
export interface ReferenceOptions {
  /** Examples per batch. */
  readonly batchSize: number;
  /** Most tokens that run at once, instead; null or absent: no matter how many. */
  readonly maxTokens?: number | null;
  /** Folder of the cache; undefined: nothing is kept. */
  readonly cacheFolder: string | undefined;
  /** What names the weights: hashes of their files, and the type they are kept in. */
  readonly weightsKey: string;
  /**
   * Whether the adapters that the model has now are the reference's: those that are continued or
   * named. Default false.
   */
  readonly adapters?: boolean;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sums of the reference's log-probabilities, `[sequences of all examples]`, in nats; of pairs
 * chosen first.
 *
 * Only token ids enter the hash of the data: template, truncation and order all show in them.
 *
 * @param open gives the model; not called where the cache has the column
 */
export async function referenceLogps<Example>(
  open: () => Promise<Model>,
  examples: readonly Example[],
  objective: ColumnOf<Example>,
  options: ReferenceOptions,
): Promise<Float64Array> {
  const path = options.cacheFolder && join(
    options.cacheFolder,
    `${referenceKey(examples, objective, options.weightsKey)}.json`,
  );
  const length = examples.reduce(
    (sum, example) => sum + objective.sequences(example).length,
    0,
  );
  const known = path ? await readColumn(path, length) : undefined;
  if (known) return known;
  if (length === 0) return new Float64Array();
  const model = await open();
  const column = await computeColumn(model, examples, objective, options);
  if (path) {
    await writeFileAtomic(path, JSON.stringify([...column]));
  }
  return column;
}

async function computeColumn<Example>(
  model: Model,
  examples: readonly Example[],
  objective: ColumnOf<Example>,
  options: ReferenceOptions,
): Promise<Float64Array> {
  const { batchSize, maxTokens = null, onProgress, signal } = options;
  let done = 0;
  onProgress?.(done, examples.length);
  const batchOf = (indices: readonly number[]) =>
    objective.batch(indices.map((i) => examples[i]!));
  const order = maxTokens === null
    ? inOrder(examples.length, batchSize)
    : packDeviceBatches([[...examples.keys()]], {
      maxTokens,
      tokensOf: (indices) => batchOf(indices).tokens.length,
      couples: false,
    }).map(([piece]) => piece!.examples);
  let at = 0;
  return await sequenceLogps(model, order.values().map(batchOf), {
    column: objective.column,
    adapters: options.adapters ?? false,
    onBatch: () => {
      done += order[at++]!.length;
      onProgress?.(done, examples.length);
    },
    signal,
  });
}

function referenceKey<Example>(
  examples: readonly Example[],
  { sequences, columnKey }: ColumnOf<Example>,
  weightsKey: string,
): string {
  const hash = startHash("sha256").update(weightsKey + columnKey);
  for (const example of examples) {
    for (const { ids, completionStart } of sequences(example)) {
      hash.update(Uint32Array.of(ids.length, completionStart, ...ids));
    }
  }
  return hash.digest("hex");
}

/** A column that is not what it should be is computed again. */
async function readColumn(
  path: string,
  length: number,
): Promise<Float64Array | undefined> {
  try {
    const values: unknown = JSON.parse(await readText(path));
    const good = Array.isArray(values) && values.length === length &&
      values.every((value) => typeof value === "number");
    return good ? Float64Array.from(values) : undefined;
  } catch (error) {
    if (error instanceof NotFound || error instanceof SyntaxError) {
      return undefined;
    }
    throw error;
  }
}
