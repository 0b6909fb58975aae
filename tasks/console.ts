/** How long work shows on a task's standard error: one line on a terminal, plain lines in a pipe. */
import { type Progress, startProgress } from "../mod.ts";

/** Called with what is done; starts the clock at its first call. */
export interface TaskProgress {
  (done: number, total?: number): void;
  /** Starts the clock with `done` units done already. */
  start(done: number, total: number): void;
  /** Prints a line of its own, above the progress. */
  say(line: string): void;
}

const encoder = new TextEncoder();
const write = (text: string) =>
  void Deno.stderr.writeSync(encoder.encode(text));

/** A display for one job; it ends by itself when all is done. */
export function taskProgress(label: string, unit: string): TaskProgress {
  const terminal = Deno.stderr.isTerminal();
  let progress: Progress | undefined;
  let size: number | undefined;
  const start = (done: number, total: number | undefined) => {
    size = total;
    progress = startProgress({
      label,
      unit,
      total,
      start: done,
      terminal,
      write,
    });
  };
  const update = (done: number, total = size) => {
    if (!progress) start(0, total);
    progress!.update(done);
    if (done === size) {
      progress!.finish();
      progress = undefined;
    }
  };
  const say = (line: string) =>
    write(terminal ? `\r\x1b[K${line}\n` : `${line}\n`);
  return Object.assign(update, { start, say });
}

/** Leaves a tenth of the memory that is free to the rest of the machine; a software adapter takes no note of it. */
export function memoryBudget(): { budgetBytes?: number } {
  const permission = Deno.permissions.querySync({
    name: "sys",
    kind: "systemMemoryInfo",
  });
  if (permission.state !== "granted") return {};
  return { budgetBytes: Deno.systemMemoryInfo().available * 0.9 };
}
