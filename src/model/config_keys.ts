/**
 * The keys of a config.json that do not change what this decoder computes, and those that must stand at one value
 * because another would. A key in neither list and not read by `config.ts` stops the load.
 */

/** Keys whose value does not matter here. */
export const INERT_KEYS: ReadonlySet<string> = new Set([
  "_name_or_path",
  "architectures",
  "auto_map",
  "bos_token_id",
  "chunk_size_feed_forward",
  "decoder_start_token_id",
  "dtype",
  "eos_token_id",
  "id2label",
  "label2id",
  "max_window_layers",
  "name_or_path",
  "pad_token_id",
  "return_dict",
  "task_specific_params",
  "torch_dtype",
  "transformers_version",
  "use_cache",
]);

/** Keys that must be absent or have one of these values, as JSON. */
export const FIXED_KEYS: Readonly<Record<string, readonly string[]>> = {
  attention_dropout: ["0", "null"],
  embd_pdrop: ["0", "null"],
  hidden_dropout: ["0", "null"],
  is_decoder: ["true", "false"],
  is_encoder_decoder: ["false"],
  logit_scale: ["1", "null"],
  mlp_only_layers: ["[]", "null"],
  output_attentions: ["false"],
  output_hidden_states: ["false"],
  pretraining_tp: ["1", "null"],
  quantization_config: ["null"],
  resid_pdrop: ["0", "null"],
  use_bidirectional_attention: ["false", "null"],
  tie_encoder_decoder: ["false"],
};
