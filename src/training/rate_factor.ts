/**
 * What the learning rate of a tensor is multiplied by: the one place where rates differ by a parameter's name. The
 * schedule is the same for all. Knows no optimizer.
 */

/** Tensors that learn at a rate of their own. */
export interface RateGroup {
  /** For messages. */
  readonly name: string | null;
  /** Regular expressions of parameter names; a plain part of a name is one. */
  readonly modules: readonly string[];
  /** Their peak rate, in the place of `learning_rate`. */
  readonly lr: number;
}

/** The options that decide. */
export interface RateOptions {
  readonly learning_rate?: number;
  readonly lr_groups?: readonly RateGroup[] | null;
}

/**
 * The factor by the name of a parameter; the first group that fits decides.
 *
 * @throws {RangeError} if groups are given beside a `learning_rate` of 0, or an expression cannot be read
 */
export function rateFactors(
  { learning_rate = 0, lr_groups }: RateOptions,
): (name: string) => number {
  if (!lr_groups || lr_groups.length === 0) return () => 1;
  if (learning_rate === 0) {
    throw new RangeError(
      "Cannot use lr_groups: learning_rate is 0, expected a number above 0, which the schedule scales",
    );
  }
  const groups = lr_groups.map(({ modules, lr }) => ({
    patterns: modules.map(readPattern),
    factor: lr / learning_rate,
  }));
  return (name) =>
    groups.find(({ patterns }) => patterns.some((one) => one.test(name)))
      ?.factor ?? 1;
}

function readPattern(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch {
    throw new RangeError(
      `Cannot use lr_groups: found "${text}" in modules, expected a regular expression`,
    );
  }
}
