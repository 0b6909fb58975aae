/** What a run tells its caller, and what it is told: plain types. */
import type { LoadReport } from "../preference/load_report.ts";
import type { Metrics } from "./metrics.ts";
import type { DrawCurves } from "./run_folder.ts";

/** Told as the run goes on; all optional. */
export interface RunHooks {
  readonly onData?: (
    train: LoadReport,
    evaluation: LoadReport | undefined,
  ) => void;
  readonly onLoad?: (done: number, total: number) => void;
  readonly onReference?: (done: number, total: number) => void;
  readonly onStart?: (run: RunStart) => void;
  readonly onStep?: (step: number, tokens: number) => void;
  readonly onRow?: (row: Metrics) => void;
  readonly onCheckpoint?: (path: string) => void;
  /** Draws curves.svg; default: none is written. */
  readonly draw?: DrawCurves;
  /** Saves after the step at hand and ends the run. */
  readonly signal?: AbortSignal;
  /** Where the reference's log-probabilities are kept between runs; default: nowhere. */
  readonly cacheFolder?: string;
}

/** What a run is about to do. */
export interface RunStart {
  readonly trainableParameters: number;
  readonly totalSteps: number;
  /** Steps done by the run that this one goes on from. */
  readonly doneSteps: number;
  /** Loss before the first step, in nats; undefined where there is no reference. */
  readonly startingLoss: number | undefined;
}

/** How a run ended. */
export interface RunResult {
  readonly step: number;
  readonly totalSteps: number;
  readonly interrupted: boolean;
  readonly rows: readonly Metrics[];
  readonly peakBytes: number;
}
