/**
 * Prepares a forward pass: uploads positions, the causal mask (once for each sliding window that
 * occurs), and which tokens the adapters serve. The queries of the last layer are only the tokens
 * whose hidden states are wanted. Knows no weight.
 */
import type { Device } from "../../../kernels/device/device.ts";
import type { Tensor } from "../../../kernels/device/tensor.ts";
import {
  type DropoutSeed,
  type RowFactors,
  rowScales,
} from "../../autograd/lora.ts";
import type { RouterBalance } from "../../autograd/ops.ts";
import type { AttentionRanges } from "../../autograd/op_inputs.ts";
import { isRecording } from "../../autograd/tape.ts";
import {
  areSeparate,
  queryRanges,
  windowedRanges,
} from "./attention_ranges.ts";
import type { EmbeddingNoise } from "./embedding_noise.ts";
import type { KvCache } from "./kv_cache.ts";
import { linears, type Model } from "./model.ts";

/**
 * The tokens of one or more sequences, one after the other and without padding, and the keys that
 * each token attends to.
 */
export interface DecoderInput {
  /** `[tokens]` ids. If no tape records, they may be a u32 tensor on the device. */
  readonly tokens: Uint32Array | Tensor;
  /** `[tokens]` position of each token in its sequence, from 0. */
  readonly positions: Uint32Array;
  /**
   * `[tokens, 4]` the causal mask: begin and end of the keys of the shared prompt, begin and end of
   * the keys of the token's own sequence. Ends are exclusive.
   */
  readonly ranges: Uint32Array;
  /**
   * `[rows]` indices of the tokens whose hidden states are wanted; default: all. The last layer
   * computes only these.
   */
  readonly rows?: Uint32Array;
}

/** How to run a decoder. */
export interface DecoderOptions {
  /**
   * Whether adapters take part, or for which tokens, `[tokens]`; default true. Without its adapters
   * a model is its base. A list is allowed only if no tape records; with it, one pass serves base
   * and tuned model and reads the weights once for both.
   */
  readonly adapters?: boolean | readonly boolean[];
  /**
   * The keys and values of earlier tokens, and the `rows` of the cache, `[tokens]`, that those of
   * the new tokens are written to. `ranges` are then rows of the cache. Allowed only if no tape
   * records.
   */
  readonly cache?: {
    readonly kv: KvCache;
    readonly rows: readonly number[];
  };
  /**
   * Whether each block is computed again in the backward pass, so that its activations need not be
   * kept. Default false.
   */
  readonly gradientCheckpointing?: boolean;
  /**
   * The seed of dropout, given while training with dropout. Each linear layer draws from its own
   * stream.
   */
  readonly dropout?: DropoutSeed | undefined;
  /** Noise on what enters the first layer, given while training with NEFTune. */
  readonly embeddingNoise?: EmbeddingNoise | undefined;
  /**
   * A loss that balances the experts of all layers; ignored by models without experts. Every layer
   * then computes all tokens.
   */
  readonly balance?: PassBalance | undefined;
}

/** A loss that balances experts, for a whole pass. */
export interface PassBalance extends Pick<RouterBalance, "sums" | "factor"> {
  /** `[tokens]` how often each token counts. */
  readonly weights: Float32Array<ArrayBuffer>;
}

/** The queries of a layer: the tokens whose hidden states it computes. */
export interface Queries {
  /** Their rows among all tokens; undefined if all tokens are queries. */
  readonly rows: Uint32Array | undefined;
  /** `[queries]`; over a cache `[queries + tokens, 2]`, see `cacheRows()`. */
  readonly positions: Tensor;
  /** The keys that each query attends to. */
  readonly ranges: Ranges;
  /** Which queries the adapters serve. */
  readonly adapters: Adapters;
  /** Given over a cache in families whose norms follow the rotation. */
  readonly ropePositions?: RopePositions | undefined;
  /** `[queries]` what the queries are multiplied by; undefined: nothing. */
  readonly growth?: Tensor | undefined;
}

/** The positions by which queries and keys are rotated. */
export interface RopePositions {
  /** `[queries]` */
  readonly queries: Tensor;
  /** `[tokens]` */
  readonly tokens: Tensor;
}

/** The causal mask of a layer on the device. */
export interface Ranges extends AttentionRanges {
  /** Whether each query belongs to another sequence, so that no two attend to a common key. */
  readonly separate: boolean;
}

/** Whether adapters serve all tokens or none, or the factor of each token. */
export type Adapters = boolean | RowFactors;

/** A forward pass that is about to run. */
export interface Pass {
  readonly model: Model;
  readonly options: DecoderOptions;
  /** The positions of all tokens, in the form of `Queries.positions`. */
  readonly positions: Tensor;
  /** Which of all tokens the adapters serve. */
  readonly adapters: Adapters;
  /** The weights of norms that have none, by their size: so many ones. */
  readonly ones: ReadonlyMap<number, Tensor>;
  /** Whether a block may overwrite its input, since no backward pass reads it. */
  readonly inPlace: boolean;
  /** The queries of each layer, `[num_hidden_layers]`; those of the last may be fewer. */
  readonly queries: readonly Queries[];
  /** What the router of a layer adds to the balance of experts, if there is such a loss. */
  readonly balanceOf: (layer: number) => RouterBalance | undefined;
}

/**
 * Uploads what a pass needs.
 *
 * @throws {RangeError} if a sequence is longer than the model's positions, or has a token that is
 *   beyond the rows of the embedding
 */
