/**
 * Gives logits over the whole vocabulary on the CPU: of the next token while an answer grows, or of
 * every token of a short sequence. Training does not use it. Knows no sampler.
 */
import { fullLogits } from "../../../kernels/vocabulary/full_logits.ts";
import { matrixShape, type Tensor } from "../../../kernels/device/tensor.ts";
import { gatherRows } from "../../autograd/ops.ts";
import { contained, Tape } from "../../autograd/tape.ts";
import { logitOptions } from "../config/config.ts";
import { hiddenStates } from "./decoder.ts";
import { extend } from "./extend.ts";
import type { KvCache } from "./kv_cache.ts";
import { type Model, servingModel } from "./model.ts";

/**
 * Logits `[rows, vocab_size]` of hidden states `[rows, hidden_size]`.
 *
 * @throws {RangeError} if the logits do not fit in one binding
 */
export function modelLogits(
  { device, lm_head, config }: Model,
  hidden: Tensor,
): Tensor {
  return fullLogits(device, hidden, lm_head.matrix, logitOptions(config));
}

/** New tokens of a sequence. */
export interface Addition {
  readonly sequence: number;
  /** The ids, at least one. */
  readonly tokens: readonly number[];
  /** Whether the adapter serves them; default true. */
  readonly adapters?: boolean | undefined;
}

/**
 * Most tokens of prompts in one pass. It limits the memory of long prompts and the time until an
 * abort.
 */
const PREFILL_TOKENS = 256;

/** Most bytes of logits in one read. */
const PIECE_BYTES = 64 << 20;

/**
 * Runs the next tokens of several sequences, appends them to the cache, and reads the logits after
 * the last token of each: `[additions][vocab_size]`. Long prompts run in parts.
 *
 * @throws {RangeError} if a sequence would exceed the capacity of the cache
 */
export async function nextLogits(
  model: Model,
  cache: KvCache,
  additions: readonly Addition[],
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<Float32Array<ArrayBuffer>[]> {
  const rows: Float32Array<ArrayBuffer>[] = [];
  for await (
    const logits of nextLogitTensors(model, cache, additions, options)
  ) {
    const read = await model.device.read(logits);
    const [count, size] = matrixShape(logits);
    for (let i = 0; i < count; i++) {
      rows.push(read.subarray(i * size, (i + 1) * size));
    }
  }
  return rows;
}

/**
 * As `nextLogits()`, but the logits stay on the device: each tensor `[sequences, vocab_size]` has
 * the next sequences of `additions` and lives until the next one is asked for.
 *
 * @throws as `nextLogits()`
 */
export async function* nextLogitTensors(
  model: Model,
  cache: KvCache,
  additions: readonly Addition[],
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): AsyncGenerator<Tensor> {
  const { device } = model;
  for (const { parts, isLast } of groupsOf(additions, logitRows(model))) {
    signal?.throwIfAborted();
    const tokens = Uint32Array.from(parts.flatMap(({ tokens }) => tokens));
    const extensions = parts.map(({ sequence, adapters, tokens }) => ({
      sequence,
      adapters,
      count: tokens.length,
    }));
    const run = () => extend(model, cache, extensions, tokens);
    if (!isLast) {
      device.release(contained(device, run));
      await device.finish();
      continue;
    }
    const logits = contained(
      device,
      () => modelLogits(servedBy(model, parts), run()),
    );
    try {
      yield logits;
    } finally {
      device.release(logits);
    }
  }
}

/** The model whose parts serve the given additions. */
export function servedBy(
  model: Model,
  additions: readonly Pick<Addition, "adapters">[],
): Model {
  return servingModel(model, additions.map(({ adapters = true }) => adapters));
}

/** Number of rows of logits that fit in one binding. */
export function logitRows({ device, lm_head }: Model): number {
  return Math.max(1, Math.floor(device.windowBytes / 4 / lm_head.matrix.rows));
}

interface Group {
  readonly parts: readonly Addition[];
  /** Whether these are the last tokens of their additions, whose logits are wanted. */
  readonly isLast: boolean;
}

/**
 * Groups additions into passes of at most `PREFILL_TOKENS` tokens. A longer addition runs alone and
 * in parts.
 */
function* groupsOf(
  additions: readonly Addition[],
  most: number,
): Generator<Group> {
  let parts: Addition[] = [];
  let size = 0;
  for (const { tokens, ...addition } of additions) {
    const full = size + tokens.length > PREFILL_TOKENS || parts.length >= most;
    if (parts.length > 0 && full) {
      yield { parts, isLast: true };
      [parts, size] = [[], 0];
    }
    let at = 0;
    for (; at + PREFILL_TOKENS < tokens.length; at += PREFILL_TOKENS) {
      const part = tokens.slice(at, at + PREFILL_TOKENS);
      yield { parts: [{ ...addition, tokens: part }], isLast: false };
    }
    parts.push({ ...addition, tokens: tokens.slice(at) });
    size += tokens.length - at;
  }
  if (parts.length > 0) yield { parts, isLast: true };
}

/**
 * Reads the logits of all tokens of a sequence, `[tokens, vocab_size]`, in pieces of whole rows.
 *
 * @param ids `[tokens]`, at least one
 */
export async function* sequenceLogits(
  model: Model,
  ids: readonly number[],
  { adapters = true }: { readonly adapters?: boolean } = {},
): AsyncGenerator<Float32Array<ArrayBuffer>> {
  const served = servingModel(model, adapters);
  const { device, lm_head: { matrix } } = served;
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
          () => modelLogits(served, gatherRows(device, hidden, rows)),
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
