/** A conversation on the terminal with one model or two, each of which sees its own earlier answers. */
// deno-lint-ignore-file no-console
import {
  type AnswerOptions,
  askTogether,
  type Conversation,
  inTurn,
  type Speaker,
  startConversation,
} from "../mod.ts";
import { errorLine } from "./run_task.ts";

const encoder = new TextEncoder();

function write(text: string): void {
  const bytes = encoder.encode(text);
  for (let at = 0; at < bytes.length;) {
    at += Deno.stdout.writeSync(bytes.subarray(at));
  }
}

/** One conversation with each. */
export function startConversations(
  speakers: readonly Speaker[],
  system: string | null,
): Conversation[] {
  return speakers.map((speaker) => startConversation(speaker, system));
}

/**
 * Puts a question to all at once; their answers stream to the screen one after the other, under headings if there are
 * two. Those that share a model grow together, so that the second is there soon after the first.
 */
export async function askAll(
  conversations: readonly Conversation[],
  question: string,
  options: AnswerOptions,
): Promise<void> {
  const screen = inTurn(conversations.length, {
    onBegin: (i) => {
      const { speaker } = conversations[i]!;
      if (conversations.length > 1) write(`\n${speaker.name}\n`);
    },
    onText: (_, piece) => write(piece),
    onEnd: () => write("\n"),
  });
  await askTogether(conversations, question, { ...options, ...screen });
}

/** Lines of standard input as they are typed. */
async function* typedLines(): AsyncGenerator<string> {
  let rest = "";
  for await (
    const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())
  ) {
    const lines = (rest + text).split(/\r?\n/);
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}

/** Talks until `/exit` or the end of standard input; a question that fails is told and forgotten. */
export async function chat(
  conversations: readonly Conversation[],
  options: AnswerOptions,
): Promise<void> {
  const invite = Deno.stdin.isTerminal() ? "\n> " : "";
  console.error("/clear forgets what was said, /exit or Ctrl-D ends");
  if (conversations.some(({ speaker }) => !speaker.template)) {
    console.error(
      "a model without a chat template continues each line as plain text",
    );
  }
  write(invite);
  let turn = 0;
  for await (const line of typedLines()) {
    const question = line.trim();
    if (question === "/exit") return;
    if (question === "/clear") {
      for (const conversation of conversations) conversation.clear();
    } else if (question !== "") {
      const seed = options.seed + turn++;
      await askAll(conversations, question, { ...options, seed })
        .catch(tellRange);
    }
    write(invite);
  }
}

/** What does not fit in the model is told; all else ends the task. */
function tellRange(error: unknown): void {
  if (!(error instanceof RangeError)) throw error;
  console.error(`error: ${errorLine(error)}`);
}
