/**
 * `deno task demo`: the embedded tiny model learns courtesy by DPO on the spot; its answers before
 * and after stand side by side, and a rule counts how many are courteous.
 */
// deno-lint-ignore-file no-console
import { demo, demoCommand, type DemoResult } from "../src/commands/demo.ts";
import { sideBySideLines } from "../src/report/side_by_side.ts";
import { showTraining, taskProgress } from "./console.ts";
import { endAtOnce } from "./interrupt.ts";
import { asStarted, readTaskOptions, runTask } from "./run_task.ts";

/** What the demo shows, as lines. */
function resultLines(
  { temperature, rows, courteous }: DemoResult,
  folder: string,
): string[] {
  const share = (count: number) =>
    `${count} of ${rows.length} (${Math.round(100 * count / rows.length)} %)`;
  const differing = rows.filter(({ base, tuned }) => base !== tuned);
  return [
    "\nthe first prompts on which they differ:\n",
    ...sideBySideLines(differing.slice(0, 6)),
    `\ncourteous answers to ${rows.length} held-out prompts, drawn at temperature ${temperature}:`,
    `  base   ${share(courteous.base)}`,
    `  tuned  ${share(courteous.tuned)}`,
    `\nthe run: ${folder}/metrics.jsonl, curves.svg; ask it yourself:`,
    asStarted(`  deno task predict ${folder}`),
  ];
}

await runTask(async () => {
  const { options } = await readTaskOptions(demoCommand);
  await endAtOnce();
  const training = showTraining();
  const answering = taskProgress("answer", "prompts");
  const result = await demo(options, {
    ...training,
    onBegin: ({ model, recipe, device }) =>
      console.log(`training ${model} by DPO as ${recipe} says, on ${device}`),
    onProgress(stage, done, total) {
      if (stage === "answer") answering(done, total);
      else training.onProgress(stage, done, total);
    },
  });
  console.log(resultLines(result, options.output_dir).join("\n"));
});
