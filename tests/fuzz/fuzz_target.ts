/** What a target of the fuzzer is: a way to draw inputs, and what is done with each. */
import type { Chance } from "./chance.ts";

/** An input. */
export interface FuzzInput {
  /** What it is, in words that do not hold it: `header with 2 changes`. */
  readonly words: string;
  /**
   * Gives it to the code. An error of our own refuses it.
   *
   * @throws {Broken} if something was accepted that should not be
   */
  run(): unknown;
  /** The input as text, for the developer who asks for it. */
  show(): string;
}

/** Draws an input. */
export type DrawInput = (chance: Chance) => FuzzInput;

/** A target: reads what it needs once, before the first input. */
export type FuzzTarget = () => Promise<DrawInput>;

/** Thrown if something was accepted, or done, that breaks a promise. */
export class Broken extends Error {
  /** `Broken`. */
  override readonly name = "Broken";
}

/** Fails unless a promise holds. */
export function hold(holds: boolean, promise: () => string): void {
  if (!holds) throw new Broken(promise());
}
