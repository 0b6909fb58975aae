/**
 * Finds the tokens that `top_k` and `top_p` leave, by the largest values of a row, without sorting
 * the whole row. The values are logits or probabilities. Knows no temperature and no random number.
 */

/** What limits the tokens among which one is drawn. */
export interface Limits {
  /**
   * At most this number of the likeliest tokens, and those as likely as the last of them; 0 is no
   * limit.
   */
  readonly top_k: number;
  /** The likeliest tokens that together have this probability, 0 to 1; 1 is no limit. */
  readonly top_p: number;
}

/** A row of values `[vocab_size]`, of which a larger one makes a token likelier. */
export interface Row {
  readonly values: Float32Array;
  /** The weight of a token of this value: its probability times any factor. */
  readonly weigh: (value: number) => number;
  /**
   * Values in falling order, ending with one that no value is below. The tokens above the first one
   * usually suffice; the others are tried in turn.
   */
  readonly bounds: readonly number[];
}

/** The tokens that are left, which have the largest values. */
export interface Candidates {
  /** The smallest of their values. */
  readonly least: number;
  /** How many of the tokens with the value `least` are left, those with the lowest ids. */
  readonly ties: number;
  /** The sum of their weights. */
  readonly total: number;
  /** The largest value of the other tokens; undefined if there is none. */
  readonly next: number | undefined;
  /** Whether `top_k` left more tokens than it says, since their values are equal. */
  readonly crosses: boolean;
  /** By how much the weights pass the share `top_p`, with and without the last of them. */
  readonly surplus: readonly [number, number] | undefined;
}

/** The tokens that `top_k`, then `top_p` leave of a row; at least one. */
export function findCandidates(row: Row, limits: Limits): Candidates {
  const { values, weigh, bounds } = row;
  const most = limits.top_k === 0
    ? values.length
    : Math.min(limits.top_k, values.length);
  const isLimited = most < values.length;
  const whole = isLimited ? undefined : sumOf(values, weigh);
  if (whole !== undefined && limits.top_p === 1) return all(whole);
  for (const [i, bound] of bounds.entries()) {
    const isLast = i === bounds.length - 1;
    const large = values.filter((value) => value >= bound);
    if (isLimited && large.length <= most && !isLast) continue;
    const descending = large.sort().reverse();
    const found = cut(descending, { ...limits, most, whole, weigh });
    // the next value must be known too
    if (found.next !== undefined || isLast) return found;
  }
  throw new RangeError("Cannot find candidates: no bounds");
}

function all(total: number): Candidates {
  return {
    least: -Infinity,
    ties: Infinity,
    total,
    next: undefined,
    crosses: false,
    surplus: undefined,
  };
}

interface CutOptions extends Limits, Pick<Row, "weigh"> {
  readonly most: number;
  /** The weight of all tokens, if `top_k` does not limit them. */
  readonly whole: number | undefined;
}

function cut(
  descending: Float32Array,
  { most, top_p, whole, weigh }: CutOptions,
): Candidates {
  let end = Math.min(most, descending.length);
  while (end < descending.length && descending[end] === descending[end - 1]) {
    end++;
  }
  const among = descending.subarray(0, end);
  const share = top_p === 1 ? Infinity : top_p * (whole ?? sumOf(among, weigh));
  let kept = 0;
  let before = 0;
  let total = 0;
  while (kept < among.length && (kept === 0 || total < share)) {
    before = total;
    total += weigh(among[kept++]!);
  }
  const least = among[kept - 1]!;
  return {
    least,
    ties: kept - descending.indexOf(least),
    total,
    next: descending[kept],
    crosses: end > most,
    surplus: top_p === 1 ? undefined : [total - share, before - share],
  };
}

function sumOf(
  values: Float32Array,
  weigh: (value: number) => number,
): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += weigh(values[i]!);
  return sum;
}

/** The token at which the running sum passes the point, and how far it was from choosing others. */
export interface Walk {
  readonly id: number;
  /** What the point had left before this token, and after it: 0 or more, then below 0. */
  readonly left: readonly [number, number];
  /** Whether no candidate came before this token. */
  readonly isFirst: boolean;
}

/** Walks through the candidates in the order of their ids until `point` (0 to 1) is passed. */
export function walkTo(
  point: number,
  { values, weigh }: Row,
  { least, ties, total }: Candidates,
): Walk {
  let left = point * total;
  let tiesLeft = ties;
  let walk: Walk | undefined;
  for (let id = 0; id < values.length; id++) {
    const value = values[id]!;
    if (!(value > least || value === least && tiesLeft-- > 0)) continue;
    const before = left;
    left -= weigh(value);
    walk = { id, left: [before, left], isFirst: walk === undefined };
    if (left < 0) return walk;
  }
  // the weights add up to slightly less than `total`, by rounding
  if (walk) return walk;
  throw new RangeError("Cannot draw a token: no candidate is left");
}
