/**
 * Watches a fuzzing run: gives the inputs of a target to a worker, ends it where an input hangs or
 * takes too much memory, and goes on behind that input. Prints nothing.
 */
import { cpuSeconds } from "../bench/cpu_seconds.ts";
import {
  COUNT,
  type FuzzFault,
  type FuzzJob,
  type WorkerWord,
} from "./fuzz_job.ts";

/**
 * What an input may take: seconds of the processor, since others may use the machine, and of the
 * clock for one that only waits.
 */
export const LIMIT = { seconds: 10, waitSeconds: 60, bytes: 1e9 };
/** Milliseconds between two looks. */
const LOOK = 20;
/** A target that is broken altogether needs no thousand faults to say so. */
const MOST_FAULTS = 200;

/** What is run. */
export interface FuzzOptions {
  readonly target: string;
  readonly seed: number;
  /** Seconds after which no input begins; default: no limit. */
  readonly seconds?: number;
  /** Most inputs; default: no limit. */
  readonly inputs?: number;
  /** The one input to run. */
  readonly only?: number;
  /** Called with the text of each input; default: nobody asks for it. */
  readonly onText?: (text: string) => void;
  readonly onFault?: (fault: FuzzFault) => void;
}

/** What came of it. */
export interface FuzzReport {
  readonly accepted: number;
  readonly refused: number;
  readonly faults: readonly FuzzFault[];
  /** From the first input to the last. */
  readonly seconds: number;
}

/** Runs inputs until the time or their number is over. */
export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const { seconds = Infinity, inputs = 2 ** 31 - 1, onFault } = options;
  const faults: FuzzFault[] = [];
  const keep = (fault: FuzzFault) => {
    faults.push(fault);
    onFault?.(fault);
  };
  const counts = { accepted: 0, refused: 0 };
  let from = 0;
  let began: number | undefined;
  const end = () =>
    began !== undefined && performance.now() - began > 1000 * seconds ||
    faults.length >= MOST_FAULTS;
  while (from < inputs) {
    const shared = new Int32Array(new SharedArrayBuffer(64));
    Atomics.store(shared, COUNT.input, -1);
    const job: FuzzJob = {
      target: options.target,
      seed: options.seed,
      from,
      most: inputs - from,
      only: options.only,
      show: options.onText !== undefined,
      shared: shared.buffer as SharedArrayBuffer,
    };
    const fault = await watch(job, {
      shared,
      keep,
      text: options.onText ?? (() => {}),
      end,
      begin: () => began ??= performance.now(),
    });
    counts.accepted += shared[COUNT.accepted]!;
    counts.refused += shared[COUNT.refused]!;
    if (fault === undefined) break;
    const input = shared[COUNT.input]!;
    counts.refused++;
    keep({ input, words: "see --only", fault });
    if (end() || options.only !== undefined) break;
    from = input + 1;
  }
  const ended = performance.now();
  return { ...counts, faults, seconds: (ended - (began ?? ended)) / 1000 };
}

interface Eyes {
  readonly shared: Int32Array;
  readonly keep: (fault: FuzzFault) => void;
  readonly text: (text: string) => void;
  /** Whether no further input is to begin. */
  readonly end: () => boolean;
  /** Called when the first input has begun. */
  readonly begin: () => void;
}

/** Runs a worker to its end; why it had to be ended, undefined if it ended by itself. */
async function watch(job: FuzzJob, eyes: Eyes): Promise<string | undefined> {
  const { shared, keep, text, end, begin } = eyes;
  const worker = new Worker(new URL("fuzz_worker.ts", import.meta.url), {
    type: "module",
  });
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  let last = -1;
  let since = { clock: performance.now(), processor: cpuSeconds() };
  const atStart = Deno.memoryUsage().rss;
  const look = setInterval(() => {
    const input = Atomics.load(shared, COUNT.input);
    if (input >= 0) begin();
    const now = { clock: performance.now(), processor: cpuSeconds() };
    if (input !== last) [last, since] = [input, now];
    if (end()) Atomics.store(shared, COUNT.stop, 1);
    const isRunning = Atomics.load(shared, COUNT.runs) === 1;
    if (isRunning && now.processor - since.processor > LIMIT.seconds) {
      resolve(`no end after ${LIMIT.seconds} s of the processor`);
    }
    if (isRunning && now.clock - since.clock > 1000 * LIMIT.waitSeconds) {
      resolve(`no end after ${LIMIT.waitSeconds} s`);
    }
    const grown = Deno.memoryUsage().rss - atStart;
    if (isRunning && grown > LIMIT.bytes) {
      resolve(`memory grew by ${Math.round(grown / 1e6)} MB`);
    }
  }, LOOK);
  worker.addEventListener("message", ({ data }: MessageEvent<WorkerWord>) => {
    if (data.kind === "text") text(data.text);
    else if (data.kind === "fault") keep(data);
    else resolve(undefined);
  });
  worker.addEventListener("error", (event) => {
    event.preventDefault();
    resolve(`the worker ended: ${event.message}`);
  });
  worker.postMessage(job);
  try {
    return await promise;
  } finally {
    clearInterval(look);
    worker.terminate();
  }
}
