/**
 * The reference model as a column of log-probabilities: computed before training by the same kernels, adapters off
 * or weights untouched, and kept on disk under a hash of all that it depends on. Never a second model in memory.
 */
import { createHash } from "node:crypto";
import { join } from "@std/path";
import { writeFileAtomic } from "../files/atomic.ts";
import type { Model } from "../model/model.ts";
import { preferenceBatch } from "../preference/batch.ts";
import { inOrder } from "../preference/epoch.ts";
import type { TokenPair } from "../preference/token_pair.ts";
import { sequenceLogps } from "./batch_logps.ts";

/** How to get the column. */
export interface ReferenceOptions {
  /** Pairs per batch. */
  readonly batchSize: number;
  /** Folder of the cache; undefined: none. */
  readonly cacheFolder: string | undefined;
  /** What names the weights: hashes of their files, and the type they are kept in. */
  readonly weightsKey: string;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Sums of the reference's log-probabilities, `[2 * pairs]`, chosen first of each pair, in nats.
 *
 * Only token ids enter the hash of the data: template, truncation and order all show in them.
 */
export async function referenceLogps(
  model: Model,
  pairs: readonly TokenPair[],
  options: ReferenceOptions,
): Promise<Float64Array> {
  const path = options.cacheFolder && join(
    options.cacheFolder,
    `${referenceKey(pairs, options.weightsKey)}.json`,
  );
  const known = path ? await readColumn(path, pairs.length * 2) : undefined;
  if (known) return known;
  const column = await computeColumn(model, pairs, options);
  if (path) {
    await writeFileAtomic(path, JSON.stringify([...column]));
  }
  return column;
}

async function computeColumn(
  model: Model,
  pairs: readonly TokenPair[],
  { batchSize, onProgress, signal }: ReferenceOptions,
): Promise<Float64Array> {
  let done = 0;
  onProgress?.(done, pairs.length);
  const batches = inOrder(pairs.length, batchSize).values().map((indices) =>
    preferenceBatch(indices.map((i) => pairs[i]!))
  );
  return await sequenceLogps(model, batches, {
    adapters: false,
    onBatch: ({ sequences }) =>
      onProgress?.(done += sequences / 2, pairs.length),
    ...(signal ? { signal } : {}),
  });
}

function referenceKey(pairs: readonly TokenPair[], weightsKey: string): string {
  const hash = createHash("sha256").update(weightsKey);
  for (const { chosen, rejected } of pairs) {
    for (const { ids, completionStart } of [chosen, rejected]) {
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
    const values: unknown = JSON.parse(await Deno.readTextFile(path));
    const good = Array.isArray(values) && values.length === length &&
      values.every((value) => typeof value === "number");
    return good ? Float64Array.from(values) : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof SyntaxError) {
      return undefined;
    }
    throw error;
  }
}
