/**
 * Passes on texts that grow at the same time one after the other, so that a reader can follow: the
 * first text is passed on as it grows, each further one is held back until all texts before it are
 * complete. Knows no screen.
 */

/** The receivers of the texts, in their order. */
export interface InTurn {
  /** Called before the first piece of a text. */
  readonly onBegin: (index: number) => void;
  /** Called with each piece of a text. */
  readonly onText: (index: number, piece: string) => void;
  /** Called after the last piece of a text. */
  readonly onEnd: (index: number) => void;
}

/** Takes pieces of `count` texts in any order and passes them on in the order of the texts. */
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
