/**
 * A conversation with one model, which sees its own earlier answers; one question may go to several
 * at once. Plain text has no turns: without a chat template each question stands alone. Knows no
 * screen.
 */
import type { Message } from "../text/message.ts";
import { answerEach, type AnswerOptions, type Speaker } from "./answer.ts";

/** A conversation that goes on. */
export interface Conversation {
  /** Who answers. */
  readonly speaker: Speaker;
  /** All turns so far. */
  readonly turns: readonly Message[];
  /** Asks and waits for the whole answer; a question that fails leaves no trace. */
  ask(question: string, options: AnswerOptions): Promise<string>;
  /**
   * What the model is asked by a further question: all turns, or plain text without a chat
   * template.
   */
  asked(question: string): readonly Message[] | string;
  /** Adds a question and its answer to the turns. */
  add(question: string, answer: string): void;
  /** Forgets all turns but the system's. */
  clear(): void;
}

/** Starts a conversation. @param system what the model is told first; null: nothing */
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
        ...(onText && { onText: (_, text) => onText(text) }),
      });
      return answer!;
    },
    asked: (question) =>
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

/** How to ask several. */
export interface AskOptions extends Omit<AnswerOptions, "onText"> {
  /** Told the text of each answer as it grows, with the number of its conversation. */
  readonly onText?: (index: number, text: string) => void;
  /** Told that an answer is whole. */
  readonly onEnd?: (index: number) => void;
}

/** Puts a question to all conversations at once; one that fails leaves no trace in any. */
export async function askTogether(
  conversations: readonly Conversation[],
  question: string,
  { onText, onEnd, seed, ...options }: AskOptions,
): Promise<string[]> {
  const asked = conversations.map((conversation, i) => ({
    speaker: conversation.speaker,
    prompt: conversation.asked(question),
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

/** The turn that a system prompt makes, if there is one. */
export function systemTurns(system: string | null): readonly Message[] {
  return system === null ? [] : [{ role: "system", content: system }];
}
