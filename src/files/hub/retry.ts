/**
 * Trying again after faults that may pass, with exponential back-off and jitter.
 */

/** A fault of a hub or of the way to it. */
export class HubError extends Error {
  /** `HubError`. */
  override readonly name = "HubError";
  /** Whether another try may succeed. */
  readonly retry: boolean;
  /** Least wait before it, in milliseconds, as the server asks. */
  readonly wait: number;

  /** Makes an error; `wait` is in milliseconds. */
  constructor(message: string, options: { retry: boolean; wait?: number }) {
    super(message);
    this.retry = options.retry;
    this.wait = options.wait ?? 0;
  }
}

/** How often and how patiently to try. */
export interface RetryOptions {
  /** Tries after the first one that may fail in a row; 5 by default. */
  readonly retries?: number;
  /** Waits so many milliseconds; tests pass their own. */
  readonly delay?: (milliseconds: number) => Promise<void>;
  /** Uniform in [0, 1), for the jitter. */
  readonly random?: () => number;
}

const FIRST_WAIT = 500; // ms
const LONGEST_WAIT = 30_000; // ms

const sleep = (milliseconds: number) =>
  new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

/**
 * Calls `attempt` until it succeeds. Only a `HubError` with `retry` is tried again; a try that got
 * further than all before it (`progress` grew) counts as the first.
 *
 * @throws the last error, once the tries are used up.
 */
export async function retrying<T>(
  attempt: () => Promise<T>,
  options: RetryOptions = {},
  progress: () => number = () => 0,
): Promise<T> {
  const { retries = 5, delay = sleep, random = Math.random } = options;
  let failures = 0;
  let furthest = progress();
  while (true) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof HubError) || !error.retry) throw error;
      if (progress() > furthest) failures = 0;
      furthest = Math.max(furthest, progress());
      if (++failures > retries) {
        throw new HubError(
          `${error.message} (tried ${failures} times in a row)`,
          { retry: false },
        );
      }
      const backOff = Math.min(FIRST_WAIT * 2 ** (failures - 1), LONGEST_WAIT);
      await delay(Math.max(error.wait, backOff * (0.5 + random() / 2)));
    }
  }
}
