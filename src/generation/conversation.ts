/**
 * A conversation with one model, which sees its own earlier answers. Plain text has no turns: without a chat
 * template each question stands alone. Knows no screen.
 */
import type { Message } from "../text/message.ts";
import { answer, type AnswerOptions, type Speaker } from "./answer.ts";

/** A conversation that goes on. */
export interface Conversation {
  /** Who answers. */
  readonly speaker: Speaker;
  /** All turns so far. */
  readonly turns: readonly Message[];
  /** Asks and waits for the whole answer; a question that fails leaves no trace. */
  ask(question: string, options: AnswerOptions): Promise<string>;
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
  return {
    speaker,
    get turns() {
      return turns;
    },
    async ask(question, options) {
      if (!speaker.template) return await answer(speaker, question, options);
      const asked = [...turns, { role: "user", content: question }];
      const content = await answer(speaker, asked, options);
      turns = [...asked, { role: "assistant", content }];
      return content;
    },
    clear() {
      turns = start;
    },
  };
}

/** The turn that a system prompt makes, if there is one. */
export function systemTurns(system: string | null): readonly Message[] {
  return system === null ? [] : [{ role: "system", content: system }];
}
