/**
 * Decodes the tokens of an answer while it grows. It gives out only complete characters, never half
 * of a multi-byte one; all pieces together equal the text of all ids decoded at once.
 */
import type { DecodeOptions, Tokenizer } from "./tokenizer.ts";

/** Takes ids one by one and gives the text that can no longer change. */
export interface StreamDecoder {
  /** The text that `id` completes; "" while a character is still open. */
  push(id: number): string;
  /** Gives the rest at the end; an unfinished character shows as U+FFFD. */
  flush(): string;
}

/** The character that the tokenizer prints for bytes that are not valid text. */
const REPLACEMENT = "\ufffd";

/**
 * Makes a decoder for one answer. Each step decodes only the last few ids: it starts one piece
 * before the open one, since the text of a token may depend on the token before it.
 */
export function createStreamDecoder(
  tokenizer: Tokenizer,
  options: DecodeOptions = {},
): StreamDecoder {
  let ids: number[] = [];
  let certain = 0; // the text of ids[0..certain] was given out
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
