/**
 * Reading from a device holds the thread and resolves before timers and signals are seen: a long
 * loop gives them a turn now and then.
 *
 * @module
 */

/**
 * Makes a function to await in each round of a loop; it lets others run if `every` milliseconds
 * have passed.
 */
export function turnGiver(every = 50): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < every) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
    last = performance.now();
  };
}
