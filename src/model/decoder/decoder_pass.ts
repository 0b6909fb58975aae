/**
 * What a forward pass uploads before its first layer: positions, which keys each query sees, once
 * per window that occurs, and which tokens adapters serve. The last layer's queries are only those
 * whose hidden states are wanted. Knows no weight.
 */
import type { Device } from "../../../kernels/device/device.ts";
import type { Tensor } from "../../../kernels/device/tensor.ts";
import {
  type DropoutSeed,
  type RowFactors,
  rowScales,
} from "../../autograd/lora.ts";
import type { AttentionRanges } from "../../autograd/op_inputs.ts";
import { isRecording } from "../../autograd/tape.ts";
import { areApart, queryRanges, windowedRanges } from "./attention_ranges.ts";
import type { KvCache } from "./kv_cache.ts";
import { linears, type Model } from "./model.ts";

/**
 * Tokens of one or more sequences in a row, and which keys each of them sees. Nothing is padded.
 */
export interface DecoderInput {
  /** `[tokens]`; while no tape runs they may lie on the device already, u32. */
  readonly tokens: Uint32Array | Tensor;
  /** `[tokens]` position of each token in its sequence. */
  readonly positions: Uint32Array;
  /** `[tokens, 4]` begin and end of the prompt's keys, begin and end of the token's own. */
  readonly ranges: Uint32Array;
  /**
   * `[rows]` tokens whose hidden states are wanted; default: all. The last layer runs for these
   * only.
   */
  readonly rows?: Uint32Array;
}

/** How to run a decoder. */
export interface DecoderOptions {
  /**
   * Whether adapters take part, or for which tokens, `[tokens]`; default true. Without them an
   * adapted model is its base. A list is for passes without a tape: it lets base and tuned model
   * read the weights once for both.
   */
  readonly adapters?: boolean | readonly boolean[];
  /**
   * Keys and values of earlier tokens; those of the new ones go to `rows` of it, `[tokens]`.
   * `ranges` then count in the cache. For passes without a tape.
   */
  readonly cache?: {
    readonly kv: KvCache;
    readonly rows: readonly number[];
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
  /** `[queries]`; over a cache `[queries + tokens, 2]`, see `cacheRows()`. */
  readonly positions: Tensor;
  readonly ranges: Ranges;
  readonly adapters: Adapters;
  /** Over a cache, for families that norm after they turn. */
  readonly turns?: Turns | undefined;
}

/** Positions of those that ask `[queries]`, and of all `[tokens]`. */
export interface Turns {
  readonly asking: Tensor;
  readonly all: Tensor;
}

/** Which keys queries see. */
export interface Ranges extends AttentionRanges {
  /** Whether each query is of another sequence. */
  readonly apart: boolean;
}

/** Whether adapters serve all tokens, none, or each by a factor. */
export type Adapters = boolean | RowFactors;

/** A forward pass that is about to run. */
export interface Pass {
  readonly model: Model;
  readonly options: DecoderOptions;
  /** Of all tokens, as a layer's queries have them. */
  readonly positions: Tensor;
  /** For all tokens. */
  readonly adapters: Adapters;
  /** Whether a block may overwrite its input, which no backward pass reads. */
  readonly inPlace: boolean;
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
  const { positions } = input;
  checkPositions(positions, config.max_position_embeddings);
  const rows = isAll(input.rows, positions.length) ? undefined : input.rows;
  const kv = options.cache?.kv;
  const keys = kv ? kv.sequences * kv.capacity : positions.length;
  const narrowed = memoized((window: number | undefined) =>
    windowedRanges(
      input.ranges,
      window === undefined ? positions : keyPositions(input, kv),
      window,
    )
  );
  const upload = memoized((window: number | undefined) =>
    uploadRanges(device, narrowed(window), keys)
  );
  const all = uploadPositions(device, positions, input, options);
  const { adapters: list = true } = options;
  const adapters = adapterRows(model, list);
  const queries = config.windows.map((window, layer): Queries => {
    const last = layer === config.windows.length - 1;
    if (!last || !rows) {
      const ranges = upload(window);
      const turns = uploadTurns(model, positions, input, options);
      return { rows: undefined, positions: all, ranges, adapters, turns };
    }
    const ranges = rangesOf(narrowed(window), rows);
    const asking = rows.map((row) => positions[row]!);
    return {
      rows,
      positions: uploadPositions(device, asking, input, options),
      ranges: uploadRanges(device, ranges, keys),
      turns: uploadTurns(model, asking, input, options),
      adapters: typeof list === "boolean"
        ? list
        : adapterRows(model, Array.from(rows, (row) => list[row]!)),
    };
  });
  const inPlace = !isRecording();
  return { model, options, positions: all, adapters, inPlace, queries };
}

/** Positions of queries, and over a cache those of all tokens and their rows of it. */
function uploadPositions(
  device: Device,
  asking: Uint32Array,
  { positions }: DecoderInput,
  { cache }: DecoderOptions,
): Tensor {
  if (!cache) return device.upload(asking, [asking.length], "u32");
  const places = new Uint32Array(2 * (asking.length + positions.length));
  for (const [i, position] of asking.entries()) places[2 * i] = position;
  for (const [i, position] of positions.entries()) {
    places.set([position, cache.rows[i]!], 2 * (asking.length + i));
  }
  return device.upload(places, [places.length / 2, 2], "u32");
}

function uploadTurns(
  { device, config }: Model,
  asking: Uint32Array,
  { positions }: DecoderInput,
  { cache }: DecoderOptions,
): Turns | undefined {
  if (!cache || !config.family.normsAfterRope) return undefined;
  const upload = (list: Uint32Array) =>
    device.upload(list, [list.length], "u32");
  return { asking: upload(asking), all: upload(positions) };
}

/** Whether `rows` are all tokens in their order. */
function isAll(rows: Uint32Array | undefined, tokens: number): boolean {
  return rows?.length === tokens && rows.every((row, i) => row === i);
}

/** Rows of a cache are positions, sequence after sequence. */
function keyPositions(
  { positions }: DecoderInput,
  kv: KvCache | undefined,
): Uint32Array {
  if (!kv) return positions;
  const { sequences, capacity } = kv;
  return Uint32Array.from(
    { length: sequences * capacity },
    (_, row) => row % capacity,
  );
}

function adapterRows(
  { device, layers }: Model,
  adapters: boolean | readonly boolean[],
): Adapters {
  if (typeof adapters === "boolean") return adapters;
  const [first = true] = adapters;
  if (adapters.every((served) => served === first)) return first;
  if (isRecording()) {
    throw new TypeError(
      "Cannot record a pass whose adapters serve some tokens only: expected true or false for all",
    );
  }
  const upload = memoized((scale: number) =>
    device.upload(
      Float32Array.from(adapters, (served) => served ? scale : 0),
      [adapters.length],
    )
  );
  // now, since a tensor that a block makes ends with the block
  for (const layer of layers) {
    for (const { lora } of linears(layer)) {
      if (lora) rowScales(lora).forEach(upload);
    }
  }
  return upload;
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
): Ranges {
  return {
    apart: areApart(ranges),
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
