/**
 * Estimates the cost of a token in the matrix products of a model's blocks. It decides whether
 * tuning these products pays off.
 */
import type { ModelConfig } from "../config/config.ts";

/** The sizes of a model that the estimate needs. */
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
 * Number of operations of one token in the forward pass through all blocks, two for each weight.
 * Attention scores and the vocabulary are left out.
 */
export function tokenOperations(config: ProductSizes): number {
  const { hidden_size: hidden, head_dim } = config;
  const heads = config.num_attention_heads + config.num_key_value_heads;
  const attention = 2 * hidden * heads * head_dim;
  const unit = 3 * hidden * config.intermediate_size;
  return 2 * config.num_hidden_layers * (attention + unit);
}
