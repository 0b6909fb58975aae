/** What some ops take beside tensors: plain types. */
import type { Tensor } from "../../kernels/device/tensor.ts";
import type { DropoutSeed, Lora } from "./lora.ts";
import type { Vector } from "./parameter.ts";

/**
 * Token ids on both sides: backward groups them by id on the CPU; without a tape the device's are
 * enough.
 */
export interface TokenIds {
  readonly ids?: Uint32Array | undefined;
  readonly tensor: Tensor;
}

/** An adapter's factor for each token, `[tokens]`: `scale` where it takes part, else 0. */
export type RowFactors = (scale: number) => Tensor;

/** What a linear layer is made of beside its weight. */
export interface LinearParts {
  readonly bias?: Vector | undefined;
  readonly lora?: Lora | undefined;
  /** Given where the adapter serves some tokens only; not while recording. */
  readonly loraRows?: RowFactors | undefined;
  /** Given while training with dropout. */
  readonly mask?: DropoutSeed | undefined;
  /** `[tokens, out]` to add to, which is then returned; not while recording. */
  readonly into?: Tensor | undefined;
}

/** Which keys each query sees, and which queries may see each key. */
export interface AttentionRanges {
  /** `[queries, 4]`: begin and end of the prompt's keys, begin and end of its own. */
  readonly ranges: Tensor;
  /** `[keys, 2]`: all queries that see a key lie in between. */
  readonly queryRanges: Tensor;
}

/** How an RMS norm norms. */
export interface RmsNormOptions {
  readonly eps: number;
  /** Multiplies by `offset + weight`. */
  readonly offset: 0 | 1;
}
