/**
 * What a token costs in the products of a model's blocks: the yardstick of whether it pays to
 * prepare for them.
 */
import type { ModelConfig } from "../config/config.ts";

/** The sizes that count. */
export type ProductSizes = Pick<
  ModelConfig,
  | "hidden_size"
  | "intermediate_size"
  | "num_hidden_layers"
  | "num_attention_heads"
  | "num_key_value_heads"
  | "head_dim"
>;

/**
 * Operations of one token forward through all blocks, two for each weight; attention and vocabulary
 * left out.
 */
export function tokenOperations(config: ProductSizes): number {
  const { hidden_size: hidden, head_dim } = config;
  const heads = config.num_attention_heads + config.num_key_value_heads;
  const attention = 2 * hidden * heads * head_dim;
  const unit = 3 * hidden * config.intermediate_size;
  return 2 * config.num_hidden_layers * (attention + unit);
}
