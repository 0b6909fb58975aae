/**
 * Texts that grow at once, for a reader who reads one after the other: the first comes as it grows,
 * each further one is held back until those before it are whole. Knows no screen.
 */

/** Where the texts go, in their order. */
export interface InTurn {
  /** Before the first piece of a text. */
  readonly onBegin: (index: number) => void;
  /** A piece of the text whose turn it is. */
  readonly onText: (index: number, piece: string) => void;
  /** After the last piece of a text. */
  readonly onEnd: (index: number) => void;
}

/** Takes pieces of `count` texts in any order and passes them on text after text. */
export function inTurn(
  count: number,
  { onBegin, onText, onEnd }: InTurn,
): Omit<InTurn, "onBegin"> {
  const held = Array.from(
    { length: count },
    () => ({ text: "", ended: false }),
  );
  let current = 0;
  if (count > 0) onBegin(0);

  function advance(): void {
    while (held[current]?.ended) {
      onEnd(current++);
      const next = held[current];
      if (!next) return;
      onBegin(current);
      if (next.text !== "") onText(current, next.text);
    }
  }

  return {
    onText(index, piece) {
      if (index === current) onText(index, piece);
      else held[index]!.text += piece;
    },
    onEnd(index) {
      held[index]!.ended = true;
      if (index === current) advance();
    },
  };
}
