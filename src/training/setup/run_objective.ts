/**
 * The data of a run by the method that its options name: the examples with what is minimised over
 * them, for training, and the same data as text, for `inspect`. Whatever stops one stops the other.
 */
import { reportLines } from "../../preference/loading/inspect.ts";
import type { Encoder } from "../../preference/tokens/tokenize.ts";
import type { Method, TrainingData } from "../method/method.ts";
import { methodOf } from "../method/methods.ts";
import type { Objective } from "../method/objective.ts";
import type { TrainOptions } from "../options/options.ts";
import { type DataReader, dataReaders } from "./data_readers.ts";
import type { Examples, RunData } from "./run_data.ts";

/** Does something with examples of any kind. */
export type UseData<T> = <Example extends Examples>(
  data: RunData<Example>,
  objective: Objective<Example>,
) => Promise<T>;

/** Loads a run's examples and hands them on with their objective. */
export async function withRunData<T>(
  options: TrainOptions,
  encoder: Encoder,
  use: UseData<T>,
): Promise<T> {
  const run = await readRun(methodOf(options), options, encoder);
  return await run.hand(use);
}

/** How the data of a run is shown. */
export interface RunDataView {
  /** Rows of the training split that are shown in full. */
  readonly examples: number;
  /** Terminal colours. Default false. */
  readonly color?: boolean;
}

/**
 * A run's data as lines of text: the account of both splits, then some rows of the training split.
 *
 * @throws {Error} in one line, wherever `train` would stop for want of usable data
 */
export async function runDataLines(
  options: TrainOptions,
  encoder: Encoder,
  view: RunDataView,
): Promise<string[]> {
  const run = await readRun(methodOf(options), options, encoder);
  return run.lines(encoder, view);
}

/** A run's data, read. */
interface ReadData {
  readonly hand: <T>(use: UseData<T>) => Promise<T>;
  readonly lines: (encoder: Encoder, view: RunDataView) => string[];
}

/** Reads the data of a method; `Data` ties its examples to its objective. */
async function readRun<Data extends TrainingData>(
  method: Method<Data>,
  options: TrainOptions,
  encoder: Encoder,
): Promise<ReadData> {
  const reader: DataReader<Data> = dataReaders[method.data];
  const objective = method.objective(options);
  const rows = await reader.load(options, encoder);
  const data = reader.examples(rows, options, objective);
  return {
    hand: (use) => use(data, objective),
    lines({ tokenizer }, { examples, color = false }) {
      const shown = rows.train.examples.slice(0, examples);
      const evaluation = data.evaluation === undefined ? [] : [
        "",
        "evaluation:",
        ...reportLines(data.evaluation.report, { color }),
      ];
      return [
        "training:",
        ...reportLines(data.train.report, { color }),
        ...evaluation,
        ...shown.flatMap((row) => [
          "",
          ...reader.lines(row, { tokenizer, color }),
        ]),
      ];
    },
  };
}
