/**
 * Gives the probabilities of the next tokens, by the softmax of the device, on the CPU. The logits
 * can be read too, for a caller that needs more exact numbers. Knows no sampler.
 */
import { matrixShape, type Tensor } from "../../../kernels/device/tensor.ts";
import { softmax } from "../../../kernels/vocabulary/softmax.ts";
import { contained } from "../../autograd/tape.ts";
import type { KvCache } from "./kv_cache.ts";
import { type Addition, nextLogitTensors } from "./logits.ts";
import type { Model } from "./model.ts";

/** What follows a sequence. */
export interface NextToken {
  /** The softmax of the logits divided by the temperature, `[vocab_size]`. */
  readonly probabilities: Float32Array;
  /** Reads the logits `[vocab_size]`, until the next token is asked for. */
  readonly logits: () => Promise<Float32Array>;
}

/**
 * Runs the next tokens of several sequences and appends them to the cache, as `nextLogits()` does.
 * Yields what follows each of `additions`, in their order.
 *
 * @throws {RangeError} if a sequence would exceed the capacity of the cache, or the temperature is
 *   not above 0
 */
export async function* nextProbabilities(
  model: Model,
  cache: KvCache,
  additions: readonly Addition[],
  { temperature, signal }: {
    readonly temperature: number;
    readonly signal?: AbortSignal | undefined;
  },
): AsyncGenerator<NextToken> {
  const { device } = model;
  for await (
    const logits of nextLogitTensors(model, cache, additions, { signal })
  ) {
    const [rows, size] = matrixShape(logits);
    const rowOf = (all: Float32Array, row: number) =>
      all.subarray(row * size, (row + 1) * size);
    const probabilities = await readProbabilities(model, logits, temperature);
    let exact: Promise<Float32Array> | undefined;
    for (let row = 0; row < rows; row++) {
      yield {
        probabilities: rowOf(probabilities, row),
        logits: async () => rowOf(await (exact ??= device.read(logits)), row),
      };
    }
  }
}

async function readProbabilities(
  { device }: Model,
  logits: Tensor,
  temperature: number,
): Promise<Float32Array> {
  const scale = 1 / temperature;
  const made = contained(device, () => softmax(device, logits, { scale }));
  try {
    return await device.read(made);
  } finally {
    device.release(made);
  }
}
