/**
 * A conversation on the terminal with one model or two, each of which sees its own earlier answers.
 */
// deno-lint-ignore-file no-console
import { inTurn, type Talk } from "../src/commands/predict.ts";
import { errorLine } from "./run_task.ts";

const encoder = new TextEncoder();

function write(text: string): void {
  const bytes = encoder.encode(text);
  for (let at = 0; at < bytes.length;) {
    at += Deno.stdout.writeSync(bytes.subarray(at));
  }
}

/**
 * Puts a question to all at once; their answers stream to the screen one after the other, under
 * headings if there are two. Those that share a model grow together, so that the second is there
 * soon after the first.
 */
export async function askAll(
  talk: Talk,
  question: string,
  seed?: number,
): Promise<void> {
  const screen = inTurn(talk.names.length, {
    onBegin(i) {
      if (talk.names.length > 1) write(`\n${talk.names[i]}\n`);
    },
    onText: (_, piece) => write(piece),
    onEnd: () => write("\n"),
  });
  await talk.ask(question, { ...screen, seed });
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

/**
 * Talks until `/exit` or the end of standard input; a question that fails is told and forgotten.
 */
export async function chat(talk: Talk, seed: number): Promise<void> {
  const invite = Deno.stdin.isTerminal() ? "\n> " : "";
  console.error("/clear forgets what was said, /exit or Ctrl-D ends");
  if (!talk.haveTemplates) {
    console.error(
      "a model without a chat template continues each line as plain text",
    );
  }
  write(invite);
  let turn = 0;
  for await (const line of typedLines()) {
    const question = line.trim();
    if (question === "/exit") return;
    if (question === "/clear") talk.clear();
    else if (question !== "") {
      await askAll(talk, question, seed + turn++).catch(tellRange);
    }
    write(invite);
  }
}

/** What does not fit in the model is told; all else ends the task. */
function tellRange(error: unknown): void {
  if (!(error instanceof RangeError)) throw error;
  console.error(`error: ${errorLine(error)}`);
}