export function preparePass(
  model: Model,
  input: DecoderInput,
  options: DecoderOptions,
): Pass {
  const { device, config } = model;
  const { positions } = input;
  checkPositions(positions, config.max_position_embeddings);
  checkTokens(input.tokens, config.vocab_size);
  const isWhole = options.balance || isAll(input.rows, positions.length);
  const rows = isWhole ? undefined : input.rows;
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
      return {
        rows: undefined,
        positions: all,
        ranges,
        adapters,
        ropePositions: uploadRopePositions(model, positions, input, options),
        growth: uploadGrowth(model, positions),
      };
    }
    const ranges = rangesOf(narrowed(window), rows);
    const queryPositions = rows.map((row) => positions[row]!);
    return {
      rows,
      positions: uploadPositions(device, queryPositions, input, options),
      ranges: uploadRanges(device, ranges, keys),
      ropePositions: uploadRopePositions(
        model,
        queryPositions,
        input,
        options,
      ),
      growth: uploadGrowth(model, queryPositions),
      adapters: typeof list === "boolean"
        ? list
        : adapterRows(model, Array.from(rows, (row) => list[row]!)),
    };
  });
  const inPlace = !isRecording();
  const balanceOf = balances(device, options.balance);
  return {
    model,
    options,
    positions: all,
    adapters,
    ones: plainWeights(model),
    inPlace,
    queries,
    balanceOf,
  };
}

/** Gives each layer its part in the balance; a layer that runs again adds nothing. */
function balances(
  device: Device,
  balance: PassBalance | undefined,
): Pass["balanceOf"] {
  if (!balance) return () => undefined;
  const { length } = balance.weights;
  const weights = device.upload(balance.weights, [length]);
  const added = new Set<number>();
  return (layer) => {
    const adds = !added.has(layer);
    added.add(layer);
    return { ...balance, weights, adds };
  };
}

/**
 * Uploads the positions of queries; over a cache also those of all tokens, each with its row of the
 * cache.
 */
function uploadPositions(
  device: Device,
  queries: Uint32Array,
  { positions }: DecoderInput,
  { cache }: DecoderOptions,
): Tensor {
  const count = queries.length;
  if (!cache) return device.upload(queries, [count], "u32");
  const places = new Uint32Array(2 * (count + positions.length));
  for (const [i, position] of queries.entries()) places[2 * i] = position;
  for (const [i, position] of positions.entries()) {
    places.set([position, cache.rows[i]!], 2 * (count + i));
  }
  return device.upload(places, [places.length / 2, 2], "u32");
}

function uploadRopePositions(
  { device, config }: Model,
  queries: Uint32Array,
  { positions }: DecoderInput,
  { cache }: DecoderOptions,
): RopePositions | undefined {
  if (!cache || !config.family.normsAfterRope) return undefined;
  const upload = (list: Uint32Array) =>
    device.upload(list, [list.length], "u32");
  return { queries: upload(queries), tokens: upload(positions) };
}

/** Uploads ones now, since a tensor that is made within a block is released with it. */
function plainWeights({ device, config }: Model): Map<number, Tensor> {
  const { normKind } = config.family;
  const sizes = normKind === "rms_plain"
    ? new Set([config.hidden_size, config.head_dim])
    : [];
  return new Map(
    Array.from(sizes, (size) => [
      size,
      device.upload(new Float32Array(size).fill(1), [size]),
    ]),
  );
}

/** The factors of queries by their positions; undefined if all are 1. */
function uploadGrowth(
  { device, config }: Model,
  positions: Uint32Array,
): Tensor | undefined {
  const growth = config.ropes.full.queryGrowth;
  if (!growth) return undefined;
  const { beta, positions: original } = growth;
  const factors = Float32Array.from(
    positions,
    (position) => 1 + beta * Math.log(1 + Math.floor(position / original)),
  );
  return factors.every((factor) => factor === 1)
    ? undefined
    : device.upload(factors, [factors.length]);
}

/** Whether `rows` are all tokens in their order. */
function isAll(rows: Uint32Array | undefined, tokens: number): boolean {
  return rows?.length === tokens && rows.every((row, i) => row === i);
}

/**
 * The position of each key. The rows of a cache are the positions of one sequence after the other.
 */
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
  // upload all factors now, since a tensor that is made within a block is released with it
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
    separate: areSeparate(ranges),
    ranges: device.upload(ranges, [ranges.length / 4, 4], "u32"),
    queryRanges: isRecording()
      ? device.upload(queryRanges(ranges, keys), [keys, 2], "u32")
      : device.allocate([0, 2], "u32"),
  };
}

/** Fails for tokens that the embedding has no row of; those on the device are its own. */
function checkTokens(tokens: DecoderInput["tokens"], rows: number): void {
  if (!(tokens instanceof Uint32Array)) return;
  const beyond = tokens.find((id) => id >= rows);
  if (beyond === undefined) return;
  throw new RangeError(
    `Cannot run model: found token ${beyond}, its embedding has ${rows} rows; the tokenizer has more tokens than the model`,
  );
}

/** Fails for positions that the tables of rotations do not have. */
function checkPositions(positions: Uint32Array, limit: number): void {
  const longest = positions.reduce((most, x) => Math.max(most, x), -1) + 1;
  if (longest <= limit) return;
  throw new RangeError(
    `Cannot run model: found a sequence of ${longest} tokens, expected at most max_position_embeddings ${limit}; lower max_length`,
  );
}
