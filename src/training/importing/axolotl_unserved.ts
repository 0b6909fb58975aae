/**
 * Keys of Axolotl that have no option here: those that change nothing in what is trained, and those
 * that ask for something that is not served, each with the reason.
 */
import { isRecord } from "../../base/composite_option.ts";
import {
  ignored,
  only,
  partsOf,
  refusedKeys,
  type Rules,
  type Translation,
} from "./translation.ts";

const KERNELS = "the kernels here are fused already";
const PROCESSES = "one process drives the device";
const ATTENTION = "attention has one kernel, without a T x T buffer";
const METRICS = "metrics go to output_dir/metrics.jsonl";
const CLOUD = "this is a file about machines to rent, not a recipe";
const TOKENIZER = "tokenizer.json tells it";

/** Keys that are named and left. */
export const axolotlIgnored: Rules = {
  ...ignored(KERNELS, [
    "lora_mlp_kernel",
    "lora_qkv_kernel",
    "lora_o_kernel",
    "lora_embedding_kernel",
    "unsloth_*",
    "chunked_cross_entropy*",
    "tiled_mlp_*",
    "multipack_real_batches",
    "batch_flattening",
    "dpo_use_logits_to_keep",
    "dpo_padding_free",
    "dpo_use_liger_kernel",
    "expert_backend",
    "moe_*",
    "dsv4_fp8_lora_kernel",
    "dsv4_shared_mlp_lora_kernel",
    "dsv4_bf16_all",
    "use_kernels",
    "use_scattermoe",
    "use_sonicmoe",
    "experts_implementation",
    "llama4_linearized_experts",
    "fused_attn_kernel",
    "tiled_mlp",
    "use_dsv4_kernels",
    "use_glm_dsa_kernels",
    "dsv4_fp4_grouped_mode",
    "cut_cross_entropy*",
    "flash_optimum",
  ]),
  ...ignored("load_in_4bit and load_in_8bit say which weights are codes", [
    "quantize_moe_experts",
  ]),
  ...ignored(ATTENTION, [
    "flash_attention",
    "flash_attn_*",
    "flex_attn_compile_kwargs",
    "gemma4_hybrid_attn_impl",
    "pretrain_multipack_attn",
    "xformers_attention",
    "sdp_attention",
    "flex_attention",
    "sage_attention",
    "eager_attention",
    "large_head_attention",
    "sdpa_varlen",
  ]),
  ...ignored(PROCESSES, [
    "dp_shard_size",
    "dp_replicate_size",
    "tensor_parallel_size",
    "context_parallel_size",
    "context_parapllel_size",
    "expert_parallel_*",
    "experimental_skip_move_to_device",
    "ddp",
    "use_ray",
    "ray_num_workers",
    "device_map*",
    "torchdistx_path",
    "resources_per_worker",
    "ray_run_name",
    "sequence_parallel_degree",
    "heads_k_stride",
    "ring_attn_func",
    "world_size",
    "device",
    "max_memory",
    "gpu_memory_limit",
    "deepcompile",
    "fp32_norm*",
    "qlora_sharded_model_loading",
  ]),
  ...ignored(METRICS, [
    "mlflow_*",
    "comet_*",
    "use_wandb",
    "use_mlflow",
    "use_tensorboard",
    "use_otel_metrics",
    "otel_metrics_*",
    "use_comet",
    "use_trackio",
    "use_swanlab",
    "swanlab_*",
    "hf_mlflow_log_artifacts",
    "gradio_*",
    "profiler_steps*",
  ]),
  ...ignored("see the predict task", [
    "do_causal_lm_eval",
    "eval_causal_lm_metrics",
    "eval_max_new_tokens",
    "eval_table_size",
    "dpo_generate_during_eval",
    "generate_samples",
    "num_generation_samples",
    "generation_*",
    "do_bench_eval",
    "bench_*",
    "lm_eval_*",
  ]),
  ...ignored(TOKENIZER, [
    "tokenizer_type",
    "tokenizer_use_fast",
    "tokenizer_legacy",
    "tokenizer_use_mistral_common",
    "tokenizer_save_jinja_files",
  ]),
  ...ignored("config.json tells it", [
    "model_type",
    "base_model_config",
    "type_of_model",
    "base_model_ignore_patterns",
    "cls_model_config",
    "model_quantization_config*",
    "is_*",
  ]),
  ...ignored("an answer ends as the chat template closes it", ["eot_tokens"]),
  ...ignored("the embedding keeps its size", [
    "resize_token_embeddings_to_32x",
    "mean_resizing_embeddings",
    "shrink_embeddings",
  ]),
  ...ignored("large files are always read in pieces", [
    "streaming_multipack_buffer_size",
    "pretrain_multipack_buffer_size",
    "skip_prepare_dataset",
    "dataset_keep_in_memory",
    "num_dataset_shards_to_save",
    "preprocess_iterable",
    "pretraining_sample_concatenation",
  ]),
  ...ignored("weights are read piece by piece", [
    "low_cpu_mem_usage",
    "lora_on_cpu",
    "layer_offloading",
    "selective_checkpointing",
    "gc_steps",
    "gc_collect_steps",
  ]),
  ...ignored("adapters are merged by the merge task", [
    "nvfp4_merge_aware*",
    "merge_lora",
    "merge_method",
  ]),
  ...ignored("trained weights and sums are float32", [
    "float32",
    "embeddings_skip_upcast",
    "peft_autocast_adapter_dtype",
  ]),
  ...ignored("weights are rounded by the quantize task, after training", [
    "quantization",
  ]),
  ...ignored("Ctrl-C saves a checkpoint always", [
    "dynamic_checkpoint",
    "save_first_step",
  ]),
  ...ignored("max_length holds in evaluation too", ["eval_sequence_len"]),
  ...ignored("Axolotl does not read it; write max_prompt_length", [
    "max_prompt_len",
  ]),
  ...ignored("all rows are put into one order", [
    "shuffle_before_merging_datasets",
  ]),
  ...ignored("it matters with an optimizer that is not served", [
    "adam_beta3",
    "adam_epsilon2",
    "dion_*",
    "qgalore_*",
    "lr_div_factor",
  ]),
  ...ignored("Axolotl writes it, it is not read", [
    "axolotl_config_path",
    "total_num_tokens",
    "total_supervised_tokens",
  ]),
  ...ignored("a run that goes wrong is told at its row and at its end", [
    "loss_watchdog_*",
  ]),
  ...ignored("without an adapter all weights are trained", ["full_finetune"]),
  ...ignored("batches never hold padding", [
    "pad_to_sequence_len",
    "max_packed_sequence_len",
  ]),
  ...ignored("Axolotl does not read it", ["gptq_*", "test_value", "adam_eps"]),
  ...ignored("Axolotl does not read it; write cosine_min_lr_ratio", [
    "eta_min",
  ]),
  ...ignored("a checkpoint holds all that resuming needs", ["save_only_model"]),
  ...ignored("say --resume_from_checkpoint", ["auto_resume_from_checkpoints"]),
  ...ignored("weights lie one way only", ["lora_fan_in_fan_out"]),
  ...partsOf("relora", ["relora_*"]),
  ...ignored("nothing is uploaded from here", ["push_dataset_to_hub"]),
  ...ignored("unknown keys always stop a run", ["strict"]),
  ...ignored("see the inspect task", ["debug"]),
  ...ignored("give it to the download task", ["hf_use_auth_token"]),
};

