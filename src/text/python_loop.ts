/**
 * The `loop` variable of a template's for loop.
 */
import { type Value, wrap, wrapDict } from "./python_values.ts";

/** The `loop` variable of round `i` (from 0) over `items`. */
export function loopRecord(items: readonly Value[], i: number): Value {
  const record: Record<string, unknown> = {
    index: i + 1,
    index0: i,
    revindex: items.length - i,
    revindex0: items.length - i - 1,
    first: i === 0,
    last: i === items.length - 1,
    length: items.length,
  };
  const entries = Object.entries(record).map(([key, value]) =>
    [key, wrap(value)] as const
  );
  const none = wrap(undefined);
  return wrapDict([
    ...entries,
    ["previtem", items[i - 1] ?? none],
    ["nextitem", items[i + 1] ?? none],
  ]);
}
