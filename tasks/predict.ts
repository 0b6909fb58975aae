/**
 * `deno task predict`: base and tuned model answer the same questions: one prompt, a file of them,
 * or a conversation on the terminal.
 */
// deno-lint-ignore-file no-console
import { converse, predict, predictCommand } from "../src/commands/predict.ts";
import { sayTuned, showStages } from "./console.ts";
import { endAtOnce } from "./interrupt.ts";
import { askAll, chat } from "./predict_chat.ts";
import { readTaskOptions, runTask } from "./run_task.ts";

await runTask(async () => {
  const { options } = await readTaskOptions(predictCommand);
  await endAtOnce();
  const hooks = {
    onTuned: sayTuned,
    onTold: (line: string) => console.error(`warning: ${line}`),
    onProgress: showStages({ load: "bytes", predict: "prompts" }),
  };
  if (options.output !== null) return await predict(options, hooks);
  using talk = await converse(options, hooks);
  if (options.prompt !== null) return await askAll(talk, options.prompt);
  await chat(talk, options.seed);
});
