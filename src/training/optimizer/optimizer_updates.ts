/**
 * What a step of each optimizer does to one tensor, and which state it keeps of it: one table.
 * Knows no parameter by name, no schedule and no file. To add an optimizer is to add its name to
 * optimizer_names.ts and a row here.
 */
import { adafactor } from "../../../kernels/optimizers/adafactor.ts";
import { adagrad } from "../../../kernels/optimizers/adagrad.ts";
import { adamw } from "../../../kernels/optimizers/adamw.ts";
import {
  adamw8bit,
  blockShapes,
} from "../../../kernels/optimizers/adamw_8bit.ts";
import type { Device } from "../../../kernels/device/device.ts";
import { lion } from "../../../kernels/optimizers/lion.ts";
import { muon } from "../../../kernels/optimizers/muon.ts";
import { rmsprop } from "../../../kernels/optimizers/rmsprop.ts";
import { sgd } from "../../../kernels/optimizers/sgd.ts";
import {
  type DType,
  elements,
  type Tensor,
} from "../../../kernels/device/tensor.ts";
import type { OptimizerArgs, OptimizerName } from "./optimizer_names.ts";

/** Numbers of every step. */
export interface AdamNumbers {
  readonly adam_beta1: number;
  readonly adam_beta2: number;
  readonly adam_epsilon: number;
}

/** A tensor of an optimizer's state: its shape, and its type unless that is f32. */
export interface SlotLayout {
  readonly shape: readonly number[];
  readonly dtype?: DType;
}

/** State tensors of one parameter by name. */
export type Slots = Readonly<Record<string, Tensor>>;

/** One tensor's step. */
export interface Update {
  readonly learningRate: number;
  /** `[2]`, from `gradientClip()`. */
  readonly clip: Tensor;
  readonly weight: Tensor;
  readonly gradient: Tensor;
  /** Number of this step, from 1. */
  readonly step: number;
  readonly weightDecay: number;
}

/** A parameter as far as its state depends on it. */
export interface Shaped {
  readonly name: string;
  readonly shape: readonly number[];
}

/** A row of the table. */
export interface UpdateRow {
  /** State of a parameter, zero at the start, by torch's names. */
  readonly slots: (
    parameter: Shaped,
    args: OptimizerArgs,
  ) => Readonly<Record<string, SlotLayout>>;
  /** @param numbers Adam's, and the numbers that `optim_args` may set */
  readonly update: (
    device: Device,
    update: Update,
    slots: Slots,
    numbers: AdamNumbers & { readonly args: OptimizerArgs },
  ) => void;
}

/** Smaller tensors keep their moments in 32 bits, as in bitsandbytes. */
const LEAST_8BIT = 4096;

/**
 * Embeddings do so too, as in transformers: their gradients are 0 for most rows, and large where
 * they are not.
 */
const EMBEDDING = /embed_tokens\.weight$/;

const betas = ({ adam_beta1, adam_beta2 }: AdamNumbers) => ({
  beta1: adam_beta1,
  beta2: adam_beta2,
});

/** The slot for a velocity, if there is momentum. */
const velocity = ({ shape }: Shaped, { momentum = 0 }: OptimizerArgs) =>
  momentum === 0 ? undefined : { momentum_buffer: { shape } };

const adamwUpdate: UpdateRow["update"] = (
  device,
  { weight, gradient, ...step },
  slots,
  numbers,
) =>
  adamw(
    device,
    { weight, gradient, m: slots["exp_avg"]!, v: slots["exp_avg_sq"]! },
    { ...step, ...betas(numbers), eps: numbers.adam_epsilon },
  );

/** Embeddings and heads have rows of their own tokens, not directions that mix. */
const BY_TOKENS = /(embed_tokens|lm_head|score)\.|lora_embedding/;

/** Whether Muon takes a parameter: a matrix between hidden states. */
const isMixing = ({ name, shape }: Shaped) =>
  shape.length === 2 && !BY_TOKENS.test(name);

