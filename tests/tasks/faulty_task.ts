/**
 * A task on a machine that fails: `fault.json` in its folder says which task, and at which answer
 * of the device the fault comes.
 */
import {
  type AnswerFault,
  failAnswer,
} from "../kernels/device/failing_answer.ts";

/** What `fault.json` holds. */
export interface TaskFault {
  /** The file of the task in tasks/, without its ending. */
  readonly task: string;
  readonly how: AnswerFault;
  /** The number of the answer, from 1. */
  readonly at: number;
}

if (import.meta.main) {
  const { task, how, at }: TaskFault = JSON.parse(
    await Deno.readTextFile("fault.json"),
  );
  failAnswer(how, at);
  await import(new URL(`../../tasks/${task}.ts`, import.meta.url).href);
}
