/**
 * A conversation on the terminal with one model or two, each of which sees its own earlier answers.
 * On a terminal lines are edited and remembered; Ctrl-C ends an answer, and twice the program.
 */
// deno-lint-ignore-file no-console
import process from "node:process";
import { createInterface } from "node:readline/promises";
import { inTurn, saveTalk, type Talk } from "../src/commands/predict.ts";
import { INTERRUPTED } from "./interrupt.ts";
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
  { seed, signal }: {
    readonly seed?: number;
    readonly signal?: AbortSignal;
  } = {},
): Promise<void> {
  const screen = inTurn(talk.names.length, {
    onBegin(i) {
      if (talk.names.length > 1) write(`\n${talk.names[i]}\n`);
    },
    onText: (_, piece) => write(piece),
    onEnd: () => write("\n"),
  });
  await talk.ask(question, {
    ...screen,
    seed,
    signal,
    onForgotten: (turns) =>
      console.error(`the context is full: the oldest ${turns} turns are gone`),
  });
}

/** Lines of standard input as they come. */
async function* pipedLines(): AsyncGenerator<string> {
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

/** Ends the answer at hand; undefined between answers. */
let answering: AbortController | undefined;

/** Lines that are typed on a terminal; a line that comes during an answer is kept for later. */
async function* typedLines(): AsyncGenerator<string> {
  const reader = createInterface({
    input: process.stdin,
    output: process.stdout,
    terminal: true,
    prompt: "\n> ",
  });
  const lines: string[] = [];
  let wake = () => {};
  let isOver = false;
  let wasPressed = false;
  reader.on("line", (line) => {
    wasPressed = false;
    lines.push(line);
    wake();
  });
  reader.on("close", () => {
    isOver = true;
    wake();
  });
  reader.on("SIGINT", () => {
    if (wasPressed) Deno.exit(INTERRUPTED);
    wasPressed = true;
    if (answering) answering.abort(new DOMException("ended", "AbortError"));
    else console.error("\nCtrl-C again ends");
    if (!answering) reader.prompt();
  });
  reader.prompt();
  for (;;) {
    const line = lines.shift();
    if (line !== undefined) {
      yield line;
      reader.prompt();
    } else if (isOver) return;
    else await new Promise<void>((resolve) => wake = resolve);
  }
}

const HELP = [
  "/help            these lines",
  "/reset           forgets what was said (as /clear)",
  "/system TEXT     begins anew with these words for the models; without TEXT with none",
  "/save FILE       writes the conversation as JSON Lines of messages, under output/",
  "/exit or Ctrl-D  ends; Ctrl-C ends an answer, twice the program",
];

/** Does what a line that is "/" and a word asks for; false if it is a question: `/etc/hosts`. */
async function obey(talk: Talk, line: string): Promise<boolean> {
  const [, name, rest = ""] = /^\/(\w+)(?:\s+([^]*))?$/.exec(line) ?? [];
  if (name === "help") console.error(HELP.join("\n"));
  else if (name === "reset" || name === "clear") talk.clear();
  else if (name === "system") talk.begin(rest === "" ? null : rest);
  else if (name === "save") {
    if (rest === "") console.error("give a file: /save output/talk.jsonl");
    else await save(talk, rest);
  } else if (name === undefined) return false;
  else console.error(`there is no command /${name}, /help lists them`);
  return true;
}

async function save(talk: Talk, path: string): Promise<void> {
  try {
    await saveTalk(path, talk);
    console.error(`saved ${path}`);
  } catch (error) {
    console.error(`error: ${errorLine(error)}`);
  }
}

/**
 * Talks until `/exit` or the end of standard input; a question that fails is told and forgotten.
 */
export async function chat(talk: Talk, seed: number): Promise<void> {
  console.error("/help shows the commands, /exit or Ctrl-D ends");
  if (!talk.haveTemplates) {
    console.error(
      "a model without a chat template continues each line as plain text",
    );
  }
  let turn = 0;
  const isTerminal = Deno.stdin.isTerminal() && Deno.stdout.isTerminal();
  for await (const typed of isTerminal ? typedLines() : pipedLines()) {
    const line = typed.trim();
    if (line === "/exit") return;
    if (line === "" || await obey(talk, line)) continue;
    answering = new AbortController();
    const { signal } = answering;
    await askAll(talk, line, { seed: seed + turn++, signal }).catch(tell);
    answering = undefined;
  }
}

/** What does not fit in the model, or was ended by the user, is told; all else ends the task. */
function tell(error: unknown): void {
  if (error instanceof DOMException && error.name === "AbortError") {
    console.error("\nended; the question is forgotten");
  } else if (error instanceof RangeError) {
    console.error(`error: ${errorLine(error)}`);
  } else throw error;
}
