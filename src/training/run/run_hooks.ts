/** What a run takes beside its options: sinks, progress, the signal that stops it. Plain types. */
import type { Sink } from "./sink.ts";

/**
 * The long parts of a run: bytes of weights are loaded, pairs go through the reference, steps are
 * trained.
 */
export type RunStage = "load" | "reference" | "train";

/** All are optional. */
export interface RunHooks {
  /** They record what happens, after metrics.jsonl has. */
  readonly sinks?: readonly Sink[] | undefined;
  /** Called as a part of the run goes on; a step counts once it is on its way to the device. */
  readonly onProgress?:
    | ((stage: RunStage, done: number, total: number) => void)
    | undefined;
  /**
   * Ends the run after the step at hand, with a checkpoint. While the reference is computed, it
   * ends the run with an error.
   */
  readonly signal?: AbortSignal | undefined;
  /**
   * A fault of the machine ended this run before, and it goes on: from that checkpoint of its own,
   * or anew over what it has written; whatever its options say of the files of an earlier run.
   */
  readonly restart?: { readonly checkpoint: string | undefined } | undefined;
  /** Where the reference's log-probabilities are kept between runs; default: nowhere. */
  readonly cacheFolder?: string | undefined;
  /** Called before weights are loaded: the operations of the products that are to follow, about. */
  readonly tune?: ((operations: number) => Promise<void>) | undefined;
}
