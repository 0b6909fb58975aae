/**
 * The examples that rows of a dataset become before they are tokenized: a prompt with two answers,
 * with one answer, or with one judged answer. Knows no columns and no tokens.
 */
import type { Message } from "../../text/message.ts";

/** Turns of a conversation, to be rendered by the chat template; or plain text, taken as it is. */
export type TurnsOrText = readonly Message[] | string;

/** Fields of examples of every kind beside their turns. */
export interface RowContext {
  /** The line of the data file, counted from 1. */
  readonly line: number;
  /** JSON schemas of tools, for chat templates that print them. */
  readonly tools?: readonly unknown[];
  /** Further variables of the chat template, such as `enable_thinking`. */
  readonly variables?: Readonly<Record<string, unknown>>;
}

/** What examples of every kind have. */
export interface AskedRow extends RowContext {
  /** What is asked. */
  readonly prompt: TurnsOrText;
  /** What was decided in reading the row, for the report to count. */
  readonly note?: string;
}

/** A number for each of two answers. */
export interface PairOfNumbers {
  /** The number of the preferred answer. */
  readonly chosen: number;
  /** The number of the other answer. */
  readonly rejected: number;
}

/**
 * A prompt and two answers, of which one is preferred. All three are turns, or all three are text.
 */
export interface Preference extends AskedRow {
  /** The preferred answer. */
  readonly chosen: TurnsOrText;
  /** The other one. */
  readonly rejected: TurnsOrText;
  /** Scores that the data gives the answers; they never serve as log-probabilities. */
  readonly scores?: PairOfNumbers;
  /** The margin of rewards that the data asks for (`margin`). Only reward models use it. */
  readonly margin?: number;
  /**
   * Sums of the reference model's log-probabilities, if the data gives them (`ref_chosen_logps`),
   * in nats; never positive.
   */
  readonly referenceLogps?: PairOfNumbers;
}

/** A prompt and the answer to learn. If a plain text is learnt as a whole, the prompt is "". */
export interface Demonstration extends AskedRow {
  /** The answer. */
  readonly completion: TurnsOrText;
}

/** A prompt and an answer that was judged good or bad. */
export interface Feedback extends Demonstration {
  /** Whether the answer is good. */
  readonly label: boolean;
}
