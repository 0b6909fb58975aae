/**
 * What a run is told beside its options: who takes down what happens, and when to stop. Plain
 * types.
 */
import type { Sink } from "./sink.ts";

/**
 * The long parts of a run: bytes of weights are loaded, pairs go through the reference, steps are
 * trained.
 */
export type RunStage = "load" | "reference" | "train";

/** All are optional. */
export interface RunHooks {
  /** Told of all that happens, after metrics.jsonl. */
  readonly sinks?: readonly Sink[] | undefined;
  /** How far a part of the run is; a step counts as soon as it is on its way to the device. */
  readonly onProgress?:
    | ((stage: RunStage, done: number, total: number) => void)
    | undefined;
  /**
   * Ends the run after the step at hand, with a checkpoint; the reference's pass it ends with an
   * error.
   */
  readonly signal?: AbortSignal | undefined;
  /** Where the reference's log-probabilities are kept between runs; default: nowhere. */
  readonly cacheFolder?: string | undefined;
  /** Called before weights are loaded: the operations of the products that are to follow, about. */
  readonly tune?: ((operations: number) => Promise<void>) | undefined;
}
