/** The command `completion`: what a shell needs to complete `tiebreak`. Prints nothing. */
import {
  type CompletedTask,
  completionScript,
  SHELLS,
} from "../base/completion.ts";
import { choice } from "../base/option.ts";
import { defineSchema, type Infer } from "../base/schema.ts";
import { allCommand } from "./all.ts";
import { cacheCommand } from "./cache.ts";
import { defineCommand } from "./command.ts";
import { demoCommand } from "./demo.ts";
import { downloadCommand } from "./download.ts";
import { exportGgufCommand } from "./export_gguf.ts";
import { importRecipeCommand } from "./import_recipe.ts";
import { inspectCommand } from "./inspect.ts";
import { kernelsCommand } from "./kernels.ts";
import { mergeCommand } from "./merge.ts";
import { predictCommand } from "./predict.ts";
import { randomModelCommand } from "./random_model.ts";
import { scoreCommand } from "./score.ts";
import { trainCommand } from "./train.ts";
import { uploadCommand } from "./upload.ts";
import { verifyCommand } from "./verify.ts";

/**
 * `deno task completion`
 *
 * @internal
 */
export const completionCommand = defineCommand({
  name: "completion",
  summary: "Prints what a shell needs to complete the command tiebreak.",
  schema: defineSchema({
    "Completion": {
      shell: choice("The shell", undefined, SHELLS),
    },
  }),
});

/** The tasks that are completed, in the order in which people meet them. */
const TASKS: readonly CompletedTask[] = [
  allCommand,
  downloadCommand,
  uploadCommand,
  inspectCommand,
  trainCommand,
  predictCommand,
  scoreCommand,
  mergeCommand,
  exportGgufCommand,
  importRecipeCommand,
  demoCommand,
  randomModelCommand,
  kernelsCommand,
  verifyCommand,
  cacheCommand,
  completionCommand,
];

/** The script for a shell. */
export function completion(
  { shell }: Infer<typeof completionCommand.schema>,
): string {
  return completionScript(shell, "tiebreak", TASKS);
}
