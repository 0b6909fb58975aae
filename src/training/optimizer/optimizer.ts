/**
 * Owns the optimizer's state of every trained tensor, and applies one step to all. Knows no
 * formula, no schedule, no loss, no file.
 */
import type { Device } from "../../../kernels/device/device.ts";
import {
  clippedNorm,
  gradientClip,
} from "../../../kernels/optimizers/gradient_clip.ts";
import type { Tensor } from "../../../kernels/device/tensor.ts";
import {
  type Parameter,
  refreshWeight,
  type Vector,
  type Weight,
} from "../../autograd/parameter.ts";
import {
  type OptimizerArgs,
  type OptimizerName,
  readOptimArgs,
} from "./optimizer_names.ts";
import {
  type AdamNumbers,
  type Slots,
  type UpdateRow,
  updateRows,
} from "./optimizer_updates.ts";
import {
  type RateFactor,
  rateFactors,
  type RateOptions,
} from "./rate_factor.ts";

/** Options of all optimizers, by their names in the recipe. */
export interface OptimizerOptions extends AdamNumbers, RateOptions {
  readonly optim: OptimizerName;
  /** See `optimizerArgs`. */
  readonly optim_args?: OptimizerArgs | null;
  /** Decays all but biases and norms. */
  readonly weight_decay: number;
}

/** One step of all tensors. */
export interface OptimizerStep {
  /** The rate of the parameters that no group of `lr_groups` names. */
  readonly learningRate: number;
  /** Gradients are scaled down to this L2 norm; 0 is no bound. */
  readonly maxGradNorm: number;
  /** Measures the gradients and changes nothing. */
  readonly refuse?: boolean;
}

/** Whether weight decay applies, by transformers' rule: not to biases and norms. */
export function isDecayed(name: string): boolean {
  return !/bias$|norm/i.test(name);
}

/** The optimizer of one run. */
export class Optimizer {
  /** Steps taken. */
  steps = 0;
  readonly parameters: readonly Parameter[];
  /**
   * `[2]`; read it in the wait that comes next, `clippedNorm()` tells the norm of the last step's
   * gradients.
   */
  readonly clip: Tensor;
  #device: Device;
  #weights: readonly (Weight | Vector)[];
  #options: OptimizerOptions & { readonly args: OptimizerArgs };
  #row: UpdateRow;
  #slots: Map<Parameter, Slots>;
  #rateFactor: RateFactor;

  /**
   * @param weights the trained weights; see `trainedWeights()`
   * @throws {RangeError} if `optim_args` or `lr_groups` do not fit
   */
  constructor(
    device: Device,
    weights: readonly (Weight | Vector)[],
    options: OptimizerOptions,
  ) {
    this.#device = device;
    this.#weights = weights;
    const args = readOptimArgs(options.optim, options.optim_args);
    this.#options = { ...options, args };
    this.#row = updateRows[options.optim];
    this.#rateFactor = rateFactors(options);
    this.clip = device.zeros([2]);
    this.parameters = weights.flatMap(({ parameter }) => parameter ?? []);
    this.#slots = new Map(
      this.parameters.map((
        parameter,
      ) => [parameter, this.#newSlots(parameter)]),
    );
  }

  #newSlots({ name, value: { shape } }: Parameter): Slots {
    const layouts = this.#row.slots({ name, shape }, this.#options.args);
    return Object.fromEntries(
      Object.entries(layouts).map(([slot, { shape, dtype }]) => [
        slot,
        this.#device.zeros(shape, dtype),
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
   * Changes all trained tensors by their gradients, and brings their packed forms up to date.
   * Nothing changes if a gradient is not finite, which `clip` tells.
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
