/** Chooses which parameters of a model are trained, by name or by block. Knows names only. */

import {
  boundedExpression,
  type Expression,
  expressionFault,
} from "../../base/expression.ts";

/** The choice of a user; if both are null, all parameters are trained. */
export interface TrainedParameters {
  /** Regular expressions for the beginning of parameter names in the checkpoint. */
  readonly unfrozen_parameters: readonly string[] | null;
  /** How many of the last blocks are trained; if negative, how many of the first ones. */
  readonly freeze_trainable_layers: number | null;
}

/** Whether a parameter is trained, by its name. */
export type IsTrained = (name: string) => boolean;

/**
 * The rule by which a user's choice applies to a model.
 *
 * @param names the names of all tensors of the checkpoint
 * @param blocks the number of the model's blocks
 * @returns undefined if all parameters are trained
 * @throws {TypeError} naming all expressions that are invalid or match nothing
 * @throws {RangeError} if the model has fewer blocks than are chosen
 */
export function trainedRule(
  { unfrozen_parameters, freeze_trainable_layers: count }: TrainedParameters,
  { names, blocks }: {
    readonly names: readonly string[];
    readonly blocks: number;
  },
): IsTrained | undefined {
  if (unfrozen_parameters === null && count === null) return undefined;
  const problems: string[] = [];
  const expressions = (unfrozen_parameters ?? []).flatMap((text) => {
    const [expression, problem] = read(text, names);
    if (problem !== undefined) problems.push(problem);
    return expression ?? [];
  });
  if (problems.length > 0) {
    throw new TypeError(
      `Cannot choose what is trained: in unfrozen_parameters ${
        problems.join("; ")
      }`,
    );
  }
  const inBlocks = blockRule(count ?? 0, blocks);
  return (name) =>
    inBlocks(name) || expressions.some((expression) => expression.test(name));
}

function read(
  text: string,
  names: readonly string[],
): [Expression | undefined, problem: string | undefined] {
  if (/\[\d*:\d*\]$/.test(text)) {
    return [
      undefined,
      `"${text}" asks for some rows, expected whole parameters`,
    ];
  }
  try {
    const expression = boundedExpression(`^(?:${text})`);
    if (names.some((name) => expression.test(name))) {
      return [expression, undefined];
    }
  } catch (error) {
    return [undefined, expressionFault(text, error)];
  }
  return [
    undefined,
    `"${text}" matches none, expected the beginning of a name such as "${
      names.at(-1)
    }"`,
  ];
}

function blockRule(count: number, blocks: number): IsTrained {
  if (Math.abs(count) > blocks) {
    throw new RangeError(
      `Cannot choose what is trained: freeze_trainable_layers is ${count}, expected -${blocks} to ${blocks}, the number of blocks`,
    );
  }
  const [first, end] = count < 0 ? [0, -count] : [blocks - count, blocks];
  return (name) => {
    const number = /(?:^|\.)layers\.(\d+)\./.exec(name)?.[1];
    return number !== undefined && Number(number) >= first &&
      Number(number) < end;
  };
}
