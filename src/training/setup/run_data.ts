/**
 * Loads both splits of a run from its options, with an account of every row. Needs no device, so
 * that `inspect` shows what `train` will see. Knows no kind of data.
 */
import { NotFound } from "../../files/disk.ts";
import type { DataSource } from "../../preference/loading/data_source.ts";
import type {
  LoadDataOptions,
  Loaded,
} from "../../preference/loading/load_options.ts";
import type { Encoder } from "../../preference/tokens/tokenize.ts";
import type { TrainOptions } from "../options/options.ts";
import {
  evaluationSources,
  hasOwnEvaluation,
  heldOutOf,
  loadSettings,
  runSources,
} from "./run_sources.ts";

/** An example knows the line it came from. */
export interface Examples {
  readonly line: number;
  /** The lines of all its rows, where it is a bin of several. */
  readonly lines?: readonly number[];
}

/** Examples of both splits. */
export interface RunData<Example> {
  /** What is trained on. */
  readonly train: Loaded<Example>;
  /** What is evaluated on; undefined where `eval_strategy` is no. */
  readonly evaluation: Loaded<Example> | undefined;
}

/** Reads the rows of some sources, for one split of a run. */
export type LoadSplit<Example> = (
  sources: readonly DataSource[],
  options: LoadDataOptions,
  part: "train" | "evaluation",
) => Promise<Loaded<Example>>;

const HOW_TO_EVALUATE =
  "eval_strategy evaluates on it: add that file, name one by --eval_dataset=FILE, " +
  "or leave eval_strategy out (--eval_strategy=no)";

/** Loads both splits of a run. */
export async function loadSplits<Example>(
  options: TrainOptions,
  encoder: Encoder,
  load: LoadSplit<Example>,
): Promise<RunData<Example>> {
  const [trainSplit, evalSplit] = options.dataset_splits;
  const sources = await runSources(options);
  const common = {
    encoder,
    ...loadSettings(options),
    ...heldOutOf(options),
  };
  const { max_train_samples, max_eval_samples } = options;
  const isOwn = hasOwnEvaluation(options);
  const train = await load(sources, {
    ...common,
    split: trainSplit ?? "train",
    maxSamples: max_train_samples ?? undefined,
  }, "train");
  if (options.eval_strategy === "no") return { train, evaluation: undefined };
  const evaluation = await load(
    isOwn ? await evaluationSources(options) : sources,
    {
      ...common,
      split: evalSplit ?? "test",
      fileSplit: isOwn ? undefined : trainSplit,
      mappedOnly: !isOwn,
      maxSamples: max_eval_samples ?? undefined,
    },
    "evaluation",
  ).catch((error) => {
    if (!(error instanceof NotFound)) throw error;
    throw new NotFound(`${error.message}; ${HOW_TO_EVALUATE}`);
  });
  return { train, evaluation };
}
