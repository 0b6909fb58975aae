/** What a load tells of rows that it keeps: decisions that may not be what their owner means. */
import { hasNoPrompt } from "../formats/check.ts";
import type { AskedRow, Preference } from "../formats/preference.ts";
import type { SourceRow } from "./dataset_rows.ts";
import type { LoadDataOptions } from "./load_options.ts";

/** A text that a chat template has rendered already. */
const RENDERED = /<\|\w+\|>|\[INST\]|<(start_of_turn|bos|s)>|<｜/;

/** Says that plain text is trained as it is by a model that is asked by a chat template. */
function plainTextNotes(
  { prompt, tools, variables }: AskedRow,
  { value, source }: SourceRow,
  { encoder, columns }: LoadDataOptions,
): string[] {
  const isPlain = typeof prompt === "string" && prompt !== "" &&
    encoder.template !== undefined && encoder.system === undefined &&
    !RENDERED.test(prompt);
  if (!isPlain) return [];
  const column = source.columns?.["prompt"] ?? columns?.["prompt"] ?? "prompt";
  const advice = column in value
    ? `--columns=instruction=${column} makes turns of it`
    : "a column of prompts apart from the answers can be made turns";
  const lost = tools !== undefined || variables !== undefined;
  return [
    `plain text, trained without the chat template as in TRL; ${advice}`,
    ...lost ? ["tools and chat_template_kwargs of plain text have no use"] : [],
  ];
}

/** Says that the data's own numbers prefer the other answer. */
function numberNotes(
  { scores, margin }: Pick<Preference, "scores" | "margin">,
): string[] {
  const notes: string[] = [];
  if (scores !== undefined && scores.chosen < scores.rejected) {
    notes.push("the chosen answer has the lower score in the data");
  }
  if (scores !== undefined && scores.chosen === scores.rejected) {
    notes.push("both answers have the same score in the data");
  }
  if (margin !== undefined && margin < 0) notes.push("a negative margin");
  return notes;
}

/** What is told of an example that is kept. */
export function notesOf(
  example: AskedRow & Pick<Preference, "scores" | "margin">,
  row: SourceRow,
  options: LoadDataOptions,
): string[] {
  const isWithoutPrompt = options.allowEmptyPrompt === true &&
    hasNoPrompt(example);
  return [
    ...example.note === undefined ? [] : [example.note],
    ...isWithoutPrompt ? ["no_common_prompt, trained without a prompt"] : [],
    ...plainTextNotes(example, row, options),
    ...numberNotes(example),
  ];
}
