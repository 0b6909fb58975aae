/**
 * A dry run as lines of text: how much there is to train, how long it takes, and what is held.
 * Prints nothing.
 */
import { formatBytes, formatDuration } from "../base/units.ts";
import type { DryRun } from "../training/run/dry_run.ts";

const whole = (value: number) => Math.round(value).toLocaleString("en");

/** The lines. */
export function dryRunLines(run: DryRun): string[] {
  return [...workLines(run), ...memoryLines(run)];
}

function workLines(run: DryRun): string[] {
  const { examples, evaluationExamples, referenceSeconds } = run;
  const evaluation = evaluationExamples > 0
    ? `, ${whole(evaluationExamples)} for evaluation`
    : "";
  const steps = `${whole(run.totalSteps)} steps, ${
    whole(run.stepsPerEpoch)
  } an epoch, of ${whole(run.tokensPerStep)} tokens`;
  const time = formatDuration(run.trainingSeconds + referenceSeconds);
  return [
    `${whole(examples)} examples${evaluation}; ${steps}`,
    `about ${time}, of which the reference takes ${
      formatDuration(referenceSeconds)
    }: an estimate from one short pass, without evaluations`,
  ];
}

function memoryLines({ bytes: plan, budgetBytes }: DryRun): string[] {
  const { groups, total, gradientCheckpointing } = plan;
  const budget = Number.isFinite(budgetBytes)
    ? ` of ${formatBytes(budgetBytes)} that it may take`
    : "";
  const activations = gradientCheckpointing ? "computed again" : "kept";
  return [
    `device memory, ${
      formatBytes(total)
    }${budget}; activations are ${activations}:`,
    ...groups.filter(({ bytes }) => bytes > 0).map(({ name, bytes }) =>
      `  ${name.padEnd(46)}${formatBytes(bytes).padStart(8)}`
    ),
  ];
}
