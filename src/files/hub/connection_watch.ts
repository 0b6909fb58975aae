/** Ends connections on which nothing comes, too little comes, or which take too long. */

/** What a connection is held to. */
export interface WatchLimits {
  /** Milliseconds without a byte after which it counts as broken. */
  readonly idle: number;
  /** Milliseconds that all of it may take; default: no limit. */
  readonly total?: number;
  /** Least bytes a second, counted over `idle` milliseconds; default: no limit. */
  readonly floor?: number;
}

/** A watched connection. It must be disposed when it ends. */
export interface Watch extends Disposable {
  /** Aborted when a limit is broken; the reason is a TypeError, as faults of connections are. */
  readonly signal: AbortSignal;
  /** Tells that bytes came. */
  touch(bytes: number): void;
  /** Whether bytes came, but too few of them or for too long. */
  readonly isSlow: boolean;
}

const seconds = (milliseconds: number) => `${milliseconds / 1000} seconds`;

/** Starts to watch a connection. */
export function watchConnection(
  { idle, total, floor }: WatchLimits,
): Watch {
  const controller = new AbortController();
  let isSlow = false;
  const end = (words: string, slow: boolean) => {
    if (controller.signal.aborted) return;
    isSlow = slow;
    controller.abort(new TypeError(words));
  };
  const silent = () => end(`no byte came for ${seconds(idle)}`, false);
  let silence = setTimeout(silent, idle);
  let counted = 0;
  const pace = floor === undefined ? undefined : setInterval(() => {
    if (counted > 0 && counted < floor * idle / 1000) {
      end(
        `only ${counted} bytes came in ${seconds(idle)}, expected at least ` +
          `${floor} a second`,
        true,
      );
    }
    counted = 0;
  }, idle);
  const length = total === undefined ? undefined : setTimeout(
    () => end(`it took longer than ${seconds(total)}`, true),
    total,
  );
  return {
    signal: controller.signal,
    touch(bytes) {
      counted += bytes;
      clearTimeout(silence);
      silence = setTimeout(silent, idle);
    },
    get isSlow() {
      return isSlow;
    },
    [Symbol.dispose]() {
      clearTimeout(silence);
      clearInterval(pace);
      clearTimeout(length);
    },
  };
}
