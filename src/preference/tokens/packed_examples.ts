/**
 * Keeps examples in little memory: the tokens of an example lie in one array of 32-bit words, a
 * pair's shared prompt once, and are unpacked at each access. A packed example has the type of the
 * plain one, but its fields are getters: a copy by `{ ...example }` loses its tokens.
 */
import type {
  Span,
  TokenDemonstration,
  TokenFeedback,
  TokenPair,
  TokenSequence,
} from "./token_examples.ts";

/** The numbers of a pair that are not integers. */
export type PairNumbers = Pick<
  TokenPair,
  "scores" | "margin" | "referenceLogps"
>;

/** An example as 32-bit words, with the fields that words cannot hold in `extra`. */
export interface Packed<Extra = unknown> {
  readonly words: Uint32Array;
  readonly extra?: Extra | undefined;
}

/** How a kind of example is packed. `unpack(pack(x))` has the same fields as `x`. */
export interface Packing<T> {
  readonly pack: (example: T) => Packed;
  readonly unpack: (packed: Packed) => T;
}

const HEAD = 6;

class PackedPair implements TokenPair {
  /**
   * line, length of the shared prefix, then length and completionStart of chosen and of rejected,
   * then the ids: shared prefix, rest of chosen, rest of rejected.
   */
  readonly #words: Uint32Array;
  readonly #numbers: PairNumbers;

  constructor({ words, extra }: Packed) {
    this.#words = words;
    this.#numbers = extra === undefined ? {} : extra as PairNumbers;
  }

  get line(): number {
    return this.#words[0]!;
  }

  get sharedLength(): number {
    return this.#words[1]!;
  }

  get chosen(): TokenSequence {
    return this.#half(2, HEAD + this.sharedLength);
  }

  get rejected(): TokenSequence {
    return this.#half(4, HEAD + this.#words[2]!);
  }

  get scores(): TokenPair["scores"] {
    return this.#numbers.scores;
  }

  get margin(): TokenPair["margin"] {
    return this.#numbers.margin;
  }

  get referenceLogps(): TokenPair["referenceLogps"] {
    return this.#numbers.referenceLogps;
  }

  #half(at: number, rest: number): TokenSequence {
    const [words, shared] = [this.#words, this.sharedLength];
    const end = rest + words[at]! - shared;
    const ids = [
      ...words.subarray(HEAD, HEAD + shared),
      ...words.subarray(rest, end),
    ];
    return { ids, completionStart: words[at + 1]! };
  }
}

/** Packs preference pairs. */
export const PAIR_PACKING: Packing<TokenPair> = {
  pack(pair) {
    const { chosen, rejected, sharedLength, line } = pair;
    const { scores, margin, referenceLogps } = pair;
    const words = Uint32Array.from([
      line,
      sharedLength,
      chosen.ids.length,
      chosen.completionStart,
      rejected.ids.length,
      rejected.completionStart,
      ...chosen.ids,
      ...rejected.ids.slice(sharedLength),
    ]);
    const numbers = { scores, margin, referenceLogps };
    const bare = Object.values(numbers).every((one) => one === undefined);
    const extra = bare ? undefined : numbers;
    return { words, extra };
  },
  unpack: (packed) => new PackedPair(packed),
};

/**
 * The words of a sequence: `[1 + number of words of the spans (0 without spans), completionStart,
 * spans ..., ids ...]`.
 */
function sequenceWords(
  { ids, completionStart, spans }: TokenSequence,
): number[] {
  const flat = spans?.flat() ?? [];
  const count = spans === undefined ? 0 : flat.length + 1;
  return [count, completionStart, ...flat, ...ids];
}

function sequenceAt(words: Uint32Array, at: number): TokenSequence {
  const count = words[at]!;
  const first = at + 2;
  const flat = Math.max(0, count - 1);
  const spans = Array.from(
    { length: flat / 2 },
    (_, i): Span => [words[first + 2 * i]!, words[first + 2 * i + 1]!],
  );
  return {
    ids: [...words.subarray(first + flat)],
    completionStart: words[at + 1]!,
    spans: count === 0 ? undefined : spans,
  };
}

class PackedDemonstration implements TokenDemonstration {
  readonly #words: Uint32Array;

  constructor({ words }: Packed) {
    this.#words = words;
  }

  get line(): number {
    return this.#words[0]!;
  }

  get ids(): readonly number[] {
    return sequenceAt(this.#words, 1).ids;
  }

  get completionStart(): number {
    return this.#words[2]!;
  }

  get spans(): TokenSequence["spans"] {
    return sequenceAt(this.#words, 1).spans;
  }
}

/** Packs demonstrations. */
export const DEMONSTRATION_PACKING: Packing<TokenDemonstration> = {
  pack: (one) => ({
    words: Uint32Array.from([one.line, ...sequenceWords(one)]),
  }),
  unpack: (packed) => new PackedDemonstration(packed),
};

class PackedFeedback implements TokenFeedback {
  readonly #words: Uint32Array;

  constructor({ words }: Packed) {
    this.#words = words;
  }

  get line(): number {
    return this.#words[0]!;
  }

  get label(): boolean {
    return this.#words[1] === 1;
  }

  get sequence(): TokenSequence {
    return sequenceAt(this.#words, 2);
  }
}

/** Packs judged answers. */
export const FEEDBACK_PACKING: Packing<TokenFeedback> = {
  pack: ({ line, label, sequence }) => ({
    words: Uint32Array.from([
      line,
      label ? 1 : 0,
      ...sequenceWords(sequence),
    ]),
  }),
  unpack: (packed) => new PackedFeedback(packed),
};
