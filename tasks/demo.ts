/**
 * `deno task demo`: the embedded tiny model learns courtesy by DPO on the spot; its answers before and after stand
 * side by side, and a rule counts how many are courteous.
 */
// deno-lint-ignore-file no-console
import {
  answerRows,
  type Compared,
  createSpeaker,
  demoSchema,
  manner,
  openDevice,
  openEncoder,
  openSideBySide,
  parseRecipe,
  readOptions,
  readQuestions,
  readRecords,
  runTraining,
  sideBySideLines,
  type Speaker,
  trainSchema,
} from "../mod.ts";
import {
  memoryBudget,
  productTuner,
  taskProgress,
  trainingHooks,
} from "./console.ts";
import { readTaskOptions, runTask } from "./run_task.ts";

const RECIPE = "recipes/tiny-dpo.jsonc";
const PROMPTS = "data/tiny/prompts.jsonl";
const TEMPERATURE = 0.7;

/** The share of answers that the rule calls courteous. */
function courteousShare(answers: readonly string[]): string {
  const count = answers.filter((text) => manner(text) === "courteous").length;
  return `${count} of ${answers.length} (${
    Math.round(100 * count / answers.length)
  } %)`;
}

async function compare(
  speakers: readonly Speaker[],
  count: number,
): Promise<Compared[]> {
  const questions = (await readQuestions(readRecords(PROMPTS))).slice(0, count);
  const progress = taskProgress("answer", "prompts");
  const rows: Compared[] = [];
  progress.start(0, questions.length);
  const answers = answerRows(questions, speakers, {
    sampling: { temperature: TEMPERATURE, top_k: 0, top_p: 1 },
    ...{ maxNewTokens: 48, seed: 0, batchSize: 50 },
  });
  for await (const { prompt, base, tuned } of answers) {
    rows.push({ prompt, base, tuned } as Compared);
    progress(rows.length);
  }
  return rows;
}

await runTask(async () => {
  const { options: { prompts, output_dir } } = await readTaskOptions(
    demoSchema,
    {
      command: "deno task demo",
      summary:
        "Trains the embedded tiny model by DPO and compares its answers before and after.",
    },
  );
  Deno.addSignalListener("SIGINT", () => Deno.exit(130));
  const recipe = parseRecipe(await Deno.readTextFile(RECIPE), RECIPE);
  const changed = { output_dir, overwrite_output_dir: true };
  const { options } = readOptions(trainSchema, [recipe, changed]);
  using device = await openDevice(memoryBudget());
  console.log(
    `training ${options.model_name_or_path} by DPO as ${RECIPE} says, on ${device.description.trim()}`,
  );
  await runTraining(device, options, {
    ...trainingHooks(output_dir),
    tune: productTuner(device),
  });
  const { encoder } = await openEncoder(options);
  const opened = await openSideBySide(device, {
    base: options.model_name_or_path,
    tuned: output_dir,
  });
  const speakers = [opened.base, opened.tuned!].map((model, i) =>
    createSpeaker({
      ...model,
      name: i === 0 ? "base" : "tuned",
      encoder,
      files: model.folder,
    })
  );
  const rows = await compare(speakers, prompts);
  const differing = rows.filter(({ base, tuned }) => base !== tuned);
  console.log("\nthe first prompts on which they differ:\n");
  console.log(sideBySideLines(differing.slice(0, 6)).join("\n"));
  console.log(
    `\ncourteous answers to ${rows.length} held-out prompts, drawn at temperature ${TEMPERATURE}:`,
  );
  console.log(`  base   ${courteousShare(rows.map(({ base }) => base))}`);
  console.log(`  tuned  ${courteousShare(rows.map(({ tuned }) => tuned))}`);
  console.log(
    `\nthe run: ${output_dir}/metrics.jsonl, curves.svg; ask it yourself:`,
  );
  console.log(
    `  deno task predict --model_name_or_path=${options.model_name_or_path} --tuned=${output_dir}`,
  );
});
