/**
 * How a model makes its logits from the head's products: bias, scale and softcap, as kernels want
 * them.
 */
import type { Tensor } from "../device/tensor.ts";

/**
 * `logits = softcap * tanh(logitScale * (hidden headᵀ + bias) / softcap)`; each part may be left
 * out.
 */
export interface LogitOptions {
  /** Cap of the logits' size, such as Gemma 2's 30. */
  readonly softcap?: number | undefined;
  /** Factor on the products, such as Cohere's `logit_scale`. Default 1. */
  readonly logitScale?: number | undefined;
  /** `[vocabulary]`, f32. */
  readonly bias?: Tensor | undefined;
}

/**
 * The parameters `scale` and `softcap`, the constants `HAS_BIAS` and `HAS_SOFTCAP`, and the binding
 * `bias` of a kernel on logits.
 *
 * @param unused bound in the bias's place if there is none; the kernel reads it elsewhere only, or
 * not at all
 */
export function logitArguments(
  { softcap, logitScale = 1, bias }: LogitOptions,
  unused: Tensor,
): {
  params: { scale: number; softcap: number };
  constants: { HAS_BIAS: number; HAS_SOFTCAP: number };
  bias: Tensor;
} {
  return {
    params: { scale: logitScale, softcap: softcap ?? 0 },
    constants: { HAS_BIAS: bias ? 1 : 0, HAS_SOFTCAP: softcap ? 1 : 0 },
    bias: bias ?? unused,
  };
}
