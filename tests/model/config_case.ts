/** A config.json to change in tests. */

import { FAMILIES } from "../../src/model/config/families.ts";

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

/** What families must have beside what every config has. */
const NEEDED: Readonly<Record<string, Json>> = {
  gpt_neox: { head_dim: 8 },
  granitemoehybrid: {
    layer_types: ["attention", "attention", "attention"],
    num_local_experts: 0,
    shared_intermediate_size: 12,
  },
};

/** The same as another family's, with the keys that family must have. */
export function familyConfig(model_type: string): Json {
  const { experts, part } = FAMILIES[model_type]!;
  const keys = [experts?.width, experts?.shared].filter((key) =>
    key !== undefined
  );
  const own = {
    ...QWEN2,
    model_type,
    ...NEEDED[model_type],
    ...experts && { [experts.count[0]!]: 4, num_experts_per_tok: 2 },
    ...Object.fromEntries(keys.map((key) => [key, 6])),
  };
  if (!part) return own;
  const inner = { ...own, model_type: Object.keys(part.families)[0] };
  return { model_type, [part.key]: inner };
}
