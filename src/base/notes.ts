/**
 * Sentences for the user about what was found and what is done with it, where nothing is wrong
 * enough to stop. Whoever runs the program listens; without a listener they are dropped.
 */

/** Called with each sentence, once for a listener. */
export type NoteListener = (sentence: string) => void;

let listener: NoteListener = () => {};

/** Tells the listener a sentence; further calls with the same sentence tell nothing. */
export function tell(sentence: string): void {
  listener(sentence);
}

/**
 * Sets who listens, until the result is disposed.
 *
 * @returns gives the place back to the listener of before
 */
export function listenToNotes(to: NoteListener): Disposable {
  const before = listener;
  const told = new Set<string>();
  listener = (sentence) => {
    if (told.has(sentence)) return;
    told.add(sentence);
    to(sentence);
  };
  return {
    [Symbol.dispose]() {
      listener = before;
    },
  };
}
