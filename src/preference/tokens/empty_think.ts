/**
 * Finds the empty blocks of thought that hybrid models' templates write before an answer without
 * thinking, so that they are left out of the loss, as ms-swift's `ignore_empty_think` does.
 */
import { commonPrefix } from "../../base/common_prefix.ts";
import type { Tokenizer } from "../../text/tokenizer.ts";

const EMPTY = /<think>\s*<\/think>\s*/g;

/**
 * A function that moves the start of a trained span past the empty block that begins there or in
 * which it lies.
 *
 * @param text the rendered conversation, of which `ids` are the tokens
 */
export function pastEmptyThink(
  text: string,
  ids: readonly number[],
  tokenizer: Tokenizer,
): (start: number) => number {
  const tokensTo = (end: number) =>
    commonPrefix(tokenizer.encode(text.slice(0, end)), ids);
  const blocks = Array.from(
    text.matchAll(EMPTY),
    ({ 0: block, index }) =>
      [tokensTo(index), tokensTo(index + block.length)] as const,
  );
  return (start) =>
    blocks.find(([from, to]) => from <= start && start < to)?.[1] ?? start;
}
