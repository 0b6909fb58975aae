/**
 * One turn of a conversation. Further keys (`tool_calls`, `name`, `reasoning_content`, ...) are
 * kept: some chat templates read them.
 */

/** One turn: who speaks (`system`, `user`, `assistant`, `tool`, ...) and what is said. */
export interface Message {
  /** Who speaks. */
  readonly role: string;
  /** What is said. */
  readonly content: string;
  /** What else the data has, for templates that read it. */
  readonly [key: string]: unknown;
}
