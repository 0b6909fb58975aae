/**
 * The optimizers by transformers' names, and what `optim_args` may set of each. Knows no formula
 * and no device; what a step does is a row of optimizer_updates.ts.
 */

/** Name, to what `optim_args` may hold with its default. */
export const optimizerArgs = {
  adamw_torch: {},
  adamw_8bit: {},
  adafactor: { clip_threshold: 1, decay_rate: -0.8 },
  lion_32bit: {},
  rmsprop: { alpha: 0.99, eps: 1e-8, momentum: 0 },
  sgd: { momentum: 0 },
  adagrad: { eps: 1e-10 },
  muon: { momentum: 0.95, nesterov: 1, ns_steps: 5 },
} as const satisfies Readonly<Record<string, OptimizerArgs>>;

/** Numbers of an optimizer by their names in torch. */
export type OptimizerArgs = Readonly<Record<string, number>>;

/** A name in the table of optimizers. */
export type OptimizerName = keyof typeof optimizerArgs;

/** The names in the table of optimizers. */
export const optimizerNames = Object.keys(optimizerArgs) as OptimizerName[];

/** Other names of the same arithmetic: fused, paged, of another library. */
export const optimizerSynonyms: Readonly<Record<string, OptimizerName>> = {
  adamw: "adamw_torch",
  adamw_hf: "adamw_torch",
  adamw_torch_fused: "adamw_torch",
  adamw_torch_xla: "adamw_torch",
  adamw_torch_npu_fused: "adamw_torch",
  adamw_apex_fused: "adamw_torch",
  paged_adamw: "adamw_torch",
  paged_adamw_32bit: "adamw_torch",
  adamw_bnb_8bit: "adamw_8bit",
  adamw_torch_8bit: "adamw_8bit",
  paged_adamw_8bit: "adamw_8bit",
  lion: "lion_32bit",
  paged_lion_32bit: "lion_32bit",
  rmsprop_bnb: "rmsprop",
  rmsprop_bnb_32bit: "rmsprop",
};

/** The least and the largest value of each number. */
const ranges: Readonly<Record<string, readonly [number, number]>> = {
  momentum: [0, 0.9999999],
  alpha: [0, 0.9999999],
  eps: [0, 1],
  clip_threshold: [1e-6, 1e6],
  decay_rate: [-10, 0],
  nesterov: [0, 1],
  ns_steps: [1, 99],
};

/** Those that are whole numbers. */
const WHOLE = ["nesterov", "ns_steps"];

/**
 * The numbers of an optimizer: the given ones, and defaults for the others.
 *
 * @throws {RangeError} naming each that it does not take, or that is out of its range
 */
export function readOptimArgs(
  optim: OptimizerName,
  given: OptimizerArgs | null | undefined,
): OptimizerArgs {
  const defaults: OptimizerArgs = optimizerArgs[optim];
  const problems = Object.entries(given ?? {}).flatMap(([key, value]) => {
    if (!Object.hasOwn(defaults, key)) {
      const wanted = Object.keys(defaults).join(", ") || "none";
      return [`found "${key}", expected ${wanted}`];
    }
    const [least, most] = ranges[key]!;
    const isWhole = Number.isInteger(value) || !WHOLE.includes(key);
    return isWhole && value >= least && value <= most
      ? []
      : [`${key} is ${value}, expected ${least} to ${most}`];
  });
  if (problems.length > 0) {
    throw new RangeError(
      `Cannot set "${optim}" by optim_args: ${problems.join("; ")}`,
    );
  }
  return { ...defaults, ...given };
}