/** The table of optimizers. */
export const updateRows: Readonly<Record<OptimizerName, UpdateRow>> = {
  adamw_torch: {
    slots: ({ shape }) => ({ exp_avg: { shape }, exp_avg_sq: { shape } }),
    update: adamwUpdate,
  },
  adamw_8bit: {
    slots(parameter) {
      const count = elements(parameter.shape);
      if (count < LEAST_8BIT || EMBEDDING.test(parameter.name)) {
        return updateRows.adamw_torch.slots(parameter, {});
      }
      const { codes, absmax } = blockShapes(count);
      return {
        state1: { shape: codes, dtype: "u32" },
        absmax1: { shape: absmax },
        state2: { shape: codes, dtype: "u32" },
        absmax2: { shape: absmax },
      };
    },
    update(device, update, slots, numbers) {
      const { state1, absmax1, state2, absmax2 } = slots;
      if (!state1) return adamwUpdate(device, update, slots, numbers);
      const { weight, gradient, ...step } = update;
      adamw8bit(
        device,
        {
          weight,
          gradient,
          state1,
          absmax1: absmax1!,
          state2: state2!,
          absmax2: absmax2!,
        },
        { ...step, ...betas(numbers), eps: numbers.adam_epsilon },
      );
    },
  },
  adafactor: {
    slots({ shape }) {
      const rows = elements(shape.slice(0, -1));
      return {
        exp_avg_sq_row: { shape: [rows] },
        exp_avg_sq_col: { shape: shape.slice(-1) },
      };
    },
    update: (device, { weight, gradient, ...step }, slots, { args }) =>
      adafactor(
        device,
        {
          weight,
          gradient,
          row: slots["exp_avg_sq_row"]!,
          col: slots["exp_avg_sq_col"]!,
        },
        {
          ...step,
          clipThreshold: args["clip_threshold"]!,
          decayRate: args["decay_rate"]!,
        },
      ),
  },
  lion_32bit: {
    slots: ({ shape }) => ({ exp_avg: { shape } }),
    update: (device, { weight, gradient, ...step }, slots, numbers) =>
      lion(device, { weight, gradient, m: slots["exp_avg"]! }, {
        ...step,
        ...betas(numbers),
      }),
  },
  rmsprop: {
    slots: (parameter, args) => ({
      square_avg: { shape: parameter.shape },
      ...velocity(parameter, args),
    }),
    update: (device, { weight, gradient, ...step }, slots, { args }) =>
      rmsprop(
        device,
        { weight, gradient, v: slots["square_avg"]!, ...buffer(slots) },
        { ...step, ...args },
      ),
  },
  sgd: {
    slots: (parameter, args) => ({ ...velocity(parameter, args) }),
    update: (device, { weight, gradient, ...step }, slots, { args }) =>
      sgd(device, { weight, gradient, ...buffer(slots) }, { ...step, ...args }),
  },
  // by one learning rate, as https://arxiv.org/abs/2502.16982: AdamW takes what is no such matrix
  muon: {
    slots: (parameter) =>
      isMixing(parameter)
        ? { momentum_buffer: { shape: parameter.shape } }
        : updateRows.adamw_torch.slots(parameter, {}),
    update(device, update, slots, numbers) {
      const { momentum_buffer: m } = slots;
      if (!m) return adamwUpdate(device, update, slots, numbers);
      const { weight, gradient, ...step } = update;
      const { momentum, nesterov, ns_steps } = numbers.args;
      muon(device, { weight, gradient, m }, {
        ...step,
        momentum: momentum!,
        nesterov: nesterov !== 0,
        steps: ns_steps!,
      });
    },
  },
  adagrad: {
    slots: ({ shape }) => ({ sum: { shape } }),
    update: (device, { weight, gradient, ...step }, slots, { args }) =>
      adagrad(device, { weight, gradient, v: slots["sum"]! }, {
        ...step,
        eps: args["eps"]!,
      }),
  },
};

function buffer({ momentum_buffer }: Slots): { velocity?: Tensor } {
  return momentum_buffer ? { velocity: momentum_buffer } : {};
}
