/** Makes the `loop` variable of a template's for loop. */
import {
  equal,
  type Value,
  wrap,
  wrapDict,
  wrapFunction,
  wrapTuple,
} from "./values.ts";

/**
 * Gives the `loop` variable of iteration `i` (from 0) over `items`. All iterations share the values
 * that `loop.changed` has seen.
 */
export function loopRecords(items: readonly Value[]): (i: number) => Value {
  const none = wrap(undefined);
  let seen: Value | undefined;
  const changed = wrapFunction((args) => {
    const now = wrapTuple(args);
    const isNew = seen === undefined || !equal(seen, now);
    seen = now;
    return wrap(isNew);
  });
  return (i) => {
    const record: Record<string, unknown> = {
      index: i + 1,
      index0: i,
      revindex: items.length - i,
      revindex0: items.length - i - 1,
      first: i === 0,
      last: i === items.length - 1,
      length: items.length,
      depth: 1, // recursive loops are not served, so the depth is always 1
      depth0: 0,
    };
    const entries = Object.entries(record).map(([key, value]) =>
      [key, wrap(value)] as const
    );
    return wrapDict([
      ...entries,
      ["previtem", items[i - 1] ?? none],
      ["nextitem", items[i + 1] ?? none],
      ["cycle", wrapFunction((args) => args[i % args.length] ?? none)],
      ["changed", changed],
    ]);
  };
}
