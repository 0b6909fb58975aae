/**
 * What a forward pass uploads before its first layer: positions, and which keys each query sees, once per window that
 * occurs. The last layer's queries are only those whose hidden states are wanted. Knows no weight.
 */
import type { Device } from "../../kernels/device.ts";
import type { Tensor } from "../../kernels/tensor.ts";
import type { DropoutSeed } from "../autograd/lora.ts";
import type { AttentionRanges } from "../autograd/op_inputs.ts";
import { isRecording } from "../autograd/tape.ts";
import { queryRanges, windowedRanges } from "./attention_ranges.ts";
import type { CacheWrite, KvCache } from "./kv_cache.ts";
import type { Model } from "./model.ts";

/** Tokens of one or more sequences in a row, and which keys each of them sees. Nothing is padded. */
export interface DecoderInput {
  /** `[tokens]` */
  readonly tokens: Uint32Array;
  /** `[tokens]` position of each token in its sequence. */
  readonly positions: Uint32Array;
  /** `[tokens, 4]` begin and end of the prompt's keys, begin and end of the token's own. */
  readonly ranges: Uint32Array;
  /** `[rows]` tokens whose hidden states are wanted; default: all. The last layer runs for these only. */
  readonly rows?: Uint32Array;
}

/** How to run a decoder. */
export interface DecoderOptions {
  /** Whether adapters take part; default true. Without them an adapted model is its base. */
  readonly adapters?: boolean;
  /** Keys and values of earlier tokens; new ones go to `writes`. `ranges` then count in the cache. */
  readonly cache?: {
    readonly kv: KvCache;
    readonly writes: readonly CacheWrite[];
  };
  /** Recompute each block in the backward pass instead of keeping its activations. */
  readonly gradientCheckpointing?: boolean;
  /** Given while training: which elements dropout drops. Each layer draws its own stream. */
  readonly dropout?: DropoutSeed;
}

/** The tokens of a layer that ask. */
export interface Queries {
  /** Their rows among all tokens; undefined: all tokens ask. */
  readonly rows: Uint32Array | undefined;
  /** `[queries]` */
  readonly positions: Tensor;
  readonly ranges: AttentionRanges;
}

/** A forward pass that is about to run. */
export interface Pass {
  readonly model: Model;
  readonly options: DecoderOptions;
  /** `[tokens]` */
  readonly positions: Tensor;
  /** `[num_hidden_layers]` */
  readonly queries: readonly Queries[];
}

/**
 * Uploads what a pass needs.
 *
 * @throws {RangeError} if a sequence is longer than the model's positions
 */
export function preparePass(
  model: Model,
  input: DecoderInput,
  options: DecoderOptions,
): Pass {
  const { device, config } = model;
  const { positions, rows } = input;
  checkPositions(positions, config.max_position_embeddings);
  const kv = options.cache?.kv;
  const keys = kv ? kv.sequences * kv.capacity : positions.length;
  // rows of a cache are positions, sequence after sequence
  const keyPositions = kv
    ? Uint32Array.from({ length: keys }, (_, row) => row % kv.capacity)
    : positions;
  const upload = memoized((window: number | undefined) =>
    uploadRanges(
      device,
      windowedRanges(input.ranges, keyPositions, window),
      keys,
    )
  );
  const all = device.upload(positions, [positions.length], "u32");
  const queries = config.windows.map((window, layer): Queries => {
    const last = layer === config.windows.length - 1;
    if (!last || !rows) {
      return { rows: undefined, positions: all, ranges: upload(window) };
    }
    const ranges = windowedRanges(input.ranges, keyPositions, window);
    return {
      rows,
      positions: device.upload(rows.map((row) => positions[row]!), [
        rows.length,
      ], "u32"),
      ranges: uploadRanges(device, rangesOf(ranges, rows), keys),
    };
  });
  return { model, options, positions: all, queries };
}

function memoized<K, V>(make: (key: K) => V): (key: K) => V {
  const known = new Map<K, V>();
  return (key) => {
    const value = known.get(key) ?? make(key);
    known.set(key, value);
    return value;
  };
}

function rangesOf(ranges: Uint32Array, rows: Uint32Array): Uint32Array {
  const picked = new Uint32Array(rows.length * 4);
  for (const [i, row] of rows.entries()) {
    picked.set(ranges.subarray(row * 4, row * 4 + 4), i * 4);
  }
  return picked;
}

function uploadRanges(
  device: Device,
  ranges: Uint32Array,
  keys: number,
): AttentionRanges {
  return {
    ranges: device.upload(ranges, [ranges.length / 4, 4], "u32"),
    queryRanges: isRecording()
      ? device.upload(queryRanges(ranges, keys), [keys, 2], "u32")
      : device.allocate([0, 2], "u32"),
  };
}

/** Past the table of rotations there is none. */
function checkPositions(positions: Uint32Array, limit: number): void {
  const longest = positions.reduce((most, x) => Math.max(most, x), -1) + 1;
  if (longest <= limit) return;
  throw new RangeError(
    `Cannot run model: found a sequence of ${longest} tokens, expected at most max_position_embeddings ${limit}; lower max_length`,
  );
}
