/**
 * Trying again after faults that may pass, with exponential back-off and jitter. A long wait is
 * told to the user, with its reason.
 */
import { tell } from "../../base/notes.ts";
import { printable } from "../../base/printable.ts";
import { formatDuration } from "../../base/units.ts";

/** Most characters of a message: a hub may send names and words of any length. */
const LONGEST_MESSAGE = 2000;

/** A fault of a hub or of the way to it. */
export class HubError extends Error {
  /** `HubError`. */
  override readonly name = "HubError";
  /** Whether another try may succeed. */
  readonly retry: boolean;
  /** Least wait before it, in milliseconds, as the server asks. */
  readonly wait: number;
  /** Most tries in all that end with a fault of this kind, however far they come. */
  readonly tries: number;

  /** Makes an error; `wait` is in milliseconds. */
  constructor(
    message: string,
    options: { retry: boolean; wait?: number; tries?: number },
  ) {
    super(printable(message, LONGEST_MESSAGE));
    this.retry = options.retry;
    this.wait = options.wait ?? 0;
    this.tries = options.tries ?? Infinity;
  }
}

/** How often and how patiently to try. */
export interface RetryOptions {
  /** Tries after the first one that may fail in a row; 4 by default. */
  readonly retries?: number;
  /** Waits so many milliseconds, or until the signal is aborted; tests pass their own. */
  readonly delay?: (
    milliseconds: number,
    signal?: AbortSignal,
  ) => Promise<void>;
  /** Uniform in [0, 1), for the jitter. */
  readonly random?: () => number;
  /** Ends a wait. */
  readonly signal?: AbortSignal;
}

const FIRST_WAIT = 500; // ms
const LONGEST_WAIT = 30_000; // ms
/** The longest wait that a server may ask for; it is asked again after that. */
const LONGEST_ASKED = 300_000; // ms
const DAY = 86_400_000; // ms
/** Waits that are told to the user. */
const TOLD = 5_000; // ms

/**
 * The wait that a server asks for by `Retry-After`: seconds, or a date.
 *
 * @returns milliseconds; 0 if it asks for none
 */
export function askedWait(headers: Headers): number {
  const asked = headers.get("retry-after")?.trim() ?? "";
  const wait = /^\d+$/.test(asked)
    ? Number(asked) * 1000
    : Date.parse(asked) - Date.now();
  return wait > 0 ? wait : 0; // a date that is none gives NaN
}

/** Waits; an aborted signal ends it early. */
function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal?.addEventListener("abort", end);
    if (signal?.aborted) end();
  });
}

/**
 * Calls `attempt` until it succeeds. Only a `HubError` with `retry` is tried again; a try that got
 * further than all before it (`progress` grew) counts as the first, unless its fault has `tries`.
 *
 * @throws the last error, once the tries are used up.
 */
export async function retrying<T>(
  attempt: () => Promise<T>,
  options: RetryOptions = {},
  progress: () => number = () => 0,
): Promise<T> {
  const { retries = 4, delay = sleep, random = Math.random, signal } = options;
  let failures = 0;
  let counted = 0; // faults with `tries`
  let furthest = progress();
  while (true) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof HubError) || !error.retry) throw error;
      const { tries } = error;
      if (tries < Infinity) counted++;
      else if (progress() > furthest) failures = 0;
      furthest = Math.max(furthest, progress());
      if (++failures > retries || counted >= tries) {
        const how = counted >= tries
          ? counted === 1 ? "" : ` (tried ${counted} times)`
          : ` (tried ${failures} times in a row)`;
        throw new HubError(error.message + how, { retry: false });
      }
      const backOff = Math.min(FIRST_WAIT * 2 ** (failures - 1), LONGEST_WAIT);
      const wait = Math.max(
        Math.min(error.wait, LONGEST_ASKED),
        backOff * (0.5 + random() / 2),
      );
      tellWait(error, wait, failures + 1);
      await delay(wait, signal);
      signal?.throwIfAborted();
    }
  }
}

/** Tells why nothing happens for a while. */
function tellWait(
  { message, wait: asked }: HubError,
  wait: number,
  next: number,
): void {
  if (wait < TOLD) return;
  const longer = asked > DAY ? "more than a day" : formatDuration(asked / 1000);
  const more = asked > wait ? `, though it asks for ${longer}` : "";
  const time = formatDuration(wait / 1000);
  tell(`${message}; try ${next} comes in ${time}${more}`);
}
