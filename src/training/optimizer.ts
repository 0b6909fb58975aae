/**
 * Owns the optimizer's state of every trained tensor, and applies one step to all. Knows no schedule, no loss, no
 * file. To add an optimizer is to add a row.
 */
import { adamw } from "../../kernels/adamw.ts";
import type { Device } from "../../kernels/device.ts";
import { rmsprop } from "../../kernels/rmsprop.ts";
import { sgd } from "../../kernels/sgd.ts";
import { sumOfSquares, totalOfBlocks } from "../../kernels/sum_of_squares.ts";
import type { Tensor } from "../../kernels/tensor.ts";
import {
  type Parameter,
  refreshWeight,
  type Vector,
  type Weight,
} from "../autograd/parameter.ts";

/** Options of all optimizers, by their names in the recipe. */
export interface OptimizerOptions {
  readonly optim: OptimizerName;
  readonly adam_beta1: number;
  readonly adam_beta2: number;
  readonly adam_epsilon: number;
  /** Decays all but biases and norms. */
  readonly weight_decay: number;
}

/** One step, the same for all tensors. */
export interface OptimizerStep {
  readonly learningRate: number;
  /** What gradients are multiplied by first: the clipping factor. */
  readonly gradientScale: number;
}

type Slots = Readonly<Record<string, Tensor>>;

interface Update extends OptimizerStep {
  readonly weight: Tensor;
  readonly gradient: Tensor;
  /** Number of this step, from 1. */
  readonly step: number;
  readonly weightDecay: number;
}

interface Row {
  /** State tensors of a parameter's shape, zero at the start, by torch's names. */
  readonly slots: readonly string[];
  readonly update: (
    device: Device,
    update: Update,
    slots: Slots,
    options: OptimizerOptions,
  ) => void;
}

const ROWS = {
  adamw_torch: {
    slots: ["exp_avg", "exp_avg_sq"],
    update: (device, { weight, gradient, ...step }, slots, options) =>
      adamw(
        device,
        { weight, gradient, m: slots["exp_avg"]!, v: slots["exp_avg_sq"]! },
        {
          ...step,
          beta1: options.adam_beta1,
          beta2: options.adam_beta2,
          eps: options.adam_epsilon,
        },
      ),
  },
  rmsprop: {
    slots: ["square_avg"],
    update: (device, { weight, gradient, ...step }, slots) =>
      rmsprop(device, { weight, gradient, v: slots["square_avg"]! }, step),
  },
  sgd: {
    slots: [],
    update: (device, { weight, gradient, ...step }) =>
      sgd(device, { weight, gradient }, step),
  },
} as const satisfies Record<string, Row>;

/** A name in the table of optimizers. */
export type OptimizerName = keyof typeof ROWS;

/** The names in the table of optimizers. */
export const optimizerNames = Object.keys(ROWS) as OptimizerName[];

/** Whether weight decay applies, by transformers' rule: not to biases and norms. */
export function isDecayed(name: string): boolean {
  return !/bias$|norm/i.test(name);
}

/** The optimizer of one run. */
export class Optimizer {
  /** Steps taken. */
  steps = 0;
  readonly parameters: readonly Parameter[];
  #device: Device;
  #weights: readonly (Weight | Vector)[];
  #options: OptimizerOptions;
  #row: Row;
  #slots: Map<Parameter, Slots>;

  /** @param weights those that are trained; see `trainedWeights()` */
  constructor(
    device: Device,
    weights: readonly (Weight | Vector)[],
    options: OptimizerOptions,
  ) {
    this.#device = device;
    this.#weights = weights;
    this.#options = options;
    this.#row = ROWS[options.optim];
    this.parameters = weights.flatMap(({ parameter }) => parameter ?? []);
    this.#slots = new Map(
      this.parameters.map((parameter) => [
        parameter,
        Object.fromEntries(
          this.#row.slots.map((
            slot,
          ) => [slot, device.zeros(parameter.value.shape)]),
        ),
      ]),
    );
  }

  /** Sets all gradients to zero. */
  zeroGradients(): void {
    for (const { gradient } of this.parameters) {
      this.#device.record((encoder) => encoder.clearBuffer(gradient.buffer));
    }
  }

  /** The L2 norm of all gradients; NaN or infinite if one of them is. */
  async gradientNorm(): Promise<number> {
    using _scope = this.#device.scope();
    const partials = sumOfSquares(
      this.#device,
      this.parameters.map(({ gradient }) => gradient),
    );
    return Math.sqrt(totalOfBlocks(await this.#device.read(partials)));
  }

  /** Changes all trained tensors by their gradients, and brings their packed forms up to date. */
  step({ learningRate, gradientScale }: OptimizerStep): void {
    this.steps++;
    for (const parameter of this.parameters) {
      const { name, value: weight, gradient } = parameter;
      const weightDecay = isDecayed(name) ? this.#options.weight_decay : 0;
      const update = {
        weight,
        gradient,
        step: this.steps,
        learningRate,
        gradientScale,
        weightDecay,
      };
      this.#row.update(
        this.#device,
        update,
        this.#slots.get(parameter)!,
        this.#options,
      );
    }
    this.refresh();
  }

  /** Brings the packed forms of all trained weights up to date, after their values were written. */
  refresh(): void {
    for (const weight of this.#weights) {
      if ("matrix" in weight) refreshWeight(this.#device, weight);
    }
  }

  /** The state tensors by name, `<slot>.<parameter>`, for checkpoints. */
  state(): { readonly name: string; readonly tensor: Tensor }[] {
    return [...this.#slots].flatMap(([{ name }, slots]) =>
      Object.entries(slots).map(([slot, tensor]) => ({
        name: `${slot}.${name}`,
        tensor,
      }))
    );
  }
}
