/**
 * Owns the optimizer's state of every trained tensor, and applies one step to all. Knows no schedule, no loss, no
 * file. To add an optimizer is to add a row.
 */
import { adamw } from "../../kernels/adamw.ts";
import type { Device } from "../../kernels/device.ts";
import { clippedNorm, gradientClip } from "../../kernels/gradient_clip.ts";
import { rmsprop } from "../../kernels/rmsprop.ts";
import { sgd } from "../../kernels/sgd.ts";
import type { Tensor } from "../../kernels/tensor.ts";
import {
  type Parameter,
  refreshWeight,
  type Vector,
  type Weight,
} from "../autograd/parameter.ts";
import type { RateFactor } from "./rate_factors.ts";

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
  /** Gradients are scaled down to this L2 norm; 0 is no bound. */
  readonly maxGradNorm: number;
  /** Measures the gradients and changes nothing. */
  readonly refuse?: boolean;
}

type Slots = Readonly<Record<string, Tensor>>;

interface Update {
  readonly learningRate: number;
  /** `[2]`, from `gradientClip()`. */
  readonly clip: Tensor;
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
  /** `[2]`; read it in the wait that comes next, `clippedNorm()` tells the norm of the last step's gradients. */
  readonly clip: Tensor;
  #device: Device;
  #weights: readonly (Weight | Vector)[];
  #options: OptimizerOptions;
  #row: Row;
  #rateFactor: RateFactor;
  #slots: Map<Parameter, Slots>;

  /**
   * @param weights those that are trained; see `trainedWeights()`
   * @param rateFactor by what each parameter's learning rate is multiplied; default 1
   */
  constructor(
    device: Device,
    weights: readonly (Weight | Vector)[],
    options: OptimizerOptions,
    rateFactor: RateFactor = () => 1,
  ) {
    this.#device = device;
    this.#weights = weights;
    this.#options = options;
    this.#row = ROWS[options.optim];
    this.#rateFactor = rateFactor;
    this.clip = device.zeros([2]);
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

  /** The L2 norm of all gradients; NaN or infinite if one of them is. Waits for the device. */
  async gradientNorm(): Promise<number> {
    this.#measure(0);
    return clippedNorm(await this.#device.read(this.clip));
  }

  #measure(maxGradNorm: number): void {
    const gradients = this.parameters.map(({ gradient }) => gradient);
    gradientClip(this.#device, gradients, maxGradNorm, this.clip);
  }

  /**
   * Changes all trained tensors by their gradients, and brings their packed forms up to date. Nothing changes if a
   * gradient is not finite, which `clip` tells.
   */
  step({ learningRate, maxGradNorm, refuse = false }: OptimizerStep): void {
    this.steps++;
    this.#measure(maxGradNorm);
    if (refuse) return;
    const { clip } = this;
    for (const parameter of this.parameters) {
      const { name, value: weight, gradient } = parameter;
      const weightDecay = isDecayed(name) ? this.#options.weight_decay : 0;
      const update = {
        weight,
        gradient,
        step: this.steps,
        learningRate: learningRate * this.#rateFactor(parameter),
        clip,
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
