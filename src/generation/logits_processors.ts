/**
 * What generation_config.json asks of the logits before a token is chosen: penalties, bans and
 * forced tokens, by the formulas and in the order of transformers' logits processors. All numbers
 * are float64 but the logits. Knows no model and no file.
 */

/** The tokens so far, and where generation began. */
export interface Progress {
  /** The prompt's tokens and those generated so far. */
  readonly ids: readonly number[];
  /** Tokens of the prompt. */
  readonly promptLength: number;
  /** Most new tokens. */
  readonly maxNewTokens: number;
  /** The tokens that end an answer. */
  readonly stopIds: ReadonlySet<number>;
}

/** Changes logits `[vocab_size]` in place. */
export type LogitsProcessor = (logits: Float32Array, at: Progress) => void;

type Config = Readonly<Record<string, unknown>>;
type Maker = (value: unknown, config: Config) => LogitsProcessor | undefined;

const number = (value: unknown, idle: number): number | undefined =>
  typeof value === "number" && value !== idle ? value : undefined;

const count = (value: unknown): number | undefined =>
  Number.isInteger(value) && value as number > 0 ? value as number : undefined;

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

/** What is added to the last token of a sequence whose other tokens came just before. */
interface Bias {
  readonly sequence: readonly number[];
  readonly bias: number;
}

function addBias(
  logits: Float32Array,
  ids: readonly number[],
  biases: Iterable<Bias>,
): void {
  for (const { sequence, bias } of biases) {
    const before = ids.length - sequence.length + 1;
    const isNext = before >= 0 &&
      sequence.slice(0, -1).every((id, k) => id === ids[before + k]);
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
    if (value === undefined) return undefined;
    // of a sequence that is there twice, the last bias counts
    const biases = new Map((value as [number[], number][]).map(
      ([sequence, bias]) => [sequence.join(), { sequence, bias }],
    ));
    return (logits, { ids }) => addBias(logits, ids, biases.values());
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
    const size = count(value);
    return size === undefined
      ? undefined
      : (logits, { ids }) => ban(logits, ngramEnds(ids, ids, size));
  },
  encoder_no_repeat_ngram_size(value) {
    const size = count(value);
    return size === undefined
      ? undefined
      : (logits, { ids, promptLength }) =>
        ban(logits, ngramEnds(ids.slice(0, promptLength), ids, size));
  },
  bad_words_ids(value) {
    if (value === undefined) return undefined;
    const words = value as number[][];
    return (logits, { ids, stopIds }) => {
      // an end token alone is no bad word
      const bad = words.filter((word) =>
        !(word.length === 1 && stopIds.has(word[0]!))
      );
      addBias(
        logits,
        ids,
        bad.map((sequence) => ({ sequence, bias: -Infinity })),
      );
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
    if (value === undefined) return undefined;
    const [start, factor] = value as [number, number];
    return (logits, { ids, promptLength, stopIds }) => {
      const over = ids.length - promptLength - start;
      if (over <= 0) return;
      for (const id of stopIds) {
        // a banned token stays so: transformers makes NaN of it, and then takes it
        if (logits[id] === -Infinity) continue;
        logits[id]! += Math.abs(logits[id]!) * (factor ** over - 1);
      }
    };
  },
  suppress_tokens(value) {
    const ids = idList(value);
    return ids.length === 0 ? undefined : (logits) => ban(logits, ids);
  },
  begin_suppress_tokens(value, config) {
    const banned = idList(value);
    const isForced = idList(config["forced_bos_token_id"]).length > 0;
    return banned.length === 0
      ? undefined
      : (logits, { ids, promptLength }) => {
        // the answer begins after the token that is forced behind a single one
        const forced = isForced && promptLength === 1 ? 1 : 0;
        if (ids.length === promptLength + forced) ban(logits, banned);
      };
  },
};

const isNumber = (value: unknown) => typeof value === "number";
const isCount = (value: unknown) =>
  Number.isInteger(value) && value as number >= 0;
const isIdOrIds = (value: unknown) =>
  isCount(value) || Array.isArray(value) && value.every(isCount);
const isIds = (value: unknown) =>
  Array.isArray(value) && value.length > 0 &&
  value.every((id) => Number.isInteger(id) && id >= 0);

/** What a value must be like for its processor to take it; transformers refuses others. */
const FORMS: Readonly<Record<string, (value: unknown) => boolean>> = {
  sequence_bias: (value) =>
    Array.isArray(value) &&
    value.every((one) => isIds(one?.[0]) && isNumber(one[1])),
  encoder_repetition_penalty: (value) => isNumber(value) && Number(value) > 0,
  repetition_penalty: (value) => isNumber(value) && Number(value) > 0,
  no_repeat_ngram_size: isCount,
  encoder_no_repeat_ngram_size: isCount,
  bad_words_ids: (value) => Array.isArray(value) && value.every(isIds),
  min_length: isCount,
  min_new_tokens: isCount,
  forced_bos_token_id: isIdOrIds,
  forced_eos_token_id: isIdOrIds,
  suppress_tokens: isIdOrIds,
  begin_suppress_tokens: isIdOrIds,
  exponential_decay_length_penalty: (value) =>
    Array.isArray(value) && value.length === 2 && value.every(isNumber),
};

/** The value of a key; undefined if it is null or not of the form that its processor takes. */
function formed(config: Config, key: string): unknown {
  const value = config[key] ?? undefined;
  return isFormed(key, value) ? value : undefined;
}

/** The processors that a parsed generation_config.json asks for, in their order. */
export function logitsProcessors(config: Config): LogitsProcessor[] {
  return Object.entries(MAKERS).flatMap(([key, make]) =>
    make(formed(config, key), config) ?? []
  );
}

/** Whether a value is one that its key's processor takes; a key without a processor takes any. */
export function isFormed(key: string, value: unknown): boolean {
  return FORMS[key]?.(value) ?? true;
}

/** The keys that have a processor. */
export const PROCESSOR_KEYS: readonly string[] = Object.keys(MAKERS);
