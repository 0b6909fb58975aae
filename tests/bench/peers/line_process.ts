/**
 * A peer that answers each line of its input with one of its output, so that rounds can be
 * interleaved with ours.
 */

/** A running peer; disposing it ends its input and waits for its end. */
export interface Answering extends AsyncDisposable {
  /** @throws {Error} if it ends before it answers */
  ask(line: string): Promise<string>;
}

/** Starts a program; what it says beside its answers goes to our standard error. */
export function startLines(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Answering {
  const child = new Deno.Command(command, {
    args: [...args],
    env: { ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  return {
    async ask(line) {
      await writer.write(new TextEncoder().encode(`${line}\n`));
      for (;;) {
        const end = text.indexOf("\n");
        if (end >= 0) {
          const answer = text.slice(0, end);
          text = text.slice(end + 1);
          return answer;
        }
        const { value, done } = await reader.read();
        if (done) throw new Error(`Cannot ask "${command}": it has ended`);
        text += value;
      }
    },
    async [Symbol.asyncDispose]() {
      await writer.close();
      await reader.cancel();
      await child.status;
    },
  };
}
