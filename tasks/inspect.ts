/**
 * `deno task inspect RECIPE`: what `train` would train, before any GPU work: rows read, kept, dropped and why,
 * lengths, and some examples with the trained span in colour.
 */
// deno-lint-ignore-file no-console
import {
  demonstrationLines,
  feedbackLines,
  type InspectOptions,
  inspectSchema,
  type InspectTaskOptions,
  loadRunDemonstrations,
  loadRunFeedback,
  loadRunPairs,
  openEncoder,
  packRunData,
  pairLines,
  reportLines,
  type RunData,
} from "../mod.ts";
import { readTaskOptions, runTask } from "./run_task.ts";

const color = Deno.stdout.isTerminal() && !Deno.noColor;

function show<Example>(
  { train, evaluation }: RunData<Example>,
  examples: number,
  linesOf: (example: Example) => string[],
) {
  console.log("training:");
  console.log(reportLines(train.report, { color }).join("\n"));
  if (evaluation !== undefined) {
    console.log("\nevaluation:");
    console.log(reportLines(evaluation.report, { color }).join("\n"));
  }
  for (const example of train.examples.slice(0, examples)) {
    console.log(`\n${linesOf(example).join("\n")}`);
  }
}

async function inspect(options: InspectTaskOptions) {
  const { encoder } = await openEncoder(options);
  const shown: InspectOptions = { tokenizer: encoder.tokenizer, color };
  if (options.trainer === "sft") {
    const rows = await loadRunDemonstrations(options, encoder);
    const bins = packRunData(rows, options);
    const data = {
      train: { ...rows.train, report: bins.train.report },
      evaluation: rows.evaluation && bins.evaluation &&
        { ...rows.evaluation, report: bins.evaluation.report },
    };
    show(data, options.examples, (one) => demonstrationLines(one, shown));
  } else if (options.trainer === "kto") {
    const data = await loadRunFeedback(options, encoder);
    show(data, options.examples, (one) => feedbackLines(one, shown));
  } else {
    const data = await loadRunPairs(options, encoder);
    show(data, options.examples, (one) => pairLines(one, shown));
  }
}

await runTask(async () => {
  const { options } = await readTaskOptions(inspectSchema, {
    command: "deno task inspect",
    summary:
      "Shows what a recipe would train: rows kept and dropped, lengths, examples. Touches no GPU.",
  });
  await inspect(options);
});
