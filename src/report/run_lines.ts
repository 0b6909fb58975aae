/** What a run tells as it goes on, each as one line of text. Prints nothing. */
import { accountLines } from "../preference/loading/inspect.ts";
import type { LoadReport } from "../preference/loading/load_report.ts";
import type { Metrics } from "../training/method/metrics.ts";
import type { RunResult, RunStart } from "../training/run/sink.ts";
import { changeText } from "../training/run/resume_changes.ts";
import type { Wreck } from "../training/loop/wreck.ts";

export { skippedLine } from "../training/loop/step_guard.ts";

/** The numbers of a row that are shown. */
const SHOWN = [
  "loss",
  "grad_norm",
  "learning_rate",
  "rewards/margins",
  "rewards/accuracies",
];

/**
 * `step 20  epoch 0.5  loss 0.412  rewards/margins 0.31`; what does not fit into the columns of a
 * terminal is left to metrics.jsonl.
 */
export function rowLine(row: Metrics, columns = Infinity): string {
  const isEvaluation = "eval_loss" in row;
  const names = SHOWN.map((name) => isEvaluation ? `eval_${name}` : name);
  const shown = names.flatMap((name) =>
    row[name] === undefined
      ? []
      : [`${name} ${Number(row[name].toPrecision(4))}`]
  );
  const parts = [
    `step ${row["step"]}`,
    `epoch ${row["epoch"]?.toFixed(2)}`,
    ...shown,
  ];
  while (parts.length > 1 && parts.join("  ").length > columns) parts.pop();
  return parts.join("  ");
}

/** `training: 950 of 1000 rows kept`, and what was left out, decided or not read. */
export function dataLines(
  name: "training" | "evaluation",
  report: LoadReport,
): string[] {
  const { kept, rows } = report;
  const examples = kept > rows ? " examples" : ""; // a row may hold several
  return [
    `${name}: ${kept}${examples} of ${rows} rows kept`,
    ...accountLines(report),
  ];
}

/**
 * What a run is about to do: how much it trains, and its loss before the first step if there is
 * one.
 */
export function startLines(
  { trainableParameters, totalSteps, startingLoss, changes }: RunStart,
): string[] {
  const count = trainableParameters.toLocaleString("en");
  return [
    ...changes.map((change) => `resumed with a change: ${changeText(change)}`),
    `${count} trainable parameters, ${totalSteps} steps`,
    ...startingLoss === undefined
      ? []
      : [`loss before the first step: ${startingLoss.toFixed(6)}`],
  ];
}

const ADVICE = "lower learning_rate, or look at the data";

/** What is wrong with a run, at the row that shows it. */
export function wreckLine({ step, signs }: Wreck): string {
  return `wrecked at step ${step}: ${signs.join(", ")}; ${ADVICE}`;
}

/** How a run ended. */
export function endLines(result: RunResult, folder: string): string[] {
  const { interrupted, stoppedEarly, step, totalSteps, weightsOf, wreck } =
    result;
  const { skippedAtEnd } = result;
  const skipped = skippedAtEnd === 0 ? [] : [
    `the last ${skippedAtEnd} steps were skipped; ${ADVICE}`,
  ];
  const wrecked = wreck === undefined ? [] : [
    wreck.last === undefined
      ? `${wreckLine(wreck.first)}; its last rows are sound again`
      : wreckLine(wreck.last),
  ];
  if (interrupted) {
    return [
      ...wrecked,
      `interrupted after step ${step} of ${totalSteps}; go on with --resume_from_checkpoint`,
    ];
  }
  const early = `stopped early after step ${step} of ${totalSteps}`;
  const best = `the weights are those of step ${weightsOf}, the best`;
  return [
    ...stoppedEarly ? [early] : [],
    ...weightsOf === step ? [] : [best],
    ...wrecked,
    ...skipped,
    wreck?.last === undefined ? `done: ${folder}` : `ended wrecked: ${folder}`,
  ];
}
