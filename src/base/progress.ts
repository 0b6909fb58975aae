/**
 * Progress of a long job: done of total, rate, time left. On a terminal one line that is written
 * over, in a pipe a plain line now and then. Writes through the function that it is given and owns
 * no timer.
 *
 * @module
 */
import { formatBytes, formatDuration } from "./units.ts";

/** How far a job is. */
export interface ProgressCount {
  /** What stands in front: `train`. */
  readonly label: string;
  /** How many units are done. */
  readonly done: number;
  /** Undefined where nobody knows. */
  readonly total?: number | undefined;
  /** What is counted: `pairs`, `tokens`, or `bytes`, which are shown as kB, MB, GB. */
  readonly unit: string;
  /** Since the clock started. */
  readonly seconds: number;
  /**
   * What had been done before the clock started, as in a resumed download; it does not count for
   * the rate.
   */
  readonly start?: number;
  /** Added at the end, such as the loss. */
  readonly note?: string | undefined;
}

/** `train  120/400 steps  30 %  2.4 steps/s  1 min 57 s left  loss 0.512`. */
export function progressLine(count: ProgressCount): string {
  const { label, done, total, unit, seconds, start = 0, note } = count;
  const amount = (x: number) =>
    unit === "bytes" ? formatBytes(x) : String(Math.round(x));
  const rate = seconds > 0 ? (done - start) / seconds : 0;
  const per = unit === "bytes"
    ? `${formatBytes(rate)}/s`
    : rate === 0 || rate >= 1
    ? `${rate < 100 ? rate.toPrecision(3) : Math.round(rate)} ${unit}/s`
    : `${(1 / rate).toPrecision(3)} s each`;
  const tail = unit === "bytes" ? "" : ` ${unit}`;
  const parts = [label, amount(done) + tail];
  if (total !== undefined) {
    parts[1] = `${amount(done)}/${amount(total)}${tail}`;
    parts.push(`${Math.floor(100 * done / Math.max(1, total))} %`);
  }
  if (rate > 0) parts.push(per);
  if (total !== undefined && done < total && rate > 0) {
    parts.push(`${formatDuration((total - done) / rate)} left`);
  } else if (done > start) parts.push(`in ${formatDuration(seconds)}`);
  if (note !== undefined && note !== "") parts.push(note);
  return parts.join("  ");
}

/** Where and how often progress is shown. */
export interface ProgressOptions {
  /** What stands in front: `train`. */
  readonly label: string;
  /** What is counted: `pairs`, `tokens`, `bytes`. */
  readonly unit: string;
  /** Units in all; undefined where nobody knows. */
  readonly total?: number | undefined;
  /** What is done already when the clock starts. */
  readonly start?: number;
  /** True: one line, written over. False: plain lines. */
  readonly terminal: boolean;
  /** Takes the text, escape codes and ends of line included. */
  readonly write: (text: string) => void;
  /** Columns of the terminal; a longer line would not be written over cleanly. */
  readonly columns?: number;
  /** The clock, in seconds. */
  readonly now?: () => number;
  /** Least seconds between two lines: 0.1 on a terminal, 10 else. */
  readonly every?: number;
}

/** A running display. */
export interface Progress {
  /** Shows that `done` units are done, if the last line is old enough. */
  update(done: number, note?: string): void;
  /** Shows the last line and leaves the cursor on a fresh one. */
  finish(note?: string): void;
}

/** Starts the clock of a job. */
export function startProgress(options: ProgressOptions): Progress {
  const { label, unit, total, terminal, write, columns = 100 } = options;
  const { now = () => performance.now() / 1000, start = 0 } = options;
  const every = options.every ?? (terminal ? 0.1 : 10);
  const began = now();
  let shown = terminal ? -Infinity : began;
  let done = start;
  let said = "";
  const line = (note: string | undefined) =>
    progressLine({
      label,
      unit,
      total,
      start,
      done,
      note,
      seconds: now() - began,
    });
  const overwrite = (text: string) => `\r${text.slice(0, columns - 1)}\x1b[K`;
  return {
    update(count, note) {
      done = count;
      if (now() - shown < every) return;
      shown = now();
      said = line(note);
      write(terminal ? overwrite(said) : `${said}\n`);
    },
    finish(note) {
      const last = line(note);
      if (terminal) write(`${overwrite(last)}\n`);
      else if (last !== said) write(`${last}\n`);
    },
  };
}
