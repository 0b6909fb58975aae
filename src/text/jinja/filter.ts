/**
 * The type of a template's filter: it takes a value and arguments and gives a value. The filters
 * themselves are in filters.ts and collections.ts.
 */
import type { Value } from "./values.ts";

/** The arguments of a call: by position and by name. */
export interface FilterArguments {
  readonly args: readonly Value[];
  readonly named: ReadonlyMap<string, Value>;
}

/** What a filter gets beside its value. */
export interface FilterCall {
  /** Finds an argument by its name, whether it was given by position or by name. */
  readonly get: (name: string) => Value | undefined;
  /** All arguments that were given by position. */
  readonly args: readonly Value[];
  /** All arguments that were given by name. */
  readonly named: ReadonlyMap<string, Value>;
  /** Applies another filter by its name. */
  readonly filter: (
    name: string,
    value: Value,
    args: readonly Value[],
  ) => Value;
  /** Applies a test by its name. */
  readonly test: (
    name: string,
    value: Value,
    args: readonly Value[],
  ) => boolean;
}

/**
 * One filter: the names of its arguments, in order (`*` allows any), and what it computes. If `run`
 * gives undefined, the npm engine's own filter is applied.
 */
export interface Filter {
  readonly params?: readonly string[];
  readonly run: (value: Value, call: FilterCall) => Value | undefined;
}
