/**
 * Trains a byte-level BPE vocabulary: text is cut into words by Qwen2's pattern, words into bytes,
 * and the most frequent neighbours are joined until the vocabulary is full.
 * Sources: https://arxiv.org/abs/1508.07909 (BPE), GPT-2's mapping of bytes to printable
 * characters.
 */

/** Qwen2's pre-tokenizer pattern: contractions, letter runs, single digits, punctuation, spaces. */
export const WORD_PATTERN =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/**
 * A trained vocabulary: token texts by id, and the joins in the order in which they are applied.
 */
export interface Vocabulary {
  readonly tokens: readonly string[];
  readonly merges: readonly (readonly [string, string])[];
}

/**
 * The printable stand-in of each byte: itself where it prints, else the next free one from U+0100
 * on.
 */
export function byteCharacters(): string[] {
  let free = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const prints = (byte >= 0x21 && byte <= 0x7e) ||
      (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    return String.fromCodePoint(prints ? byte : free++);
  });
}

/** Counts the words of some texts after NFC, each spelled in the stand-ins of its bytes. */
export function countWords(texts: Iterable<string>): Map<string, number> {
  const pattern = new RegExp(WORD_PATTERN, "gu");
  const characters = byteCharacters();
  const encoder = new TextEncoder();
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const [word] of text.normalize("NFC").matchAll(pattern)) {
      const spelled = Array.from(encoder.encode(word), (b) => characters[b])
        .join("");
      counts.set(spelled, (counts.get(spelled) ?? 0) + 1);
    }
  }
  return counts;
}

/** The words as lists of token ids, and where each pair of neighbours occurs. */
class Words {
  readonly #words: { ids: number[]; count: number }[];
  readonly #places = new Map<number, Set<number>>();
  readonly #counts = new Map<number, number>();
  static readonly #WIDTH = 2 ** 20;

  constructor(counts: ReadonlyMap<string, number>, ids: Map<string, number>) {
    this.#words = [...counts].map(([word, count]) => ({
      ids: [...word].map((character) => ids.get(character)!),
      count,
    }));
    for (const index of this.#words.keys()) this.#tally(index, 1);
  }

  #tally(index: number, sign: 1 | -1): void {
    const { ids, count } = this.#words[index]!;
    for (let i = 1; i < ids.length; i++) {
      const key = ids[i - 1]! * Words.#WIDTH + ids[i]!;
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + sign * count);
      let places = this.#places.get(key);
      if (!places) this.#places.set(key, places = new Set());
      if (sign === 1) places.add(index);
    }
  }

  /**
   * The most frequent pair; among equals the one with the smallest ids. Undefined below two uses.
   */
  mostFrequent(): [number, number] | undefined {
    let best = -1;
    let bestCount = 1;
    for (const [key, count] of this.#counts) {
      if (count > bestCount || (count === bestCount && key < best)) {
        best = key;
        bestCount = count;
      }
    }
    if (best < 0) return undefined;
    return [Math.floor(best / Words.#WIDTH), best % Words.#WIDTH];
  }

  /** Replaces every occurrence of the pair by the joined token. */
  join([left, right]: [number, number], joined: number): void {
    const key = left * Words.#WIDTH + right;
    for (const index of this.#places.get(key) ?? []) {
      const word = this.#words[index]!;
      this.#tally(index, -1);
      const ids: number[] = [];
      for (let i = 0; i < word.ids.length; i++) {
        const hit = word.ids[i] === left && word.ids[i + 1] === right;
        ids.push(hit ? joined : word.ids[i]!);
        if (hit) i++;
      }
      word.ids = ids;
      this.#tally(index, 1);
    }
    this.#counts.delete(key);
    this.#places.delete(key);
  }
}

/**
 * Learns a vocabulary of `size` tokens: the 256 bytes in the order of their stand-ins, then the
 * joins.
 *
 * @param counts words in byte stand-ins, with how often each occurs
 * @throws RangeError if the words have too few pairs that occur twice to fill the vocabulary
 */
export function trainBpe(
  counts: ReadonlyMap<string, number>,
  size: number,
): Vocabulary {
  const tokens = byteCharacters().sort();
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const merges: [string, string][] = [];
  const words = new Words(counts, ids);
  while (tokens.length < size) {
    const pair = words.mostFrequent();
    if (!pair) {
      throw new RangeError(
        `Cannot train a vocabulary of ${size} tokens: ` +
          `the text has pairs for ${tokens.length} only`,
      );
    }
    const [left, right] = [tokens[pair[0]]!, tokens[pair[1]]!];
    const joined = left + right;
    merges.push([left, right]);
    if (!ids.has(joined)) {
      ids.set(joined, tokens.length);
      tokens.push(joined);
    }
    words.join(pair, ids.get(joined)!);
  }
  return { tokens, merges };
}