const PICTURES = "pictures and sounds are not served";
const NOT_SERVED = "not served here";
const OWN_METHOD = "this method of training is not served";
const OWN_LOSS = "this change of the loss is not served";
const QUANTISED = "training for or on these codes is not served";
const ANOTHER_MODEL = "it changes the model, which is not served";

/** Keys with which a recipe does not run. */
export const axolotlRefused: Rules = {
  ...refusedKeys(PICTURES, [
    "processor_type",
    "processor_kwargs",
    "image_size",
    "image_resize_algorithm",
    "role_boundaries",
    "freeze_mm_modules",
  ]),
  ...refusedKeys(OWN_METHOD, [
    "ebft",
    "diffusion",
    "process_reward_model",
    "relora",
    "jagged_restart_*",
    "lisa_n_layers",
    "lisa_step_interval",
    "kd_*",
    "grpo*",
    "noisy_embedding_alpha",
    "trainer_cls",
    "grokfast_*",
    "mora",
    "spectrum_*",
    "hatchery",
    "nemo_gym*",
  ]),
  ...partsOf("lisa_n_layers", ["lisa_layers_attribute"]),
  ...refusedKeys(OWN_LOSS, [
    "dpo_norm_loss",
    "liger_use_token_scaling",
    "use_eaft",
  ]),
  ...partsOf("use_eaft", ["eaft_*"]),
  ...refusedKeys(QUANTISED, [
    "qat",
    "gptq",
    "peft",
    "llmcompressor",
    "fp8*",
    "use_onebitllms",
    "nonexpert_quantization",
    "gemma4_fp8_nonexpert",
    "gemma4_nf4_nonexpert",
    "dsv4_fp8_nonexpert_mode",
  ]),
  ...refusedKeys(ANOTHER_MODEL, [
    "rope_scaling",
    "s2_attention",
    "use_pose",
    "scaling_softmax",
    "dense_mixer",
    "fix_untrained_tokens",
    "peft_layer_replication",
  ]),
  ...partsOf("use_pose", ["pose_*"]),
  ...partsOf("scaling_softmax", ["scaling_softmax_*"]),
  ...refusedKeys("rename the tokens in tokenizer.json", [
    "added_tokens_overrides",
  ]),
  ...refusedKeys("such weights would stay untrained", [
    "lora_target_parameters",
    "peft_trainable_token_indices",
    "peft_ensure_weight_tying",
  ]),
  ...refusedKeys(NOT_SERVED, [
    "lr_quadratic_warmup",
    "cosine_constant_lr_ratio",
    "min_sample_len",
  ]),
  ...refusedKeys("write split, such as train[:10%], in each dataset", [
    "dataset_shard_*",
  ]),
  ...refusedKeys(CLOUD, [
    "provider",
    "project_name",
    "gpu",
    "gpu_count",
    "node_count",
    "secrets",
    "volumes",
    "memory",
    "memory_preprocess",
    "timeout",
    "timeout_preprocess",
    "dockerfile_commands",
    "branch",
  ]),
  num_labels: only([null, 1], "a reward model has one number an answer"),
  pretraining_dataset: (value) =>
    value === null
      ? {}
      : { refusal: "give its texts under datasets, type completion" },
  overrides_of_model_config: modelConfig,
  model_config: modelConfig,
  overrides_of_model_kwargs: only([null, {}], ANOTHER_MODEL),
  model_kwargs: only([null, {}], ANOTHER_MODEL),
};

/** Changes of config.json: the router's loss alone is one of the training. */
function modelConfig(value: unknown): Translation {
  const keys = isRecord(value) ? Object.keys(value) : [];
  const other = keys.filter((key) => key !== "output_router_logits");
  if (other.length > 0) {
    return { refusal: `${other.join(", ")} of the model cannot be changed` };
  }
  return keys.length === 0 || isRecord(value) && !value.output_router_logits
    ? {}
    : { note: "the router's loss counts as router_aux_loss_coef says" };
}
