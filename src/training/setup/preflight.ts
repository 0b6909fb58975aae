/**
 * What must be true before and just after the first step of a run: something is trained, the policy
 * starts equal to its reference, and a step changes it. Each check stops the run with one line.
 */
import { elements } from "../../../kernels/device/tensor.ts";
import type { Parameter } from "../../autograd/parameter.ts";
import type { Model } from "../../model/decoder/model.ts";
import { logpsOf } from "../loop/batch_logps.ts";
import type { Objective } from "../method/objective.ts";

/**
 * How far two sums of the same log-probabilities may be apart, relative to their size: they are
 * added in float32 in two orders.
 */
const SUM_TOLERANCE = 2e-5;

/** Fails unless something is trained; gives the number of trained numbers. */
export function checkTrainable(parameters: readonly Parameter[]): number {
  const count = parameters.reduce(
    (sum, { value }) => sum + elements(value.shape),
    0,
  );
  if (count > 0) return count;
  throw new RangeError(
    "Cannot train: 0 trainable parameters, expected at least 1; check lora_target_modules",
  );
}

/**
 * Fails unless the policy equals the reference on the given examples: margin 0, and for the sigmoid
 * loss ln 2.
 *
 * @param reference the reference's column of these examples, `[sequences]`
 * @returns the loss before the first step, in nats
 */
export async function checkStart<Example extends { readonly line: number }>(
  model: Model,
  examples: readonly Example[],
  reference: Float64Array,
  objective: Objective<Example>,
): Promise<number> {
  const batch = objective.batch(examples);
  const statistics = await logpsOf(model, batch);
  const column = objective.column(batch, statistics);
  const lossAgainst = (reference: Float64Array) => {
    const whole = { parts: 1, targets: batch.targetRows.length };
    return objective.score(batch, statistics, reference, whole).loss;
  };
  const loss = lossAgainst(reference);
  const gaps = column.map((sum, i) => Math.abs(sum - reference[i]!));
  const far = gaps.findIndex((gap, i) =>
    !(gap <= SUM_TOLERANCE * (10 + Math.abs(column[i]!)))
  );
  if (far < 0) return loss;
  const width = column.length / examples.length;
  throw new Error(
    `Cannot start training: before the first step the loss is ${loss}, expected ${
      lossAgainst(column)
    }; on the row of line ${
      examples[Math.floor(far / width)]!.line
    } policy and reference are ${gaps[far]} nats apart, expected 0`,
  );
}

/**
 * Keeps a few trained numbers, to see later whether they changed: the first ones of matrices in all
 * parts of the model. The weights of norms are left out: they are near 1, where float32 cannot hold
 * the change by a small rate. So is half `A` of a new adapter: it has no gradient before half `B`
 * has changed.
 */
export async function watchWeights(
  { device }: Pick<Model, "device">,
  parameters: readonly Parameter[],
): Promise<() => Promise<void>> {
  const moving = parameters.filter(({ name, value }) =>
    value.shape.length === 2 && !name.endsWith(".lora_A.weight")
  );
  const candidates = moving.length > 0 ? moving : parameters;
  const stride = Math.ceil(candidates.length / WATCHED);
  const watched = candidates.filter((_, i) => i % stride === 0);
  const read = () =>
    Promise.all(watched.map(({ value }) => {
      const count = Math.min(elements(value.shape), WATCHED_ELEMENTS);
      return device.read({ ...value, shape: [count] });
    }));
  const before = await read();
  return async () => {
    const after = await read();
    const changed = after.some((values, i) =>
      values.some((value, k) => value !== before[i]![k])
    );
    if (changed) return;
    throw new Error(
      "Cannot go on training: the first step changed no weight; check learning_rate and lora_target_modules",
    );
  };
}

const WATCHED = 16;
const WATCHED_ELEMENTS = 4096;
