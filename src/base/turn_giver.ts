/**
 * Lets timers and signals run during long loops. A read from a device blocks the thread and
 * resolves before they are handled, so a loop must wait for them now and then.
 *
 * @module
 */

/**
 * Makes a function that a loop awaits in each iteration. It lets timers and signals run if `every`
 * milliseconds have passed since it last did.
 */
export function turnGiver(every = 50): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < every) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
    last = performance.now();
  };
}
