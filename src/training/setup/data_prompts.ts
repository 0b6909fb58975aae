/**
 * The first prompts of a run's data, for its models to answer: of the rows that are evaluated on
 * where there are such, else of the training rows. Needs no tokenizer.
 */
import { readRecords } from "../../files/records/records.ts";
import type {
  AskedRow,
  TurnsOrText,
} from "../../preference/formats/preference.ts";
import {
  readChecked,
  type RowSettings,
} from "../../preference/loading/checked_rows.ts";
import {
  sourceFiles,
  type SourceRow,
} from "../../preference/loading/dataset_rows.ts";
import {
  demonstrations,
  FEEDBACK,
  PREFERENCES,
} from "../../preference/loading/example_kinds.ts";
import type { TrainingData } from "../method/method.ts";
import { methodOf } from "../method/methods.ts";
import type { TrainOptions } from "../options/options.ts";
import { evaluationSources, loadSettings, runSources } from "./run_sources.ts";

/** The examples of a row, by the kind of data that a method trains on. */
const EXAMPLES: Readonly<
  Record<
    TrainingData,
    (row: SourceRow, settings: RowSettings) => readonly AskedRow[]
  >
> = {
  pairs: (row, settings) => readChecked(row, PREFERENCES, settings).examples,
  answers: (row, settings) => readChecked(row, FEEDBACK, settings).examples,
  demonstrations: (row, settings) =>
    readChecked(row, demonstrations({}), settings).examples,
};

/** A line of a file of prompts, as `predict` reads it. */
export type PromptLine = { readonly prompt: string } | {
  readonly messages: Exclude<TurnsOrText, string>;
  readonly tools?: readonly unknown[];
  readonly chat_template_kwargs?: Readonly<Record<string, unknown>>;
};

/**
 * The first prompts, each once. Rows that cannot be read or have no prompt that can be asked are
 * passed over: to tell of them is the business of the load.
 *
 * @param count how many at most
 */
export async function dataPrompts(
  options: TrainOptions,
  count: number,
): Promise<PromptLine[]> {
  const lines = new Map<string, PromptLine>();
  const settings = loadSettings(options);
  for await (const row of heldOutOrTrained(options)) {
    if (lines.size >= count) break;
    try {
      const examples = EXAMPLES[methodOf(options).data](row, settings);
      const line = examples[0] && promptLine(examples[0]);
      if (line) lines.set(JSON.stringify(line), line);
    } catch (error) {
      if (error instanceof TypeError || error instanceof RangeError) continue;
      throw error;
    }
  }
  return [...lines.values()];
}

function promptLine(
  { prompt, tools, variables }: AskedRow,
): PromptLine | undefined {
  if (prompt.length === 0) return undefined;
  if (typeof prompt === "string") return { prompt };
  if (prompt.at(-1)?.role === "assistant") return undefined;
  return {
    messages: prompt,
    ...tools === undefined ? {} : { tools },
    ...variables === undefined ? {} : { chat_template_kwargs: variables },
  };
}

/** The rows of the evaluation split in the order of their files, or those of the training split. */
async function* heldOutOrTrained(
  options: TrainOptions,
): AsyncGenerator<SourceRow> {
  const { dataset_splits: [train = "train", test = "test"] } = options;
  const isEvaluated = options.eval_strategy !== "no";
  const sources = isEvaluated
    ? await evaluationSources(options)
    : await runSources(options);
  const files = await sourceFiles(sources, isEvaluated ? test : train);
  for (const { path, source } of files) {
    for await (
      const record of readRecords(path, undefined, { lenient: true })
    ) {
      yield { ...record, path, source };
    }
  }
}
