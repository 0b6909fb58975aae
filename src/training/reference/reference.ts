/**
 * The reference model as a column of log-probabilities. The column is computed before training, by
 * the same kernels and mostly by the same model: with its adapters off, with adapters as they
 * start, or before any weight changes. Its rows are kept on disk, and only those that are missing
 * are computed.
 */
import type { Model } from "../../model/decoder/model.ts";
import { inOrder } from "../../preference/tokens/epoch.ts";
import { sequenceLogps } from "../loop/batch_logps.ts";
import { packDeviceBatches } from "../loop/device_batches.ts";
import type { Objective } from "../method/objective.ts";
import { ReferenceRows, rowKey, tellEarlierColumns } from "./reference_rows.ts";

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
   * Name and driver of the device: another one, or another width of vectors, sums in another order.
   */
  readonly device: string;
  /** Name of the model, for the reader of the cache. */
  readonly model?: string;
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
 * @param open gives the model; not called where the cache has all rows
 */
export async function referenceLogps<Example>(
  open: () => Promise<Model>,
  examples: readonly Example[],
  objective: ColumnOf<Example>,
  options: ReferenceOptions,
): Promise<Float64Array> {
  const { cacheFolder, weightsKey, device, model = "" } = options;
  const kept = cacheFolder === undefined
    ? undefined
    : await ReferenceRows.open(cacheFolder, {
      weightsKey: `${weightsKey}${objective.columnKey} ${device}`,
      model,
    });
  const sequences = examples.map(objective.sequences);
  const keys = kept ? sequences.map(rowKey) : [];
  const rows = sequences.map(({ length }, i) => kept?.get(keys[i]!, length));
  const isMissing = (i: number) =>
    rows[i] === undefined && sequences[i]!.length > 0;
  if (!examples.keys().some(isMissing)) {
    await kept?.write();
    return Float64Array.from(rows.flatMap((row) => row ?? []));
  }
  if (cacheFolder !== undefined) await tellEarlierColumns(cacheFolder);
  try {
    await computeRows(await open(), { examples, objective, options }, {
      isMissing,
      inBatches: kept?.isDamaged ?? false,
      async onRow(i, values) {
        rows[i] = values;
        await kept?.add(keys[i]!, values);
      },
    });
  } finally {
    await kept?.write();
  }
  return Float64Array.from(rows.flatMap((row) => row ?? []));
}

interface Asked<Example> {
  readonly examples: readonly Example[];
  readonly objective: ColumnOf<Example>;
  readonly options: ReferenceOptions;
}

async function computeRows<Example>(
  model: Model,
  asked: Asked<Example>,
  { onRow, ...missing }: Missing & {
    readonly onRow: (i: number, values: readonly number[]) => Promise<void>;
  },
): Promise<void> {
  const { examples, objective, options } = asked;
  const { onProgress, signal, adapters = false } = options;
  const batches = missingBatches(asked, missing);
  let done = examples.length - batches.flat().length;
  onProgress?.(done, examples.length);
  for (const indices of batches) {
    const batch = objective.batch(indices.map((i) => examples[i]!));
    const { column } = objective;
    const values = await sequenceLogps(model, [batch], {
      column,
      adapters,
      signal,
    });
    let at = 0;
    for (const i of indices) {
      const { length } = objective.sequences(examples[i]!);
      await onRow(i, [...values.subarray(at, at += length)]);
    }
    done += indices.length;
    onProgress?.(done, examples.length);
  }
}

interface Missing {
  readonly isMissing: (i: number) => boolean;
  /** Whether all of a batch is computed if anything of it is missing. */
  readonly inBatches: boolean;
}

/**
 * The missing rows in batches. The last bits of a row depend on its batch, so a batch of which
 * nothing is known stays as it would be without a cache: a pass that was interrupted goes on as it
 * would have done. In place of damaged rows their batches are computed again, for the same bits.
 */
function missingBatches<Example>(
  asked: Asked<Example>,
  { isMissing, inBatches }: Missing,
): readonly (readonly number[])[] {
  const all = batchesOf(asked, [...asked.examples.keys()]);
  if (inBatches) return all.filter((batch) => batch.some(isMissing));
  const whole = all.filter((batch) => batch.every(isMissing));
  const rest = all.filter((batch) => !batch.every(isMissing));
  return [...whole, ...batchesOf(asked, rest.flat().filter(isMissing))];
}

function batchesOf<Example>(
  { examples, objective, options }: Asked<Example>,
  indices: readonly number[],
): readonly (readonly number[])[] {
  const { batchSize, maxTokens = null } = options;
  if (indices.length === 0) return [];
  if (maxTokens === null) {
    return inOrder(indices.length, batchSize)
      .map((batch) => batch.map((i) => indices[i]!));
  }
  const tokensOf = (some: readonly number[]) =>
    objective.batch(some.map((i) => examples[i]!)).tokens.length;
  return packDeviceBatches([indices], { maxTokens, tokensOf, couples: false })
    .map(([piece]) => piece!.examples);
}
