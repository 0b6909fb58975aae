/**
 * Conversations with models. A model sees its own earlier answers; one question may be put to
 * several models at once. Without a chat template there are no turns, so each question stands
 * alone. Knows no screen.
 */
import type { Message } from "../text/message.ts";
import {
  answerEach,
  type AnswerOptions,
  DEFAULT_NEW_TOKENS,
  promptTokens,
  type Speaker,
} from "./answer.ts";

/** A conversation with one model. */
export interface Conversation {
  /** The speaker that answers. */
  readonly speaker: Speaker;
  /** All turns so far, the system's included. */
  readonly turns: readonly Message[];
  /**
   * Asks a question and waits for the complete answer. A question that fails is not added to the
   * turns.
   */
  ask(question: string, options: AnswerOptions): Promise<string>;
  /**
   * The prompt of a further question: all turns with it, or the question alone without a chat
   * template.
   */
  promptWith(question: string): readonly Message[] | string;
  /** Adds a question and its answer to the turns. */
  add(question: string, answer: string): void;
  /** Removes all turns except the system's. */
  clear(): void;
  /** Begins anew with other words of the system; null: none. */
  begin(system: string | null): void;
  /**
   * Removes the oldest turns, the system's excepted, until a question and this number of new tokens
   * fit into the model.
   *
   * @returns how many turns were removed
   */
  makeRoom(question: string, newTokens: number): number;
}

/**
 * Starts a conversation.
 *
 * @param system text of the system's turn; null: none
 */
export function startConversation(
  speaker: Speaker,
  system: string | null = null,
): Conversation {
  let start = systemTurns(system);
  let turns = start;
  const withQuestion = (before: readonly Message[], question: string) =>
    speaker.template
      ? [...before, { role: "user", content: question }]
      : question;
  const conversation: Conversation = {
    speaker,
    get turns() {
      return turns;
    },
    async ask(question, { onText, ...options }) {
      const [answer] = await askTogether([conversation], question, {
        ...options,
        onText: onText && ((_, text) => onText(text)),
      });
      return answer!;
    },
    promptWith: (question) => withQuestion(turns, question),
    add(question, content) {
      if (!speaker.template) return;
      const asked = { role: "user", content: question };
      turns = [...turns, asked, { role: "assistant", content }];
    },
    clear() {
      turns = start;
    },
    begin(words) {
      turns = start = systemTurns(words);
    },
    makeRoom(question, newTokens) {
      const most = positionsOf(speaker) - newTokens;
      const fits = (kept: readonly Message[]) =>
        promptTokens(speaker, withQuestion(kept, question)).length <= most;
      let rest = turns.slice(start.length);
      while (rest.length > 0 && !fits([...start, ...rest])) {
        // a template may refuse an answer that no question comes before
        const next = rest.findIndex(({ role }, i) => i > 0 && role === "user");
        rest = next < 0 ? [] : rest.slice(next);
      }
      const kept = [...start, ...rest];
      // a question that is too long by itself fails, and takes no turn along
      if (rest.length === 0 && !fits(kept)) return 0;
      const removed = turns.length - kept.length;
      turns = kept;
      return removed;
    },
  };
  return conversation;
}

/** How several conversations are asked. */
export interface AskOptions extends Omit<AnswerOptions, "onText"> {
  /** Called with each new piece of text and the index of its conversation. */
  readonly onText?: ((index: number, text: string) => void) | undefined;
  /** Called with the index of a conversation when its answer is complete. */
  readonly onEnd?: (index: number) => void;
  /** Called with the number of the oldest turns that were removed to make room. */
  readonly onForgotten?: ((turns: number) => void) | undefined;
}

/**
 * Puts a question to all conversations at once. A question that fails is not added to any of them.
 */
export async function askTogether(
  conversations: readonly Conversation[],
  question: string,
  { onText, onEnd, onForgotten, seed, ...options }: AskOptions,
): Promise<string[]> {
  const forgotten = conversations.map((conversation) =>
    conversation.makeRoom(question, roomOf(conversation, options))
  );
  const most = Math.max(0, ...forgotten);
  if (most > 0) onForgotten?.(most);
  const asked = conversations.map((conversation, i) => ({
    speaker: conversation.speaker,
    prompt: conversation.promptWith(question),
    seed,
    onText: (text: string) => onText?.(i, text),
    onEnd: () => onEnd?.(i),
  }));
  const answers = await answerEach(asked, options);
  for (const [i, conversation] of conversations.entries()) {
    conversation.add(question, answers[i]!);
  }
  return answers;
}

/** How many tokens a conversation may have. */
function positionsOf({ model, manner }: Speaker): number {
  const { max_position_embeddings } = model.config;
  return Math.min(max_position_embeddings, manner?.maxLength ?? Infinity);
}

/** New tokens for which there must be room: as many as are asked for, or a quarter of all. */
function roomOf(
  { speaker }: Conversation,
  { maxNewTokens }: Pick<AnswerOptions, "maxNewTokens">,
): number {
  const { usualNewTokens = DEFAULT_NEW_TOKENS } = speaker.manner ?? {};
  const usual = Math.min(usualNewTokens, positionsOf(speaker) >> 2);
  return maxNewTokens ?? usual;
}

/** The system's turn as a list; empty without a system prompt. */
export function systemTurns(system: string | null): readonly Message[] {
  return system === null ? [] : [{ role: "system", content: system }];
}
