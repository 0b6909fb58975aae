/**
 * One turn of a conversation. Further keys (`tool_calls`, `name`, `reasoning_content`, ...) are kept:
 * some chat templates read them.
 */

/** One turn: who speaks (`system`, `user`, `assistant`, `tool`, ...) and what is said. */
export interface Message {
  readonly role: string;
  readonly content: string;
  readonly [key: string]: unknown;
}
