/**
 * A sink records what happens in a run. metrics.jsonl, the curves, the model card and the console
 * are four sinks; another way to watch a run is a file with one more. Knows no file and no device.
 */
import type { LoadReport } from "../../preference/loading/load_report.ts";
import type { SkippedStep } from "../loop/step_guard.ts";
import type { Wreck, WreckedRun } from "../loop/wreck.ts";
import type { Metrics } from "../method/metrics.ts";
import type { BytePlan } from "../plan/byte_plan.ts";
import type { Change } from "./resume_changes.ts";
import type { RunRecord } from "./run_record.ts";

/**
 * A run calls `loaded`, then `open`, then `row`, `wrecked`, `skipped` and `saved` as they come,
 * then `end`, and waits for each call. A run that fails does not call `end`.
 */
export interface Sink {
  /**
   * Names of the files that it keeps in the run's folder. Where one is there before the run, the
   * folder is another run's: it is refused, or emptied with `overwrite_output_dir`.
   */
  readonly files?: readonly string[];
  /** The data is read; nothing is on the device and nothing is written yet. */
  readonly loaded?: (
    train: LoadReport,
    evaluation: LoadReport | undefined,
  ) => void | Promise<void>;
  /**
   * All is ready, and the first step comes next. A resumed run takes the steps after `doneSteps`
   * again, so a sink removes what an earlier part of the run wrote of them; `rows` holds the rows
   * that stay.
   */
  readonly open?: (run: RunStart) => void | Promise<void>;
  /** A row of metrics, of training or of an evaluation. */
  readonly row?: (row: Metrics) => void | Promise<void>;
  /** A row says that the run has gone wrong; the first such row alone, after `row` had it. */
  readonly wrecked?: (wreck: Wreck) => void | Promise<void>;
  /** A step changed nothing, since its loss or gradient was not finite. */
  readonly skipped?: (step: SkippedStep) => void;
  /** A checkpoint is whole: its folder. The steps after it are on their way meanwhile. */
  readonly saved?: (path: string) => void | Promise<void>;
  /** The run has ended, and its weights are saved unless it was interrupted. */
  readonly end?: (end: RunEnd) => void | Promise<void>;
}

/** What a run is about to do. */
export interface RunStart {
  /** Its folder. */
  readonly folder: string;
  /** How many numbers will be trained. */
  readonly trainableParameters: number;
  /** Optimizer steps of the whole run. */
  readonly totalSteps: number;
  /** Steps that earlier parts of the run have done; 0 unless it is resumed. */
  readonly doneSteps: number;
  /** The rows of metrics of these steps. */
  readonly rows: readonly Metrics[];
  /** What a resumed run has other than before. */
  readonly changes: readonly Change[];
  /** Loss before the first step, in nats; undefined where there is no reference. */
  readonly startingLoss: number | undefined;
  /** What it will hold on the device. */
  readonly plan: BytePlan;
}

/** How a run ended. */
export interface RunResult {
  /** Optimizer steps done. */
  readonly step: number;
  /** Optimizer steps of the whole run. */
  readonly totalSteps: number;
  /** Whether the signal ended it; a checkpoint was saved then, the final weights were not. */
  readonly interrupted: boolean;
  /** Steps in a row at its end that were skipped, since their numbers were not finite. */
  readonly skippedAtEnd: number;
  /** Whether it ended early, since no evaluation was better any more. */
  readonly stoppedEarly: boolean;
  /** The step whose weights it left: the last, or the best with `load_best_model_at_end`. */
  readonly weightsOf: number;
  /** All rows of metrics.jsonl. */
  readonly rows: readonly Metrics[];
  /** Where the rows say that the run went wrong; undefined if they do not. */
  readonly wreck: WreckedRun | undefined;
  /** Most bytes that the device held. */
  readonly peakBytes: number;
}

/** What a sink gets at the end of a run. */
export interface RunEnd extends RunResult {
  /**
   * Describes the run for those who meet its weights later; hashes its files, which takes a while.
   */
  readonly describe: () => Promise<RunRecord>;
}

/** Many sinks as one: each call goes to all of them, in their order. */
export function allSinks(sinks: readonly Sink[]): Required<Sink> {
  return {
    files: sinks.flatMap(({ files = [] }) => files),
    async loaded(train, evaluation) {
      for (const sink of sinks) await sink.loaded?.(train, evaluation);
    },
    async open(run) {
      for (const sink of sinks) await sink.open?.(run);
    },
    async row(row) {
      for (const sink of sinks) await sink.row?.(row);
    },
    async wrecked(wreck) {
      for (const sink of sinks) await sink.wrecked?.(wreck);
    },
    skipped(step) {
      for (const sink of sinks) sink.skipped?.(step);
    },
    async saved(path) {
      for (const sink of sinks) await sink.saved?.(path);
    },
    async end(end) {
      for (const sink of sinks) await sink.end?.(end);
    },
  };
}
