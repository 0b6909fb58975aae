/**
 * `deno task train RECIPE`: trains a model on preference pairs (or demonstrations) as the recipe says.
 */
// deno-lint-ignore-file no-console
import {
  Device,
  drawCurves,
  formatBytes,
  type LoadReport,
  type Metrics,
  type RunHooks,
  runTraining,
  trainSchema,
} from "../mod.ts";
import { memoryBudget, taskProgress } from "./console.ts";
import { readTaskOptions, runTask } from "./run_task.ts";

const SHOWN = [
  "loss",
  "grad_norm",
  "learning_rate",
  "rewards/margins",
  "rewards/accuracies",
];

/** `step 20  epoch 0.5  loss 0.412  rewards/margins 0.31`. */
function rowLine(row: Metrics): string {
  const isEvaluation = "eval_loss" in row;
  const names = SHOWN.map((name) => isEvaluation ? `eval_${name}` : name);
  const shown = names.flatMap((name) =>
    row[name] === undefined
      ? []
      : [`${name} ${Number(row[name].toPrecision(4))}`]
  );
  return [`step ${row["step"]}`, `epoch ${row["epoch"]?.toFixed(2)}`, ...shown]
    .join("  ");
}

function dataLine(
  name: string,
  { kept, rows }: Pick<LoadReport, "kept" | "rows">,
): string {
  return `${name}: ${kept} of ${rows} rows kept`;
}

function hooksOf(signal: AbortSignal): RunHooks {
  const loading = taskProgress("load", "bytes");
  const reference = taskProgress("reference", "pairs");
  const training = taskProgress("train", "steps");
  return {
    signal,
    draw: drawCurves,
    cacheFolder: ".cache/reference",
    onData(train, evaluation) {
      console.log(dataLine("training", train));
      if (evaluation) console.log(dataLine("evaluation", evaluation));
    },
    onLoad: loading,
    onReference: reference,
    onStart({ trainableParameters, totalSteps, doneSteps, startingLoss }) {
      console.log(
        `${
          trainableParameters.toLocaleString("en")
        } trainable parameters, ${totalSteps} steps`,
      );
      if (startingLoss !== undefined) {
        console.log(`loss before the first step: ${startingLoss.toFixed(6)}`);
      }
      training.start(doneSteps, totalSteps);
    },
    onStep: (step) => training(step),
    onRow: (row) => training.say(rowLine(row)),
    onCheckpoint: (path) => training.say(`saved ${path}`),
  };
}

await runTask(async () => {
  const { options } = await readTaskOptions(trainSchema, {
    command: "deno task train",
    summary:
      "Trains on preference pairs or demonstrations: adapters or all weights.",
  });
  const stop = new AbortController();
  Deno.addSignalListener("SIGINT", () => {
    console.error("\ninterrupted: saving after this step");
    stop.abort();
  });
  using device = await Device.open(memoryBudget());
  const result = await runTraining(device, options, hooksOf(stop.signal));
  const { output_dir } = options;
  console.log(`peak device memory ${formatBytes(result.peakBytes)}`);
  if (result.interrupted) {
    console.log(
      `interrupted after step ${result.step} of ${result.totalSteps}; go on with --resume_from_checkpoint`,
    );
    return 130;
  }
  console.log(`done: ${output_dir}`);
  return 0;
});
