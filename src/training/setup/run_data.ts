/**
 * From a run's options to the examples it trains on, with an account of every row. Needs no device, so that
 * `inspect` shows exactly what `train` will see.
 */
import { packBins, type TokenBin } from "../../preference/tokens/bins.ts";
import {
  loadDemonstrations,
  loadFeedback,
  loadPairs,
} from "../../preference/loading/load.ts";
import type {
  Loaded,
  LoadOptions,
} from "../../preference/loading/load_options.ts";
import type { DataSource } from "../../preference/loading/data_source.ts";
import {
  mismatch,
  type MismatchedFeedback,
} from "../../preference/tokens/mismatched_feedback.ts";
import type { TokenFeedback } from "../../preference/tokens/token_feedback.ts";
import type { TokenPair } from "../../preference/tokens/token_pair.ts";
import type {
  Encoder,
  TokenDemonstration,
} from "../../preference/tokens/tokenize.ts";
import { lossRows } from "../loss/losses.ts";
import type { TrainOptions } from "../options/options.ts";
import {
  heldOutOf,
  loadSettings,
  namedSource,
  runSources,
} from "./run_sources.ts";
import { lossTerms } from "../method/trainers.ts";

/** An example knows the line it came from. */
export interface Examples {
  readonly line: number;
  /** Where it is a bin: the lines of all its rows. */
  readonly lines?: readonly number[];
}

/** Examples of both splits. */
export interface RunData<Example> {
  /** What is trained on. */
  readonly train: Loaded<Example>;
  /** What is evaluated on; undefined where `eval_strategy` is no. */
  readonly evaluation: Loaded<Example> | undefined;
}

/** Loads the preference pairs of a run. */
export function loadRunPairs(
  options: TrainOptions,
  encoder: Encoder,
): Promise<RunData<TokenPair>> {
  return loadSplits(options, encoder, loadPairs);
}

/**
 * Loads the judged answers of a run. Where a loss estimates the KL, each row gets the answer of a row before it in its
 * micro-batch, in the data's order.
 */
export async function loadRunFeedback(
  options: TrainOptions,
  encoder: Encoder,
): Promise<RunData<MismatchedFeedback>> {
  const { train, evaluation } = await loadSplits(
    options,
    encoder,
    loadFeedback,
  );
  const { max_length } = options;
  const estimates = lossTerms("kto", options).loss_type.some((name) =>
    lossRows[name].couples
  );
  const mismatched = (loaded: Loaded<TokenFeedback>, rows: number) => ({
    ...loaded,
    examples: mismatch(loaded.examples, {
      group: estimates ? rows : 0,
      ...(max_length === null ? {} : { maxLength: max_length }),
    }),
  });
  return {
    train: mismatched(train, options.per_device_train_batch_size),
    evaluation: evaluation &&
      mismatched(evaluation, options.per_device_eval_batch_size),
  };
}

/** Loads the demonstrations of a run. */
export function loadRunDemonstrations(
  options: TrainOptions,
  encoder: Encoder,
): Promise<RunData<TokenDemonstration>> {
  const { completion_only_loss, assistant_only_loss } = options;
  const cuts = options.packing_strategy !== "bfd"; // rows of any length find their place
  return loadSplits(
    options,
    encoder,
    (sources, { limits = {}, ...load }, part) =>
      loadDemonstrations(sources, {
        ...load,
        ...(cuts && packs(options)[part] ? {} : { limits }),
        assistantOnly: assistant_only_loss,
        ...(completion_only_loss === null
          ? {}
          : { completionOnly: completion_only_loss }),
      }),
  );
}

/** A run's demonstrations in bins, as `packing` and `eval_packing` say; each split that is not packed has one row a bin. */
export function packRunData(
  { train, evaluation }: RunData<TokenDemonstration>,
  options: TrainOptions,
): RunData<TokenBin> {
  const wanted = packs(options);
  return {
    train: packed(train, options, wanted.train),
    evaluation: evaluation && packed(evaluation, options, wanted.evaluation),
  };
}

/** Which splits are packed. */
export function packs(
  { packing, eval_packing }: Pick<TrainOptions, "packing" | "eval_packing">,
): { readonly train: boolean; readonly evaluation: boolean } {
  return { train: packing, evaluation: eval_packing ?? packing };
}

function packed(
  { examples, report, files }: Loaded<TokenDemonstration>,
  { max_length, packing_strategy: strategy }: TrainOptions,
  wanted: boolean,
): Loaded<TokenBin> {
  if (!wanted || max_length === null) {
    const bins = examples.map((row) => ({
      sequences: [row],
      line: row.line,
      lines: [row.line],
    }));
    return { examples: bins, report, files };
  }
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

type Load<Example> = (
  sources: readonly DataSource[],
  options: LoadOptions,
  part: "train" | "evaluation",
) => Promise<Loaded<Example>>;

async function loadSplits<Example>(
  options: TrainOptions,
  encoder: Encoder,
  load: Load<Example>,
): Promise<RunData<Example>> {
  const [trainSplit, evalSplit] = options.dataset_splits;
  const sources = await runSources(options);
  const heldOut = heldOutOf(options);
  const common = {
    encoder,
    ...loadSettings(options),
    ...(heldOut === undefined ? {} : { heldOut }),
  };
  const { max_train_samples, max_eval_samples, eval_dataset } = options;
  const train = await load(sources, {
    ...common,
    split: trainSplit ?? "train",
    ...(max_train_samples === null ? {} : { maxSamples: max_train_samples }),
  }, "train");
  if (options.eval_strategy === "no") return { train, evaluation: undefined };
  const evaluation = await load(
    eval_dataset === null ? sources : [await namedSource(eval_dataset)],
    {
      ...common,
      split: evalSplit ?? "test",
      ...(max_eval_samples === null ? {} : { maxSamples: max_eval_samples }),
    },
    "evaluation",
  );
  return { train, evaluation };
}
