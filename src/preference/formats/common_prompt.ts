/**
 * Finds the prompt of rows without one: the part that chosen and rejected have in common from their
 * start. This is TRL's rule.
 */
import type { Message } from "../../text/message.ts";
import { commonPrefix } from "../../base/common_prefix.ts";

/** A common prompt and the two parts that follow it. */
export interface Split<T> {
  readonly prompt: T;
  readonly chosen: T;
  readonly rejected: T;
}

function split<T>(
  chosen: readonly T[],
  rejected: readonly T[],
  at: number,
): Split<readonly T[]> {
  return {
    prompt: chosen.slice(0, at),
    chosen: chosen.slice(at),
    rejected: rejected.slice(at),
  };
}

/**
 * Where to split. If one list is a prefix of the other, its last item stays with the answers, so
 * that no answer is empty.
 */
function place(common: number, a: number, b: number): number {
  return Math.max(0, Math.min(common, a - 1, b - 1));
}

/**
 * Splits two texts at their first difference, never inside a character. A space just before the
 * difference goes to the answers.
 */
export function splitTexts(chosen: string, rejected: string): Split<string> {
  const [a, b] = [[...chosen], [...rejected]];
  const common = commonPrefix(a, b);
  let at = place(common, a.length, b.length);
  if (at === common && at > 0 && a[at - 1] === " ") at--;
  const parts = split(a, b, at);
  return {
    prompt: parts.prompt.join(""),
    chosen: parts.chosen.join(""),
    rejected: parts.rejected.join(""),
  };
}

/** Splits two conversations at the first turn that differs. */
export function splitTurns(
  chosen: readonly Message[],
  rejected: readonly Message[],
): Split<readonly Message[]> {
  const texts = [chosen, rejected].map((turns) =>
    turns.map((turn) => JSON.stringify(turn))
  );
  const common = commonPrefix(texts[0] ?? [], texts[1] ?? []);
  return split(chosen, rejected, place(common, chosen.length, rejected.length));
}
