/**
 * Scores of SentencePiece's BPE from a list of merges. SentencePiece joins the neighbours whose
 * whole is the token of the highest score; a list joins the pair that stands first. Both do the
 * same if the list has every way to make a token, and the ways of one token stand together.
 */

/**
 * The score of each token: minus the rank of its first merge; below all of them for what no merge
 * makes.
 *
 * @param isNormal whether a token is text; others have the score 0
 * @throws RangeError naming a token for which no score does what the merges do
 */
export function sentencePieceScores(
  tokens: readonly string[],
  isNormal: readonly boolean[],
  merges: readonly (readonly [string, string])[],
): number[] {
  const ranks = new Map<string, { first: number; last: number }>();
  merges.forEach(([a, b], rank) => {
    const known = ranks.get(a + b);
    if (known) known.last = rank;
    else ranks.set(a + b, { first: rank, last: rank });
  });
  checkTogether(ranks);
  checkComplete(tokens.filter((_, id) => isNormal[id]), merges);
  return tokens.map((token, id) => {
    if (!isNormal[id]) return 0;
    const rank = ranks.get(token);
    return rank ? -rank.first : -merges.length - id;
  });
}

type Ranks = ReadonlyMap<string, { first: number; last: number }>;

function checkTogether(ranks: Ranks): void {
  let end = -1;
  for (const [token, { first, last }] of ranks) { // in the order of `first`
    if (first > end) end = last;
    else {
      throw new RangeError(
        `Cannot export tokenizer: the merges that make "${token}" stand among those of others (${first} to ${last}), so that no score says when it is made`,
      );
    }
  }
}

function checkComplete(
  texts: readonly string[],
  merges: readonly (readonly [string, string])[],
): void {
  const known = new Set(texts);
  const listed = new Set(merges.map(([a, b]) => `${a} ${b}`));
  for (const text of texts) {
    for (let at = 1; at < text.length; at++) {
      const [a, b] = [text.slice(0, at), text.slice(at)];
      if (!known.has(a) || !known.has(b) || listed.has(`${a} ${b}`)) continue;
      throw new RangeError(
        `Cannot export tokenizer: its merges never join "${a}" and "${b}", SentencePiece would, since "${text}" is a token`,
      );
    }
  }
}
