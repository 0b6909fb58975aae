/**
 * The keys of a config.json that do not change what this decoder computes, and those that must stand at one value
 * because another would. A key in neither list and not read by `config.ts` stops the load.
 */

/** Keys whose value does not matter here. Base weights know no dropout: only adapters have it. */
export const INERT_KEYS: ReadonlySet<string> = new Set([
  "_name_or_path",
  "architectures",
  "attention_dropout",
  "attn_implementation",
  "auto_map",
  "boi_token_index",
  "bos_token_id",
  "cache_implementation",
  "chunk_size_feed_forward",
  "decoder_start_token_id",
  "dtype",
  "embd_pdrop",
  "eod_token_id",
  "eoi_token_index",
  "eos_token_id",
  "hidden_dropout",
  "id2label",
  "image_token_index",
  "label2id",
  "max_window_layers",
  "mm_tokens_per_image",
  "multimodal_projector_bias",
  "name_or_path",
  "pad_token_id",
  "resid_pdrop",
  "residual_dropout",
  "return_dict",
  "router_aux_loss_coef",
  "spatial_merge_size",
  "task_specific_params",
  "torch_dtype",
  "transformers_version",
  "use_cache",
  "vision_config",
  "vision_feature_layer",
]);

/** Keys that must be absent or have one of these values, as JSON. */
export const FIXED_KEYS: Readonly<Record<string, readonly string[]>> = {
  clip_qkv: ["null"],
  is_decoder: ["true", "false"],
  is_encoder_decoder: ["false"],
  logit_scale: ["1", "null"],
  mlp_only_layers: ["[]", "null"],
  output_attentions: ["false"],
  output_hidden_states: ["false"],
  output_router_logits: ["false"],
  pretraining_tp: ["1", "null"],
  quantization_config: ["null"],
  use_bidirectional_attention: ["false", "null"],
  router_jitter_noise: ["0"],
  tie_encoder_decoder: ["false"],
};
