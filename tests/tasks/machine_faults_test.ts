/** Tasks on a device that fails: one line, and an exit code that says that it was the machine. */
import { assert, assertEquals } from "@std/assert";
import type { TaskFault } from "./faulty_task.ts";
import { OPTIONS, project, runProgram, writeJson } from "./small_project.ts";
import { test } from "../test_case.ts";

/** Runs a task whose device fails; gives its exit code and its errors. */
async function faulty(fault: TaskFault, words: readonly string[]) {
  await using folder = await project();
  await writeJson(folder, "fault.json", fault);
  const program = "tests/tasks/faulty_task.ts";
  const { code, lines } = await runProgram(program, folder, words);
  return { code, errors: lines.filter((line) => line.startsWith("error: ")) };
}

const SAVING = ["--max_steps=4", "--save_strategy=steps", "--save_steps=1"];

test(
  "train is ended by its watch where the driver does not give its thread back",
  OPTIONS,
  async () => {
    const { code, errors } = await faulty(
      { task: "train", how: "held", at: 30 },
      ["recipe.jsonc", ...SAVING, "--step_timeout=10"],
    );
    assertEquals([code, errors.length], [137, 1], errors.join("\n"));
    const told =
      /^error: Cannot take step \d of 4: the device did not answer within 10\.0 s, and its driver holds the task, which is killed; "(output\/new\/checkpoint-\d)" is its newest checkpoint: go on with --resume_from_checkpoint=\1; /;
    assert(told.test(errors[0]!), errors[0]);
  },
);

for (
  const [task, at, words, told] of [
    [
      "train",
      30,
      ["recipe.jsonc", ...SAVING],
      "was lost (validation error occurred)",
    ],
    [
      "predict",
      2,
      ["--model_name_or_path=model", "--prompt=yes", "--max_new_tokens=4"],
      "Cannot compute on the device: the device was lost (validation error occurred); start the task again",
    ],
  ] as const
) {
  test(
    `${task} exits 75 with a line if its device is lost`,
    OPTIONS,
    async () => {
      const { code, errors } = await faulty(
        { task, how: "refused", at },
        words,
      );
      assertEquals([code, errors.length], [75, 1], errors.join("\n"));
      assert(errors[0]!.includes(told), errors[0]);
    },
  );
}
