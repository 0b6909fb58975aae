/**
 * How each kind of training data is read: one table. A row says how rows are loaded, what examples
 * are made of them, what makes them unfit for a run, and how one row is shown. Needs no device.
 */
import {
  demonstrationLines,
  feedbackLines,
  type InspectOptions,
  pairLines,
} from "../../preference/loading/inspect.ts";
import {
  loadDemonstrations,
  loadFeedback,
  loadPairs,
} from "../../preference/loading/load.ts";
import type { Loaded } from "../../preference/loading/load_options.ts";
import { packBins } from "../../preference/tokens/bins.ts";
import type {
  TokenBin,
  TokenDemonstration,
  TokenFeedback,
  TokenPair,
} from "../../preference/tokens/token_examples.ts";
import { mismatchFeedback } from "../../preference/tokens/mismatched_feedback.ts";
import type { Encoder } from "../../preference/tokens/tokenize.ts";
import { checkScores } from "../loss/score_terms.ts";
import type { ExampleOf, TrainingData } from "../method/method.ts";
import type { Objective } from "../method/objective.ts";
import type { TrainOptions } from "../options/options.ts";
import { type Examples, loadSplits, type RunData } from "./run_data.ts";

/** The type of a loaded row of each kind of data. */
interface RowOf {
  readonly pairs: TokenPair;
  readonly answers: TokenFeedback;
  readonly demonstrations: TokenDemonstration;
}

/** How one kind of data is read. */
export interface DataReader<Data extends TrainingData> {
  /** Loads the rows of both splits. */
  readonly load: (
    options: TrainOptions,
    encoder: Encoder,
  ) => Promise<RunData<RowOf[Data]>>;
  /**
   * The examples that are trained on, made of the rows.
   *
   * @throws {TypeError | RangeError} if the rows do not fit the options
   */
  readonly examples: (
    rows: RunData<RowOf[Data]>,
    options: TrainOptions,
    objective: Objective<ExampleOf[Data]>,
  ) => RunData<ExampleOf[Data] & Examples>;
  /** A row as lines of text, for `inspect`. */
  readonly lines: (row: RowOf[Data], shown: InspectOptions) => string[];
}

/** The table of readers. */
export const dataReaders: {
  readonly [Data in TrainingData]: DataReader<Data>;
} = {
  pairs: {
    load: (options, encoder) => loadSplits(options, encoder, loadPairs),
    examples(pairs, options) {
      checkScores(pairs.train.examples, options);
      checkScores(pairs.evaluation?.examples ?? [], options);
      return pairs;
    },
    lines: pairLines,
  },
  answers: {
    load: (options, encoder) => loadSplits(options, encoder, loadFeedback),
    examples: mismatchedAnswers,
    lines: feedbackLines,
  },
  demonstrations: {
    load: loadTexts,
    examples: packedTexts,
    lines: demonstrationLines,
  },
};

/**
 * Gives each row the answer of an earlier row of its micro-batch, in the order of the data, if a
 * loss estimates the KL.
 */
function mismatchedAnswers(
  { train, evaluation }: RunData<TokenFeedback>,
  options: TrainOptions,
  { couples }: Pick<Objective<unknown>, "couples">,
): RunData<ExampleOf["answers"]> {
  const maxLength = options.max_length ?? undefined;
  const mismatched = (loaded: Loaded<TokenFeedback>, rows: number) => ({
    ...loaded,
    examples: mismatchFeedback(loaded.examples, {
      group: couples ? rows : 0,
      maxLength,
    }),
  });
  return {
    train: mismatched(train, options.per_device_train_batch_size),
    evaluation: evaluation &&
      mismatched(evaluation, options.per_device_eval_batch_size),
  };
}

function loadTexts(
  options: TrainOptions,
  encoder: Encoder,
): Promise<RunData<TokenDemonstration>> {
  const { completion_only_loss, assistant_only_loss } = options;
  const cuts = options.packing_strategy !== "bfd"; // rows of any length find their place
  return loadSplits(
    options,
    encoder,
    (sources, { limits, ...load }, part) =>
      loadDemonstrations(sources, {
        ...load,
        limits: cuts && packedSplits(options)[part] ? undefined : limits,
        assistantOnly: assistant_only_loss,
        completionOnly: completion_only_loss ?? undefined,
      }),
  );
}

/** Texts in bins, in the splits for which `packing` and `eval_packing` ask for them. */
function packedTexts(
  { train, evaluation }: RunData<TokenDemonstration>,
  options: TrainOptions,
): RunData<TokenBin | TokenDemonstration> {
  const wanted = packedSplits(options);
  return {
    train: packed(train, options, wanted.train),
    evaluation: evaluation && packed(evaluation, options, wanted.evaluation),
  };
}

/** Which splits are packed. */
function packedSplits(
  { packing, eval_packing }: Pick<TrainOptions, "packing" | "eval_packing">,
): { readonly train: boolean; readonly evaluation: boolean } {
  return { train: packing, evaluation: eval_packing ?? packing };
}

function packed(
  { examples, report, files }: Loaded<TokenDemonstration>,
  { max_length, packing_strategy: strategy }: TrainOptions,
  wanted: boolean,
): Loaded<TokenBin | TokenDemonstration> {
  if (!wanted || max_length === null) return { examples, report, files };
  const bins = packBins(examples, { maxLength: max_length, strategy });
  const counts = { bins: bins.length, maxLength: max_length };
  const [file, ...others] = new Set(files);
  // rows of several files meet in a bin, whose lines alone are known
  const isOne = file !== undefined && others.length === 0;
  return {
    examples: bins,
    report: { ...report, packed: counts },
    files: isOne ? bins.map(() => file) : [],
  };
}
