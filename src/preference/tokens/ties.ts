/**
 * Finds pairs whose answers are the same to the model: equal tokens after all cuts, or tokens that
 * differ only by end tokens or by the Unicode form of the same characters. Their gradient is noise
 * alone, which AdamW brings to full size.
 */
import { commonPrefix } from "../../base/common_prefix.ts";
import type { Tokenizer } from "../../text/tokenizer.ts";
import type { TokenPair } from "./token_examples.ts";

type Ids = readonly number[];

/** The ids that end an answer: the EOS, and a special token that both answers end with. */
function endTokens(pair: readonly [Ids, Ids], tokenizer: Tokenizer): number[] {
  const [a, b] = pair.map((ids) =>
    ids.findLast((id) => !isBlank(id, tokenizer))
  );
  const { eosTokenId } = tokenizer;
  return [
    ...eosTokenId === undefined ? [] : [eosTokenId],
    ...a !== undefined && a === b && isSpecial(a, tokenizer) ? [a] : [],
  ];
}

function isBlank(id: number, tokenizer: Tokenizer): boolean {
  return tokenizer.decode([id]).trim() === "";
}

function isSpecial(id: number, tokenizer: Tokenizer): boolean {
  return tokenizer.decode([id], { skipSpecialTokens: true }) === "";
}

/** The ids without their end tokens, and without the white space that templates put after them. */
function withoutEnd(ids: Ids, ends: Ids, tokenizer: Tokenizer): Ids {
  let end = ids.length;
  for (let at = end; at > 0; at--) {
    const id = ids[at - 1]!;
    if (ends.includes(id)) end = at - 1;
    else if (!isBlank(id, tokenizer)) break;
  }
  return ids.slice(0, end);
}

const BEFORE = 4; // tokens before the first difference: a character may begin in them
const AFTER = 12;

/**
 * Whether the texts of two lists of ids are equal in Unicode's form NFC, in which an accent written
 * by itself joins its letter. Forms that change characters (NFKC: full width, fractions) keep what
 * a preference may be about, and count as different.
 */
function areEqualTexts(a: Ids, b: Ids, tokenizer: Tokenizer): boolean {
  const from = Math.max(0, commonPrefix(a, b) - BEFORE);
  const texts = (to: number) =>
    [a, b].map((ids) =>
      tokenizer.decode(ids.slice(from, to)).normalize("NFC")
    ) as [string, string];
  const [x, y] = texts(from + BEFORE + AFTER); // tells most pairs apart
  const length = Math.min(x.length, y.length) - BEFORE;
  if (x.slice(0, length) !== y.slice(0, length) && length > 0) return false;
  const [whole, other] = texts(Infinity);
  return whole === other && !whole.includes("\ufffd");
}

/** Why a pair teaches nothing; undefined if its answers differ. */
export function tieOf(
  { chosen, rejected }: Pick<TokenPair, "chosen" | "rejected">,
  tokenizer: Tokenizer,
): string | undefined {
  const areSame = (x: Ids, y: Ids) =>
    x.length === y.length && commonPrefix(x, y) === x.length;
  if (areSame(chosen.ids, rejected.ids)) return "answers equal as tokens";
  const ends = endTokens([chosen.ids, rejected.ids], tokenizer);
  const a = withoutEnd(chosen.ids, ends, tokenizer);
  const b = withoutEnd(rejected.ids, ends, tokenizer);
  return areSame(a, b) || areEqualTexts(a, b, tokenizer)
    ? "answers equal but for end tokens or a Unicode form"
    : undefined;
}
