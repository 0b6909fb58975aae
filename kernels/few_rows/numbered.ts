/** Names and places of the parts of one launch that is for several at once. Knows no kernel. */

/** `{ [name + "0"]: values[0], … }`, as texts that are written for any number of parts name their bindings and params. */
export function numbered<T>(
  name: string,
  values: readonly T[],
): Record<string, T> {
  return Object.fromEntries(values.map((value, i) => [`${name}${i}`, value]));
}

/** Where each part begins if they lie one after another, and where the last one ends: `[counts + 1]`. */
export function runningSums(counts: readonly number[]): number[] {
  let sum = 0;
  return [0, ...counts.map((count) => sum += count)];
}
