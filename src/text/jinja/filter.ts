/**
 * What a filter of a template is: a value and arguments in, a value out. The table is
 * python_filters.ts.
 */
import type { Value } from "./values.ts";

/** A call's arguments, by place and by name. */
export interface Arguments {
  readonly args: readonly Value[];
  readonly named: ReadonlyMap<string, Value>;
}

/** What a filter is given beside its value. */
export interface FilterCall {
  /** An argument by its name, given by place or by name. */
  readonly get: (name: string) => Value | undefined;
  /** All that were given by place. */
  readonly args: readonly Value[];
  /** All that were given by name. */
  readonly named: ReadonlyMap<string, Value>;
  /** Another filter, by its name. */
  readonly filter: (
    name: string,
    value: Value,
    args: readonly Value[],
  ) => Value;
  /** A test, by its name. */
  readonly test: (
    name: string,
    value: Value,
    args: readonly Value[],
  ) => boolean;
}

/**
 * One row of the table: the names of its arguments, in order, `*` for any; undefined leaves it to
 * the engine.
 */
export interface Filter {
  readonly params?: readonly string[];
  readonly run: (value: Value, call: FilterCall) => Value | undefined;
}
