/** A config.json to change in tests. */

/** Keys and values of a config.json. */
export type Json = Readonly<Record<string, unknown>>;

/** The smallest Qwen2: heads of 4, two queries to a key. */
export const QWEN2: Json = {
  model_type: "qwen2",
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 3,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  vocab_size: 20,
  max_position_embeddings: 64,
  rms_norm_eps: 1e-6,
  tie_word_embeddings: true,
};
