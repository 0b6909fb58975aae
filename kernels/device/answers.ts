/**
 * Waits for the device's answers, and no longer than a limit. Some drivers hold this thread while
 * they wait, and then no timer of this thread helps: a thread beside it is told of each call that
 * may be held, see `DeviceWatch`. Knows no buffer.
 */
import type { DeviceKind, DeviceWatch } from "./device_options.ts";
import type { Faults } from "./faults.ts";
import { formatDuration } from "../../src/base/units.ts";

/** Waits for answers of one device. */
export interface Answers {
  /**
   * @throws {DeviceFault} if the device fails meanwhile, or does not answer in time
   */
  wait<T>(ask: () => Promise<T>): Promise<T>;
  /** Runs a call of the driver that may hold this thread. */
  held<T>(call: () => T): T;
}

/**
 * Seconds that an answer may take before any was measured. On a CPU a batch of a large model takes
 * very long, and is at work nonetheless.
 */
const FIRST_LIMIT: Readonly<Record<DeviceKind, number>> = {
  gpu: 30 * 60,
  cpu: 2 * 60 * 60,
};
/** An answer may take so many times as long as the slowest so far, if that is more. */
const TIMES_THE_SLOWEST = 20;
/**
 * The limit passes in so many ticks of a timer: time in which the process is stopped, or the
 * machine sleeps, is one tick at most.
 */
const TICKS = 20;
/** Ends a wait; what failed is known to the faults. */
const FAILED = Symbol("failed");
/** A timer waits at most 2^31 - 1 milliseconds. */
const LONGEST_TICK = 2 ** 31 - 1;
/** A device that fails tells so in an event, which comes up to so many milliseconds later. */
const EVENT_TIME = 100;

/**
 * @param seconds the limit, 0 is none; undefined: 20 times the slowest answer so far, and at least
 *   half an hour on a GPU, two hours on a CPU
 */
export function createAnswers(
  faults: Faults,
  { kind, seconds, watch }: {
    readonly kind: DeviceKind;
    readonly seconds: number | undefined;
    readonly watch: DeviceWatch | undefined;
  },
): Answers {
  let slowest = 0;
  const limitNow = () =>
    seconds ?? Math.max(FIRST_LIMIT[kind], TIMES_THE_SLOWEST * slowest);

  /** A refusal says nothing of its cause: that comes in an event, or the device is lost. */
  async function eventsOf(refusal: unknown): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, EVENT_TIME));
    faults.throwFirst();
    const words = refusal instanceof Error ? refusal.message : String(refusal);
    faults.fail("lost", `the device was lost (${words})`);
  }

  /** Ends at the limit or at a fault; `stop` frees the timer. */
  function cut(limit: number): { cut: Promise<never>; stop: () => void } {
    const { promise, reject } = Promise.withResolvers<never>();
    const forget = faults.onFail(() => reject(FAILED));
    let ticks = 0;
    const tick = () => {
      if (++ticks < TICKS) return;
      const time = formatDuration(limit);
      faults.fail("no answer", `the device did not answer within ${time}`);
    };
    const milliseconds = Math.min(limit * 1000 / TICKS, LONGEST_TICK);
    const timer = limit > 0 ? setInterval(tick, milliseconds) : undefined;
    return {
      cut: promise,
      stop() {
        clearInterval(timer);
        forget();
      },
    };
  }

  return {
    async wait(ask) {
      faults.throwFirst();
      const limit = limitNow();
      const began = performance.now();
      watch?.enter(limit);
      const { cut: ended, stop } = cut(limit);
      try {
        const answer = await Promise.race([ask(), ended]);
        slowest = Math.max(slowest, (performance.now() - began) / 1000);
        return answer;
      } catch (error) {
        if (error !== FAILED) await eventsOf(error);
        throw error;
      } finally {
        stop();
        watch?.leave();
        faults.throwFirst();
      }
    },
    held(call) {
      if (!watch) return call();
      watch.enter(limitNow());
      try {
        return call();
      } finally {
        watch.leave();
      }
    },
  };
}
