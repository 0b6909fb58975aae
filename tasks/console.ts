/**
 * How long work shows on the console: progress as one line on a terminal, as plain lines in a pipe.
 */
// deno-lint-ignore-file no-console
import { type Progress, startProgress } from "../src/base/progress.ts";
import type { DeviceHooks } from "../src/commands/command_device.ts";
import type { RunStage, Sink } from "../src/commands/train.ts";
import {
  dataLines,
  rowLine,
  skippedLine,
  startLines,
  wreckLine,
} from "../src/report/run_lines.ts";

/** Called with what is done; starts the clock at its first call. */
export interface TaskProgress {
  (done: number, total?: number): void;
  /** Starts the clock with `done` units done already. */
  start(done: number, total: number): void;
  /** Prints a line of its own, above the progress. */
  say(line: string): void;
  /** Shows a text at the end of the progress from now on. */
  note(text: string): void;
}

const encoder = new TextEncoder();
const write = (text: string) =>
  void Deno.stderr.writeSync(encoder.encode(text));

/** A display for one job; it ends by itself when all is done. */
export function taskProgress(label: string, unit: string): TaskProgress {
  const terminal = Deno.stderr.isTerminal();
  let progress: Progress | undefined;
  let size: number | undefined;
  let noted: string | undefined;
  const start = (done: number, total: number | undefined) => {
    size = total;
    progress = startProgress({
      label,
      unit,
      total,
      start: done,
      terminal,
      columns: terminalColumns(),
      write,
    });
  };
  const update = (done: number, total = size) => {
    if (!progress) start(0, total);
    progress!.update(done, noted);
    if (done === size) {
      progress!.finish(noted);
      progress = undefined;
    }
  };
  const say = (line: string) =>
    write(terminal ? `\r\x1b[K${line}\n` : `${line}\n`);
  const note = (text: string) => void (noted = text);
  return Object.assign(update, { start, say, note });
}

/** Columns of the terminal that the progress goes to; undefined in a pipe. */
function terminalColumns(): number | undefined {
  if (!Deno.stderr.isTerminal()) return undefined;
  const { columns } = Deno.consoleSize();
  return columns > 0 ? columns : undefined;
}

/** A display for each part of a command's work, by its name: what is counted in it. */
export function showStages<Stage extends string>(
  units: Readonly<Record<Stage, string>>,
): (stage: Stage, done: number, total: number) => void {
  const shown = new Map<Stage, TaskProgress>();
  return (stage, done, total) => {
    const progress = shown.get(stage) ?? taskProgress(stage, units[stage]);
    shown.set(stage, progress);
    progress(done, total);
  };
}

const ORIGINS = { measured: "measured now", known: "known" } as const;

/** Says which tile of the matrix products runs. */
export const sayTuned: NonNullable<DeviceHooks["onTuned"]> = (
  { chosen, origin },
) => {
  if (origin === "untuned") return;
  console.error(`products: tile ${chosen} (${ORIGINS[origin]})`);
};

/** Shows a training run: what it reads, how far it is, its rows of metrics. */
export function showTraining() {
  const others = showStages({ load: "bytes", reference: "pairs" });
  const training = taskProgress("train", "steps");
  return {
    sinks: [consoleSink(training)],
    onTuned: sayTuned,
    onProgress(stage: RunStage, done: number, total: number) {
      if (stage === "train") training(done, total);
      else others(stage, done, total);
    },
  };
}

/** The console as a run's sink; its lines go above the progress. */
function consoleSink({ start, say, note }: TaskProgress): Sink {
  return {
    loaded(train, evaluation) {
      const lines = [
        ...dataLines("training", train),
        ...evaluation ? dataLines("evaluation", evaluation) : [],
      ];
      // both splits of one file have the same columns, which are named once
      for (const line of new Set(lines)) console.log(line);
    },
    open(run) {
      for (const line of startLines(run)) console.log(line);
      start(run.doneSteps, run.totalSteps);
    },
    skipped: (step) => say(skippedLine(step)),
    row(row) {
      const { loss } = row;
      if (loss !== undefined) note(`loss ${Number(loss.toPrecision(4))}`);
      say(rowLine(row, terminalColumns()));
    },
    wrecked: (wreck) => say(`warning: ${wreckLine(wreck)}`),
    saved: (path) => say(`saved ${path}`),
  };
}
