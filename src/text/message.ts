/**
 * One turn of a conversation, the input of chat templates. Further keys of the data (`tool_calls`,
 * `name`, `reasoning_content`, ...) are kept, since some templates read them.
 */

/** One turn of a conversation. */
export interface Message {
  /** The speaker: `system`, `user`, `assistant`, `tool` or another name that the template knows. */
  readonly role: string;
  /** The text of the turn; it may be empty where a turn consists of tool calls. */
  readonly content: string;
  /** Further keys of the data, for templates that read them. */
  readonly [key: string]: unknown;
}
