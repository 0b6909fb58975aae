/**
 * What a row of a dataset becomes before it is tokens: a prompt with two answers, with one, or with
 * a judged one. Knows no columns and no tokens.
 */
import type { Message } from "../../text/message.ts";

/** Turns of a conversation, to be rendered by the chat template; or plain text, taken as it is. */
export type Turns = readonly Message[] | string;

/** What rows of every kind carry beside their turns. */
export interface RowContext {
  /** The line of the file it came from, from 1. */
  readonly line: number;
  /** JSON schemas of tools, for templates that print them. */
  readonly tools?: readonly unknown[];
  /** Further variables of the template, such as `enable_thinking`. */
  readonly variables?: Readonly<Record<string, unknown>>;
}

/** A number for each of two answers. */
export interface PairOfNumbers {
  /** The preferred answer's. */
  readonly chosen: number;
  /** The other one's. */
  readonly rejected: number;
}

/** A prompt and two answers, the first preferred. All three are turns, or all three plain text. */
export interface Preference extends RowContext {
  /** What is asked. */
  readonly prompt: Turns;
  /** The preferred answer. */
  readonly chosen: Turns;
  /** The other one. */
  readonly rejected: Turns;
  /** Scores that the data gives the answers; they never serve as log-probabilities. */
  readonly scores?: PairOfNumbers;
  /** The margin of rewards that the data asks for (`margin`); for reward models. */
  readonly margin?: number;
  /**
   * Sums of a reference's log-probabilities that the data gives (`ref_chosen_logps`), in nats,
   * never positive.
   */
  readonly referenceLogps?: PairOfNumbers;
}

/** A prompt and the answer to learn. Plain text to learn as a whole has the prompt "". */
export interface Demonstration extends RowContext {
  /** What is asked. */
  readonly prompt: Turns;
  /** The answer. */
  readonly completion: Turns;
}

/** A prompt and an answer that somebody found good or bad. */
export interface Feedback extends Demonstration {
  /** Whether it is good. */
  readonly label: boolean;
}
