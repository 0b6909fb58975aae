/**
 * Shows the progress of a long job: how much is done, the rate, and the time left. On a terminal
 * one line is written over; in a pipe a plain line appears now and then. It writes through a given
 * function and has no timer.
 *
 * @module
 */
import { formatBytes, formatDuration } from "./units.ts";

/** How much of a job is done. */
export interface ProgressCount {
  /** First word of the line: `train`. */
  readonly label: string;
  /** Number of units that are done. */
  readonly done: number;
  /** Number of all units; undefined if it is not known. */
  readonly total?: number | undefined;
  /** Name of the units: `pairs`, `tokens`, or `bytes`, which are shown as kB, MB, GB. */
  readonly unit: string;
  /** Seconds since the clock started. */
  readonly seconds: number;
  /**
   * Units that were done before the clock started, as in a resumed download. They do not count for
   * the rate.
   */
  readonly start?: number;
  /** Text at the end of the line, such as the loss. */
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

/** How and how often progress is shown. */
export interface ProgressOptions {
  /** First word of the line: `train`. */
  readonly label: string;
  /** Name of the units: `pairs`, `tokens`, `bytes`. */
  readonly unit: string;
  /** Number of all units; undefined if it is not known. */
  readonly total?: number | undefined;
  /** Units that are done before the clock starts. */
  readonly start?: number;
  /** Whether the output is a terminal: one line that is written over, not plain lines. */
  readonly terminal: boolean;
  /** Writes a text, with its escape codes and line ends. */
  readonly write: (text: string) => void;
  /** Columns of the terminal; longer lines are cut, since they could not be written over. */
  readonly columns?: number | undefined;
  /** The clock, in seconds; default: the system's. */
  readonly now?: () => number;
  /** Least seconds between two lines; default 0.1 on a terminal, otherwise 10. */
  readonly every?: number;
}

/** A running display. */
export interface Progress {
  /** Shows that `done` units are done, if enough time has passed since the last line. */
  update(done: number, note?: string): void;
  /** Shows the final line and moves to a new line. */
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
