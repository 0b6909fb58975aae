/**
 * The keys of a config.json that do not change what this decoder computes, and those that must stand at one value
 * because another would. A key in neither list and not read by `config.ts` stops the load.
 */

/** Keys whose value does not matter here. Base weights know no dropout: only adapters have it. */
export const INERT_KEYS: ReadonlySet<string> = new Set([
  "_name_or_path",
  "architectures",
  "attention_dropout",
  "auto_map",
  "bos_token_id",
  "cache_implementation",
  "chunk_size_feed_forward",
  "decoder_start_token_id",
  "dtype",
  "embd_pdrop",
  "eod_token_id",
  "eos_token_id",
  "hidden_dropout",
  "id2label",
  "label2id",
  "max_window_layers",
  "name_or_path",
  "pad_token_id",
  "resid_pdrop",
  "residual_dropout",
  "return_dict",
  "task_specific_params",
  "torch_dtype",
  "transformers_version",
  "use_cache",
]);

/** Keys that must be absent or have one of these values, as JSON. */
export const FIXED_KEYS: Readonly<Record<string, readonly string[]>> = {
  is_decoder: ["true", "false"],
  is_encoder_decoder: ["false"],
  logit_scale: ["1", "null"],
  mlp_only_layers: ["[]", "null"],
  output_attentions: ["false"],
  output_hidden_states: ["false"],
  pretraining_tp: ["1", "null"],
  quantization_config: ["null"],
  use_bidirectional_attention: ["false", "null"],
  tie_encoder_decoder: ["false"],
};
