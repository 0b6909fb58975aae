/**
 * What a method of training is: the type of a row of methods.ts. Knows no method by name, no file
 * and no device.
 *
 * @module
 */
import type {
  TokenBin,
  TokenPair,
  TokenSequence,
} from "../../preference/tokens/token_examples.ts";
import type { MismatchedFeedback } from "../../preference/tokens/mismatched_feedback.ts";
import type { LossName } from "../loss/losses.ts";
import type { PreferenceLossOptions } from "../loss/preference_loss.ts";
import type { ObjectiveOptions } from "./objective_options.ts";
import type { Objective } from "./objective.ts";

/** The kinds of data that methods train on, each with the type of its examples. */
export interface ExampleOf {
  /** A prompt with a chosen and a rejected answer. */
  readonly pairs: TokenPair;
  /** A prompt with one answer and a label, and another row's answer for the estimate of the KL. */
  readonly answers: MismatchedFeedback;
  /** A text, or several that are packed into one bin. */
  readonly demonstrations: TokenSequence | TokenBin;
}

/** What a method is trained on. */
export type TrainingData = keyof ExampleOf;

/** What the trained model answers with: the next token, or one number per text (a reward model). */
export type Head = "tokens" | "score";

/** What the table says of a method, whatever its data. */
export interface MethodFacts {
  /** One line for `--help`: data, reference, well-known names. */
  readonly help: string;
  readonly head: Head;
  /** Whether it needs the log-probabilities of a reference model. */
  readonly hasReference: boolean;
  /** The losses that it adds up if `loss_type` is null. */
  readonly loss_type: readonly LossName[];
  /** Losses that it takes too, though their own rows do not name it in `trainers`. */
  readonly losses?: readonly LossName[];
  /** The options that it looks at and that some other method ignores. */
  readonly options: readonly (keyof ObjectiveOptions)[];
}

/** A method that is trained on one kind of data. */
export interface MethodOf<Data extends TrainingData> extends MethodFacts {
  readonly data: Data;
  /** What a run of this method minimises. */
  readonly objective: (options: GivenOptions) => Objective<ExampleOf[Data]>;
}

/** One row of the table of methods, of any kind of data or of the one that is named. */
export type Method<Data extends TrainingData = TrainingData> = {
  [One in Data]: MethodOf<One>;
}[Data];

/**
 * The options of a method as a caller of the library gives them: defaults stand for those that are
 * left out.
 */
export type GivenOptions = Partial<ObjectiveOptions>;

/** All options of a method, with the losses by name. */
export type LossTerms = ObjectiveOptions & PreferenceLossOptions;
