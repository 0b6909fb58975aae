/**
 * Logits over the whole vocabulary on the CPU: of the next token while an answer grows, or of every token of a
 * short sequence. Training never comes here. Knows no sampler.
 */
import { fullLogits } from "../../kernels/full_logits.ts";
import type { Tensor } from "../../kernels/tensor.ts";
import { gatherRows } from "../autograd/ops.ts";
import { contained, Tape } from "../autograd/tape.ts";
import { type DecoderOptions, hiddenStates } from "./decoder.ts";
import { extend, type KvCache } from "./kv_cache.ts";
import type { Model } from "./model.ts";

/** How to run the model. */
export interface LogitsOptions extends Pick<DecoderOptions, "adapters"> {
  readonly signal?: AbortSignal | undefined;
}

/** Tokens of a prompt that run at once: bounds the memory of a long one, and how long a stop waits. */
const PREFILL_TOKENS = 256;

/** Most bytes of logits that are read back at once. */
const PIECE_BYTES = 64 << 20;

/**
 * Runs the next tokens of a sequence, appends them to its cache, and reads what follows the last: `[vocab_size]`.
 *
 * @throws {RangeError} if the cache is full
 */
export async function nextLogits(
  model: Model,
  cache: KvCache,
  tokens: readonly number[],
  { adapters = true, signal }: LogitsOptions = {},
): Promise<Float32Array<ArrayBuffer>> {
  const { device } = model;
  let at = 0;
  for (; at + PREFILL_TOKENS < tokens.length; at += PREFILL_TOKENS) {
    signal?.throwIfAborted();
    const part = tokens.slice(at, at + PREFILL_TOKENS);
    device.release(
      contained(device, () => extend(model, cache, part, { adapters })),
    );
    await device.finish();
  }
  const last = tokens.slice(at);
  return await readAndRelease(
    model,
    contained(device, () => {
      const hidden = extend(model, cache, last, { adapters });
      return fullLogits(device, hidden, model.lm_head.matrix);
    }),
  );
}

/**
 * Reads the logits of every token of a sequence, `[tokens, vocab_size]`, in pieces of whole rows.
 *
 * @param ids `[tokens]`, at least one
 */
export async function* sequenceLogits(
  model: Model,
  ids: readonly number[],
  { adapters = true }: LogitsOptions = {},
): AsyncGenerator<Float32Array<ArrayBuffer>> {
  const { device, lm_head: { matrix } } = model;
  const hidden = contained(
    device,
    () => Tape.pause(() => wholeSequence(model, ids, adapters)),
  );
  try {
    const bytes = Math.min(PIECE_BYTES, device.windowBytes);
    const most = Math.max(1, Math.floor(bytes / 4 / matrix.rows));
    for (let first = 0; first < ids.length; first += most) {
      const count = Math.min(most, ids.length - first);
      const rows = Uint32Array.from({ length: count }, (_, i) => first + i);
      yield await readAndRelease(
        model,
        contained(
          device,
          () => fullLogits(device, gatherRows(device, hidden, rows), matrix),
        ),
      );
    }
  } finally {
    device.release(hidden);
  }
}

function wholeSequence(
  model: Model,
  ids: readonly number[],
  adapters: boolean,
): Tensor {
  return hiddenStates(model, {
    tokens: Uint32Array.from(ids),
    positions: Uint32Array.from(ids.keys()),
    ranges: Uint32Array.from(ids.flatMap((_, i) => [0, 0, 0, i + 1])),
  }, { adapters });
}

async function readAndRelease(
  { device }: Model,
  logits: Tensor,
): Promise<Float32Array<ArrayBuffer>> {
  try {
    return await device.read(logits);
  } finally {
    device.release(logits);
  }
}
