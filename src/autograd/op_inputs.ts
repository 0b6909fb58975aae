/** The types of what ops take beside tensors. Plain data. */
import type { Tensor } from "../../kernels/device/tensor.ts";
import type { Lora, LoraLinearParts } from "./lora.ts";

/**
 * Token ids on the CPU and on the device. The backward pass groups rows by the ids on the CPU;
 * without a tape those on the device are enough.
 */
export interface TokenIds {
  readonly ids?: Uint32Array | undefined;
  readonly tensor: Tensor;
}

/** The parts of a linear layer's call beside its weight. */
export interface LinearParts extends LoraLinearParts {
  /** The layer's adapter, if it takes part. */
  readonly lora?: Lora | undefined;
}

/**
 * The causal mask of a batch: which keys each query attends to. src/preference/tokens/batch.ts
 * makes it, src/model/decoder/attention_ranges.ts narrows it to sliding windows.
 */
export interface AttentionRanges {
  /**
   * `[queries, 4]`: begin and end of the keys of the shared prompt, begin and end of the keys of
   * the query's own sequence, which end with itself.
   */
  readonly ranges: Tensor;
  /** `[keys, 2]`: all queries that attend to a key lie between these two rows. */
  readonly queryRanges: Tensor;
}

/** The numbers of an RMS norm. */
export interface RmsNormOptions {
  readonly eps: number;
  /** Added to the weight: the norm multiplies by `offset + weight`. */
  readonly offset: 0 | 1;
}
