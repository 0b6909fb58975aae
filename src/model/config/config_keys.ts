/**
 * The keys of config.json that do not change what the decoder computes, and those that must have a
 * certain value since any other would change it. A key that is in neither list and that config.ts
 * does not read stops the load.
 */

/**
 * Defaults of generation and of tasks, which older versions of transformers wrote into every
 * config.
 */
const TASK_KEYS = [
  "add_cross_attention",
  "bad_words_ids",
  "begin_suppress_tokens",
  "cross_attention_hidden_size",
  "diversity_penalty",
  "do_sample",
  "early_stopping",
  "encoder_no_repeat_ngram_size",
  "finetuning_task",
  "exponential_decay_length_penalty",
  "forced_bos_token_id",
  "forced_eos_token_id",
  "length_penalty",
  "max_length",
  "min_length",
  "no_repeat_ngram_size",
  "num_beam_groups",
  "num_beams",
  "num_labels",
  "num_return_sequences",
  "output_scores",
  "prefix",
  "problem_type",
  "pruned_heads",
  "remove_invalid_values",
  "repetition_penalty",
  "return_dict_in_generate",
  "sep_token_id",
  "suppress_tokens",
  "temperature",
  "tf_legacy_loss",
  "tokenizer_class",
  "top_k",
  "top_p",
  "torchscript",
  "typical_p",
  "use_bfloat16",
];

/**
 * Keys whose value does not matter. Dropout is among them, since only adapters have dropout here.
 */
const INERT_KEYS: ReadonlySet<string> = new Set([
  ...TASK_KEYS,
  "architectures",
  "attention_dropout",
  "attention_probs_dropout_prob",
  "attn_impl",
  "attn_implementation",
  "attn_pdrop",
  "auto_map",
  "base_model",
  "base_model_name_or_path",
  "bf16",
  "boi_token_index",
  "cache_implementation",
  "chunk_size_feed_forward",
  "classifier_dropout",
  "dtype",
  "embd_pdrop",
  "eod_token_id",
  "eoi_token_index",
  "flash_attention",
  "fp16",
  "fp32",
  "gradient_checkpointing",
  "hidden_dropout",
  "hidden_dropout_prob",
  "id2label",
  "ignore_keys_at_rope_validation",
  "is_llama_config",
  "label2id",
  "library_name",
  "license",
  "max_window_layers",
  "mlp_dropout",
  "mm_tokens_per_image",
  "model_id",
  "model_max_length",
  "model_name",
  "multimodal_projector_bias",
  "name",
  "name_or_path",
  "output_attentions",
  "output_hidden_states",
  "padding_side",
  "pretraining_tp",
  "projector_hidden_act",
  "resid_pdrop",
  "residual_dropout",
  "return_dict",
  "router_aux_loss_coef",
  "seed",
  "spatial_merge_size",
  "summary_activation",
  "summary_first_dropout",
  "summary_proj_to_labels",
  "summary_type",
  "summary_use_proj",
  "tags",
  "task_specific_params",
  "tokenizer_name",
  "torch_dtype",
  "transformers.js_config",
  "transformers_version",
  "unsloth_fixed",
  "unsloth_version",
  "use_cache",
  "use_flash_attention",
  "use_flash_attention_2",
  "use_flash_attn",
  "use_flash_attn_2",
  "use_return_dict",
  "vision_config",
  "vision_feature_layer",
]);

/**
 * Whether a key says nothing about the decoder by its form: a private key, such as
 * `_flash_attn_2_enabled`; the text or id of a special token, such as `pad_token` and
 * `image_token_id`; a null, which is how files write that a key is not set.
 */
export function isInert(key: string, value: unknown): boolean {
  if (INERT_KEYS.has(key) || key.startsWith("_") || value === null) return true;
  const isId = Number.isInteger(value) ||
    Array.isArray(value) && value.every(Number.isInteger);
  return /_token$/.test(key) && typeof value !== "number" ||
    /_token_(ids?|index)$/.test(key) && isId;
}

/** Keys that must be absent or have one of these values, each written as JSON. */
export const FIXED_KEYS: Readonly<Record<string, readonly string[]>> = {
  attention_bias: ["false"],
  clip_qkv: ["null"],
  compression_config: ["null", "{}"],
  full_attn_mod: ["1"],
  interpolate_factor: ["1"],
  is_decoder: ["true", "false"],
  is_encoder_decoder: ["false"],
  lm_head_bias: ["false"],
  logit_scale: ["1", "null"],
  mlp_bias: ["false"],
  mlp_only_layers: ["[]", "null"],
  output_router_logits: ["true", "false"],
  quantization_config: ["null", "{}"],
  use_bidirectional_attention: ["false", "null"],
  use_mrope: ["false"],
  rope_interleaved: ["false"],
  router_jitter_noise: ["0"],
  tie_encoder_decoder: ["false"],
};

/** Further `FIXED_KEYS` of single families; null allows any value. */
export const FAMILY_KEYS: Readonly<
  Record<string, Readonly<Record<string, readonly string[] | null>>>
> = {
  cohere: { use_parallel_block: ["true"] },
  cohere2: {
    cache_implementation: null,
    layer_switch: null,
    order_of_interleaved_layers: ['"local_attn_first"'],
    position_embedding_type: ['"rope_gptj"'],
    rotary_pct: ["1"],
    use_embedding_sharing: ["true"],
    use_gated_activation: ["true"],
    use_parallel_block: ["true"],
    use_parallel_embedding: ["false"],
    use_qk_norm: ["false"],
  },
  granitemoehybrid: {
    init_method: null,
    intermediate_size: null,
    normalization_function: ['"rmsnorm"'],
    num_experts_per_tok: null,
    num_local_experts: ["0"],
    ...Object.fromEntries(
      [
        "mamba_chunk_size",
        "mamba_conv_bias",
        "mamba_d_conv",
        "mamba_d_head",
        "mamba_d_state",
        "mamba_expand",
        "mamba_n_groups",
        "mamba_n_heads",
        "mamba_proj_bias",
        "time_step_limit",
        "time_step_max",
        "time_step_min",
      ].map((key) => [key, null]),
    ),
  },
  hunyuan_v1_dense: {
    add_classification_head: ["false"],
    norm_type: ['"rms"', '"hf_rms"'],
    num_experts: ["1"],
    use_cla: ["false"],
    use_qk_norm: ["true"],
    use_rotary_pos_emb: ["true"],
    ...Object.fromEntries(
      [
        "attention_head_dim",
        "cla_share_factor",
        "class_num",
        "dense_list",
        "im_end_id",
        "im_newline_id",
        "im_start_id",
        "mask_init_id",
        "org_vocab_size",
        "pad_id",
        "pool_type",
        "text_end_id",
        "text_start_id",
      ].map((key) => [key, null]),
    ),
  },
};
