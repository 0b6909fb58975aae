/** What a run tells its caller, and what it is told: plain types. */
import type { LoadReport } from "../../preference/loading/load_report.ts";
import type { BytePlan } from "../plan/byte_plan.ts";
import type { Metrics } from "../method/metrics.ts";
import type { DrawCurves } from "./run_folder.ts";
import type { DescribeRun } from "./run_record.ts";
import type { ReferenceHooks } from "../reference/reference.ts";
import type { SkippedStep } from "../loop/step_guard.ts";

/** Told as the run goes on; all optional. */
export interface RunHooks extends ReferenceHooks {
  /** The data is read: the account of both splits' rows. */
  readonly onData?: (
    train: LoadReport,
    evaluation: LoadReport | undefined,
  ) => void;
  /** What the run will hold on the device, before it holds anything. */
  readonly onPlan?: (plan: BytePlan) => void;
  /** Called before weights are loaded: the operations of the products that are to follow, about. */
  readonly tune?: (operations: number) => Promise<void>;
  /** All is ready, the first step comes next. */
  readonly onStart?: (run: RunStart) => void;
  /** A step is done: its number, and how many tokens attention saw in it. */
  readonly onStep?: (step: number, tokens: number) => void;
  /** A step changed nothing, since its loss or gradient was not finite. */
  readonly onSkip?: (step: SkippedStep) => void;
  /** A row has been added to metrics.jsonl. */
  readonly onRow?: (row: Metrics) => void;
  /** A checkpoint is whole: its folder. */
  readonly onCheckpoint?: (path: string) => void;
  /** Draws curves.svg; default: none is written. */
  readonly draw?: DrawCurves;
  /** Makes README.md, beside the final weights; default: none is written. */
  readonly describe?: DescribeRun;
}

/** What a run is about to do. */
export interface RunStart {
  /** How many numbers will be trained. */
  readonly trainableParameters: number;
  /** Optimizer steps of the whole run. */
  readonly totalSteps: number;
  /** Steps done by the run that this one goes on from. */
  readonly doneSteps: number;
  /** Loss before the first step, in nats; undefined where there is no reference. */
  readonly startingLoss: number | undefined;
}

/** How a run ended. */
export interface RunResult {
  /** Optimizer steps done. */
  readonly step: number;
  /** Optimizer steps of the whole run. */
  readonly totalSteps: number;
  /** Whether the signal ended it; a checkpoint was saved then, the final weights were not. */
  readonly interrupted: boolean;
  /** Whether it ended early, since no evaluation was better any more. */
  readonly stoppedEarly: boolean;
  /** The step whose weights it left: the last, or the best with `load_best_model_at_end`. */
  readonly weightsOf: number;
  /** All rows of metrics.jsonl. */
  readonly rows: readonly Metrics[];
  /** Most bytes that the device held. */
  readonly peakBytes: number;
}
