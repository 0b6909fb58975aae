/** What the watcher of a fuzzing run and its worker tell each other. */

/** Places in the memory that both see. */
export const COUNT = {
  /** Number of the input at hand. */
  input: 0,
  /** 1 while it runs. */
  runs: 1,
  accepted: 2,
  refused: 3,
  /** Set to 1 by the watcher: time is over. */
  stop: 4,
};

/** What a worker is to do. */
export interface FuzzJob {
  readonly target: string;
  readonly seed: number;
  /** Number of the first input. */
  readonly from: number;
  /** Most inputs. */
  readonly most: number;
  /** The one input to run; undefined: all. */
  readonly only?: number | undefined;
  /** Whether the inputs are shown as texts. */
  readonly show: boolean;
  readonly shared: SharedArrayBuffer;
}

/** What a worker says. */
export type WorkerWord =
  | { readonly kind: "text"; readonly text: string }
  | ({ readonly kind: "fault" } & FuzzFault)
  | { readonly kind: "done" };

/** An input that showed a fault. */
export interface FuzzFault {
  readonly input: number;
  /** What the input is, in words. */
  readonly words: string;
  /** What went wrong. */
  readonly fault: string;
}
