/**
 * Computes the scores of SentencePiece's BPE from a list of merges. SentencePiece joins the
 * neighbours that form the token with the highest score; a merge list joins the pair that comes
 * first in the list. Both give the same tokens if the list contains all pairs that form a token,
 * and the pairs of each token are together in the list.
 */

/**
 * The score of each token: minus the rank of its first merge, or a lower number if no merge forms
 * the token.
 *
 * @param isNormal whether a token is text; other tokens have the score 0
 * @throws RangeError naming a token whose merges no score can express
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
