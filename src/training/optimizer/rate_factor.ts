/**
 * What the learning rate of a tensor is multiplied by: the one place where rates differ by a
 * parameter's name. The schedule is the same for all. Knows no optimizer.
 */
import {
  boundedExpression,
  type Expression,
  expressionFault,
} from "../../base/expression.ts";

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
  /** LoRA+: of half B to half A, 2 to 16 is usual; null is 1. Means nothing without an adapter. */
  readonly loraplus_lr_ratio?: number | null;
}

/** What of a parameter its rate depends on. */
export interface RatedParameter {
  readonly name: string;
  readonly value: { readonly shape: readonly number[] };
}

/** By what a parameter's learning rate is multiplied. */
export type RateFactor = (parameter: RatedParameter) => number;

/**
 * The factor of a parameter: the first group that its name fits, times LoRA+'s.
 *
 * @throws {RangeError} if groups are given beside a `learning_rate` of 0, or an expression cannot
 *   be read
 */
export function rateFactors(
  { learning_rate = 0, lr_groups, loraplus_lr_ratio = null }: RateOptions,
): RateFactor {
  const ofHalf = loraPlusFactor(loraplus_lr_ratio);
  if (!lr_groups || lr_groups.length === 0) return ofHalf;
  if (learning_rate === 0) {
    throw new RangeError(
      "Cannot use lr_groups: learning_rate is 0, expected a number above 0, which the schedule scales",
    );
  }
  const groups = lr_groups.map(({ modules, lr }) => ({
    patterns: modules.map(readPattern),
    factor: lr / learning_rate,
  }));
  const ofGroup = (name: string) =>
    groups.find(({ patterns }) => patterns.some((one) => one.test(name)))
      ?.factor ?? 1;
  return (parameter) => ofGroup(parameter.name) * ofHalf(parameter);
}

/**
 * As in PEFT, vectors are as fast as half B: magnitudes, and norms that are saved in full. Source:
 * https://arxiv.org/abs/2402.12354.
 */
export function loraPlusFactor(ratio: number | null): RateFactor {
  return ({ name, value }) => {
    const isFast = name.includes(".lora_B.") || value.shape.length === 1;
    return ratio !== null && isFast ? ratio : 1;
  };
}

function readPattern(text: string): Expression {
  try {
    return boundedExpression(text);
  } catch (error) {
    throw new RangeError(
      `Cannot use lr_groups: in modules ${
        expressionFault(text, error)
      }, expected a regular expression`,
    );
  }
}
