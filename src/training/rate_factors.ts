/** By what the learning rate of single parameters is multiplied. Knows no optimizer. */

/** What of a parameter its rate depends on. */
export interface RatedParameter {
  readonly name: string;
  readonly value: { readonly shape: readonly number[] };
}

/** The factor of a parameter's learning rate. */
export type RateFactor = (parameter: RatedParameter) => number;

/**
 * LoRA+: half B learns faster than half A. As in PEFT, vectors do so too: magnitudes, and norms that are saved in full.
 *
 * Source: https://arxiv.org/abs/2402.12354.
 *
 * @param ratio 2 to 16 is usual; null: all rates are the same
 */
export function loraPlusFactor(ratio: number | null): RateFactor {
  return ({ name, value }) => {
    const isFast = name.includes(".lora_B.") || value.shape.length === 1;
    return ratio !== null && isFast ? ratio : 1;
  };
}
