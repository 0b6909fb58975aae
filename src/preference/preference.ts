/**
 * What a row of a dataset becomes before it is tokens: a prompt with two answers, or with one.
 * Knows no columns and no tokens.
 */
import type { Message } from "../text/message.ts";

/** Turns of a conversation, to be rendered by the chat template; or plain text, taken as it is. */
export type Turns = readonly Message[] | string;

/** A prompt and two answers, the first preferred. All three are turns, or all three plain text. */
export interface Preference {
  /** What is asked. */
  readonly prompt: Turns;
  /** The preferred answer. */
  readonly chosen: Turns;
  /** The other one. */
  readonly rejected: Turns;
  /** The line of the file it came from, from 1. */
  readonly line: number;
  /** JSON schemas of tools, for templates that print them. */
  readonly tools?: readonly unknown[];
  /** Scores that the data gives the answers; they never serve as log-probabilities. */
  readonly scores?: { readonly chosen: number; readonly rejected: number };
}

/** A prompt and the answer to learn. Plain text to learn as a whole has the prompt "". */
export interface Demonstration {
  /** What is asked. */
  readonly prompt: Turns;
  /** The answer. */
  readonly completion: Turns;
  /** The line of the file it came from, from 1. */
  readonly line: number;
  /** JSON schemas of tools, for templates that print them. */
  readonly tools?: readonly unknown[];
}
