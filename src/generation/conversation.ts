/**
 * Conversations with models. A model sees its own earlier answers; one question may be put to
 * several models at once. Without a chat template there are no turns, so each question stands
 * alone. Knows no screen.
 */
import type { Message } from "../text/message.ts";
import { answerEach, type AnswerOptions, type Speaker } from "./answer.ts";

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
  const start = systemTurns(system);
  let turns = start;
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
    promptWith: (question) =>
      speaker.template
        ? [...turns, { role: "user", content: question }]
        : question,
    add(question, content) {
      if (!speaker.template) return;
      const asked = { role: "user", content: question };
      turns = [...turns, asked, { role: "assistant", content }];
    },
    clear() {
      turns = start;
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
}

/**
 * Puts a question to all conversations at once. A question that fails is not added to any of them.
 */
export async function askTogether(
  conversations: readonly Conversation[],
  question: string,
  { onText, onEnd, seed, ...options }: AskOptions,
): Promise<string[]> {
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

/** The system's turn as a list; empty without a system prompt. */
export function systemTurns(system: string | null): readonly Message[] {
  return system === null ? [] : [{ role: "system", content: system }];
}
