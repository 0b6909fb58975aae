/**
 * Text of tokens as they come, for answers that are shown while they grow: only complete characters
 * leave, never half of a multi-byte one. What has left, put together, is the text of all ids
 * decoded at once.
 */
import type { DecodeOptions, Tokenizer } from "./tokenizer.ts";

/** Takes ids one by one and gives the text that became certain. */
export interface StreamDecoder {
  /** The text that `id` completes; "" while a character is still open. */
  push(id: number): string;
  /** The rest at the end; an unfinished character shows as U+FFFD. */
  flush(): string;
}

/** The character that stands for bytes that are no text. */
const REPLACEMENT = "\ufffd";

/**
 * Makes a decoder for one answer. Each step decodes only the last few ids: those since the last but
 * one certain place, for a token's text may depend on its neighbour before.
 */
export function createStreamDecoder(
  tokenizer: Tokenizer,
  options: DecodeOptions = {},
): StreamDecoder {
  let ids: number[] = [];
  let certain = 0; // ids[0..certain] have left as text
  const take = (final: boolean): string => {
    const before = tokenizer.decode(ids.slice(0, certain), options);
    const text = tokenizer.decode(ids, options);
    if (
      text.length <= before.length || (!final && text.endsWith(REPLACEMENT))
    ) return "";
    ids = ids.slice(certain);
    certain = ids.length;
    return text.slice(before.length);
  };
  return {
    push(id) {
      ids.push(id);
      return take(false);
    },
    flush: () => take(true),
  };
}
