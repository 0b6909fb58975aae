/**
 * Texts of strangers, such as names in a listing, as a terminal may show them.
 *
 * @module
 */

/**
 * Characters that a terminal obeys in place of showing them, or that hide what stands beside them:
 * control characters, ends of lines, marks of direction, and halves of characters. Joiners stay:
 * Persian words and emoji have them.
 */
const UNSEEN =
  /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu;

/** Whether a text has characters that cannot be seen. */
export function hasUnseen(text: string): boolean {
  return text.search(UNSEEN) >= 0;
}

/**
 * A text with what cannot be seen written as `\u{202e}`.
 *
 * @param most characters; what is more is left out, and `...` says so
 */
export function printable(text: string, most = Infinity): string {
  const cut = text.length > most ? `${text.slice(0, most)}...` : text;
  return cut.replace(
    UNSEEN,
    (one) => `\\u{${one.codePointAt(0)!.toString(16)}}`,
  );
}
