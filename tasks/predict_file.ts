/** A file of prompts to a file of answers. Each batch is on the disk before the next is asked. */
import {
  answerRows,
  type AnswerRowsOptions,
  formatJsonLine,
  type OutputFile,
  type Question,
  type Speaker,
} from "../mod.ts";
import { taskProgress } from "./console.ts";

/** Answers all questions. */
export async function answerFile(
  questions: readonly Question[],
  speakers: readonly Speaker[],
  { file, ...options }: AnswerRowsOptions & { readonly file: OutputFile },
): Promise<void> {
  const progress = taskProgress("predict", "prompts");
  let done = 0;
  progress.start(0, questions.length);
  for await (const row of answerRows(questions, speakers, options)) {
    await file.append(formatJsonLine(row));
    progress(++done);
  }
}
