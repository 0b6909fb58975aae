/**
 * Which of a model's own parameters are trained where not all are: by name, or by block. Knows
 * names only.
 */

/** What is trained; both null: all. */
export interface TrainedParameters {
  /** Regular expressions, each matched from the start of a name; those of a checkpoint. */
  readonly unfrozen_parameters: readonly string[] | null;
  /** So many of the last blocks; negative: of the first ones. */
  readonly freeze_trainable_layers: number | null;
}

/** Whether a parameter is trained, by its name. */
export type IsTrained = (name: string) => boolean;

/**
 * The rule that options give for a model.
 *
 * @param names all tensors of its checkpoint
 * @param blocks how many it has
 * @returns undefined where all are trained
 * @throws {TypeError} naming every expression that is none or matches nothing
 * @throws {RangeError} if there are not so many blocks
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
): [RegExp | undefined, problem: string | undefined] {
  if (/\[\d*:\d*\]$/.test(text)) {
    return [
      undefined,
      `"${text}" asks for some rows, expected whole parameters`,
    ];
  }
  try {
    const expression = new RegExp(`^(?:${text})`);
    if (names.some((name) => expression.test(name))) {
      return [expression, undefined];
    }
  } catch {
    return [undefined, `"${text}" is not a regular expression`];
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
    const number = /^model\.layers\.(\d+)\./.exec(name)?.[1];
    return number !== undefined && Number(number) >= first &&
      Number(number) < end;
  };
}
