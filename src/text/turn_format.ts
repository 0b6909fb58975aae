/**
 * Finds the plain text that a chat template puts before and after each turn. It renders
 * conversations and looks at what stands around the contents, then checks the result on other
 * conversations. Knows no template by name.
 */
import { type ChatTemplate, OverLimit } from "./chat_template.ts";
import type { Message } from "./message.ts";

/** The texts that stand around the turns of a conversation. */
export interface TurnFormat {
  /** Stands before a conversation that has no system turn. */
  readonly head: string;
  /** Stand around the system turn; undefined if the template refuses a system turn. */
  readonly system: readonly [before: string, after: string] | undefined;
  /** Stands before a user's turn. */
  readonly user: string;
  /** Stands between a user's turn and the answer. */
  readonly answer: string;
  /** Stands after an answer. */
  readonly end: string;
}

const QUESTION = "Qzw1";
const NEXT = "Qzw2";
const ANSWER = "Azw1";
const SYSTEM = "Szw1";

const turn = (role: string, content: string): Message => ({ role, content });

/**
 * Finds the turn format of a template.
 *
 * @param eos the EOS token's text, which some templates add after the last turn
 * @returns undefined if the template does more than put text around the contents
 */
export function findTurnFormat(
  template: ChatTemplate,
  eos: string | undefined,
): TurnFormat | undefined {
  let isEndless = false;
  const render = (messages: readonly Message[], open: boolean) => {
    if (isEndless) return undefined;
    try {
      return template.render(messages, { addGenerationPrompt: open });
    } catch (error) {
      isEndless = error instanceof OverLimit;
      return undefined; // the template refuses such a conversation
    }
  };
  const user = turn("user", QUESTION);
  const assistant = turn("assistant", ANSWER);
  const short = cut(render([user], true), [QUESTION]);
  const long = cut(render([user, assistant, turn("user", NEXT)], true), [
    QUESTION,
    ANSWER,
    NEXT,
  ]);
  const closed = cut(render([user, assistant], false), [QUESTION, ANSWER]);
  const led = cut(render([turn("system", SYSTEM), user], true), [
    SYSTEM,
    QUESTION,
  ]);
  if (!short || !long || !closed) return undefined;
  const [first = "", answer = ""] = short;
  const between = long[2] ?? "";
  const last = closed.at(-1) ?? "";
  const end = [last, last.slice(0, last.length - (eos?.length ?? 0))]
    .find((text) => between.startsWith(text));
  if (end === undefined) return undefined;
  const userTurn = between.slice(end.length);
  const after = led?.[1] ?? "";
  if (!first.endsWith(userTurn) || !after.endsWith(userTurn) && led) {
    return undefined;
  }
  const before = (text: string) => text.slice(0, text.length - userTurn.length);
  const format = {
    head: before(first),
    system: led && [led[0] ?? "", before(after)] as const,
    user: userTurn,
    answer,
    end,
  };
  return proves(format, (messages) => render(messages, true))
    ? format
    : undefined;
}

/**
 * The parts before, between and after the contents. Each content must be found once, in order;
 * otherwise undefined.
 */
function cut(
  text: string | undefined,
  contents: readonly string[],
): string[] | undefined {
  if (text === undefined) return undefined;
  const parts = text.split(new RegExp(contents.join("|")));
  const found = text.match(new RegExp(contents.join("|"), "g"));
  return found?.join() === contents.join() ? parts : undefined;
}

/** Renders a conversation that ends with a question, followed by the opening of its answer. */
export function renderTurns(
  format: TurnFormat,
  messages: readonly Message[],
): string {
  const [first] = messages;
  const isLed = first?.role === "system" && format.system;
  const parts = messages.map(({ role, content }) =>
    role === "user"
      ? format.user + content + format.answer
      : role === "assistant"
      ? content + format.end
      : ""
  );
  const head = isLed ? format.system.join(first.content) : format.head;
  return head + parts.join("");
}

/** Whether the format renders other conversations in the same way as the template does. */
function proves(
  format: TurnFormat,
  render: (messages: readonly Message[]) => string | undefined,
): boolean {
  const talk = [
    turn("user", "Why is the sky blue?"),
    turn("assistant", "Air scatters blue light.\nMore than red."),
    turn("user", "你好"),
    turn("assistant", "Yes."),
    turn("user", "And then?"),
  ];
  const led = turn("system", "Be brief.\n\nBe kind.");
  const conversations = [talk, talk.slice(0, 1), talk.slice(0, 3)];
  const all = format.system
    ? [...conversations, ...conversations.map((given) => [led, ...given])]
    : conversations;
  return all.every((given) => render(given) === renderTurns(format, given));
}
