/**
 * What generation_config.json asks of the logits before a token is chosen: penalties, bans and
 * forced tokens, by the formulas and in the order of transformers' logits processors. All numbers
 * are float64 but the logits. Knows no model and no file.
 */

/** The tokens so far, and where generation began. */
export interface Progress {
  /** The prompt's tokens and those generated so far. */
  readonly ids: readonly number[];
  readonly promptLength: number;
  /** Most new tokens. */
  readonly maxNewTokens: number;
  /** The tokens that end an answer. */
  readonly stopIds: ReadonlySet<number>;
}

/** Changes logits `[vocab_size]` in place. */
export type LogitsProcessor = (logits: Float32Array, at: Progress) => void;

type Config = Readonly<Record<string, unknown>>;
type Maker = (value: unknown) => LogitsProcessor | undefined;

const number = (value: unknown, idle: number): number | undefined =>
  typeof value === "number" && value !== idle ? value : undefined;

const idList = (value: unknown): number[] =>
  (Array.isArray(value) ? value : [value]).filter((id) => Number.isInteger(id));

const ban = (logits: Float32Array, ids: Iterable<number>) => {
  for (const id of ids) logits[id] = -Infinity;
};

/** A negative logit is multiplied by the penalty, a positive one divided. Eq. 1 of CTRL. */
function penalize(
  logits: Float32Array,
  ids: Iterable<number>,
  penalty: number,
): void {
  for (const id of new Set(ids)) {
    const logit = logits[id]!;
    logits[id] = logit < 0 ? logit * penalty : logit / penalty;
  }
}

/** The tokens that would end an n-gram of `text` that begins with the last tokens of `ids`. */
function ngramEnds(
  text: readonly number[],
  ids: readonly number[],
  size: number,
): number[] {
  if (ids.length + 1 < size) return [];
  const start = ids.slice(ids.length - size + 1);
  const ends: number[] = [];
  for (let i = 0; i + size <= text.length; i++) {
    if (start.every((id, k) => id === text[i + k])) {
      ends.push(text[i + size - 1]!);
    }
  }
  return ends;
}

/** Adds to the last token of each sequence whose other tokens came just before. */
function addBias(
  logits: Float32Array,
  ids: readonly number[],
  biases: readonly (readonly [readonly number[], number])[],
): void {
  for (const [sequence, bias] of biases) {
    const start = sequence.slice(0, -1);
    const tail = ids.slice(ids.length - start.length);
    const isNext = start.length === 0 ||
      (sequence.length <= ids.length && start.every((id, k) => id === tail[k]));
    if (isNext) logits[sequence.at(-1)!]! += bias;
  }
}

function forceOnly(logits: Float32Array, ids: readonly number[]): void {
  logits.fill(-Infinity);
  for (const id of ids) logits[id] = 0;
}

/** The processors by the key that asks for them, in their order. */
const MAKERS: Readonly<Record<string, Maker>> = {
  sequence_bias(value) {
    const biases = Array.isArray(value)
      ? value as [number[], number][]
      : undefined;
    return biases && ((logits, { ids }) => addBias(logits, ids, biases));
  },
  encoder_repetition_penalty(value) {
    const penalty = number(value, 1);
    return penalty === undefined
      ? undefined
      : (logits, { ids, promptLength }) =>
        penalize(logits, ids.slice(0, promptLength), 1 / penalty);
  },
  repetition_penalty(value) {
    const penalty = number(value, 1);
    return penalty === undefined
      ? undefined
      : (logits, { ids }) => penalize(logits, ids, penalty);
  },
  no_repeat_ngram_size(value) {
    const size = number(value, 0);
    return size === undefined
      ? undefined
      : (logits, { ids }) => ban(logits, ngramEnds(ids, ids, size));
  },
  encoder_no_repeat_ngram_size(value) {
    const size = number(value, 0);
    return size === undefined
      ? undefined
      : (logits, { ids, promptLength }) =>
        ban(logits, ngramEnds(ids.slice(0, promptLength), ids, size));
  },
  bad_words_ids(value) {
    if (!Array.isArray(value)) return undefined;
    const words = value as number[][];
    return (logits, { ids, stopIds }) => {
      // an end token alone is no bad word
      const bad = words.filter((word) =>
        !(word.length === 1 && stopIds.has(word[0]!))
      );
      addBias(logits, ids, bad.map((word) => [word, -Infinity]));
    };
  },
  min_length(value) {
    const least = number(value, 0);
    return least === undefined ? undefined : (logits, { ids, stopIds }) => {
      if (ids.length < least) ban(logits, stopIds);
    };
  },
  min_new_tokens(value) {
    const least = number(value, 0);
    return least === undefined
      ? undefined
      : (logits, { ids, promptLength, stopIds }) => {
        if (ids.length - promptLength < least) ban(logits, stopIds);
      };
  },
  forced_bos_token_id(value) {
    const forced = idList(value);
    return forced.length === 0 ? undefined : (logits, { ids }) => {
      if (ids.length === 1) forceOnly(logits, forced);
    };
  },
  forced_eos_token_id(value) {
    const forced = idList(value);
    return forced.length === 0
      ? undefined
      : (logits, { ids, promptLength, maxNewTokens }) => {
        if (ids.length - promptLength === maxNewTokens - 1) {
          forceOnly(logits, forced);
        }
      };
  },
  exponential_decay_length_penalty(value) {
    if (!Array.isArray(value)) return undefined;
    const [start, factor] = value as [number, number];
    return (logits, { ids, promptLength, stopIds }) => {
      const over = ids.length - promptLength - start;
      if (over <= 0) return;
      for (const id of stopIds) {
        logits[id]! += Math.abs(logits[id]!) * (factor ** over - 1);
      }
    };
  },
  suppress_tokens(value) {
    const ids = idList(value);
    return ids.length === 0 ? undefined : (logits) => ban(logits, ids);
  },
  begin_suppress_tokens(value) {
    const banned = idList(value);
    return banned.length === 0
      ? undefined
      : (logits, { ids, promptLength }) => {
        if (ids.length === promptLength) ban(logits, banned);
      };
  },
};

/** The processors that a parsed generation_config.json asks for, in their order. */
export function logitsProcessors(config: Config): LogitsProcessor[] {
  return Object.entries(MAKERS).flatMap(([key, make]) =>
    make(config[key] ?? undefined) ?? []
  );
}

/** Keys that choose other tokens where they are not idle, and that are not served. */
const NOT_SERVED: Readonly<Record<string, readonly unknown[]>> = {
  num_beams: [1],
  num_beam_groups: [1],
  diversity_penalty: [0],
  penalty_alpha: [0],
  guidance_scale: [1],
  watermarking_config: [],
  dola_layers: [],
  constraints: [],
  force_words_ids: [],
  forced_decoder_ids: [],
  remove_invalid_values: [false],
  token_healing: [false],
  top_h: [1],
  stop_strings: [],
  max_time: [],
};

/** `num_beams 4`: each key of a generation_config.json that asks for what is not served. */
export function notServed(config: Config): string[] {
  return Object.entries(NOT_SERVED).flatMap(([key, idle]) => {
    const value = config[key] ?? undefined;
    return value === undefined || idle.includes(value)
      ? []
      : [`${key} ${JSON.stringify(value)}`];
  });
}
