/**
 * Keys of Axolotl that have no option here: those that change nothing in what is trained, and those
 * that ask for something that is not served, each with the reason.
 */
import { ignored, only, refusedKeys, type Rules } from "./translation.ts";

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
    "use_onebitllms",
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
  ]),
  ...ignored(METRICS, [
    "mlflow_*",
    "comet_*",
    "use_wandb",
    "use_mlflow",
    "use_tensorboard",
    "use_otel_metrics",
    "otel_metrics_*",
    "eval_table_size",
  ]),
  ...ignored("see the predict task", [
    "do_causal_lm_eval",
    "eval_causal_lm_metrics",
    "eval_max_new_tokens",
    "vllm",
  ]),
  ...ignored(TOKENIZER, [
    "tokenizer_type",
    "tokenizer_use_fast",
    "tokenizer_legacy",
    "tokenizer_use_mistral_common",
  ]),
  ...ignored("config.json tells it", [
    "model_type",
    "base_model_config",
    "base_model_ignore_patterns",
    "cls_model_config",
    "model_quantization_config*",
    "is_*",
  ]),
  ...ignored("an answer ends as the chat template closes it", ["eot_tokens"]),
  ...ignored("the embedding keeps its size", [
    "resize_token_embeddings_to_32x",
  ]),
  ...ignored("large files are always read in pieces", [
    "streaming_multipack_buffer_size",
    "skip_prepare_dataset",
  ]),
  ...ignored("weights are read piece by piece", ["low_cpu_mem_usage"]),
  ...ignored("adapters are merged by the merge task", ["nvfp4_merge_aware"]),
  ...ignored("a run that goes wrong is told at its row and at its end", [
    "loss_watchdog_*",
  ]),
  ...ignored("without an adapter all weights are trained", ["full_finetune"]),
  ...ignored("batches never hold padding", [
    "pad_to_sequence_len",
    "max_packed_sequence_len",
  ]),
  ...ignored("it matters with what is refused beside it", [
    "relora_cpu_offload",
    "relora_prune_ratio",
    "gptq_*",
    "test_value",
  ]),
  ...ignored("nothing is uploaded from here", ["push_dataset_to_hub"]),
  ...ignored("unknown keys always stop a run", ["strict"]),
  ...ignored("see the inspect task", ["debug"]),
  ...ignored("give it to the download task", ["hf_use_auth_token"]),
};

const PICTURES = "pictures and sounds are not served";
const NOT_SERVED = "not served here";
const OWN_METHOD = "this method of training is not served";
const QUANTISED = "training for or on these codes is not served";

/** Keys with which a recipe does not run. */
export const axolotlRefused: Rules = {
  ...refusedKeys(PICTURES, [
    "processor_type",
    "image_size",
    "freeze_mm_modules",
  ]),
  ...refusedKeys(OWN_METHOD, [
    "ebft",
    "diffusion",
    "process_reward_model",
    "use_eaft",
    "eaft_*",
    "relora",
    "relora_steps",
    "jagged_restart_*",
    "lisa_*",
    "kd_*",
    "grpo*",
    "s2_attention",
    "noisy_embedding_alpha",
  ]),
  ...refusedKeys(QUANTISED, ["qat", "gptq", "peft", "llmcompressor", "fp8*"]),
  ...refusedKeys("no tokens are added to the embedding", ["tokens"]),
  ...refusedKeys("such weights would stay untrained", [
    "lora_target_parameters",
  ]),
  ...refusedKeys(NOT_SERVED, [
    "lr_quadratic_warmup",
    "cosine_constant_lr_ratio",
    "min_sample_len",
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
  lora_fan_in_fan_out: only([false, null], "weights lie one way only"),
  auto_resume_from_checkpoints: only(
    [false, null],
    "say --resume_from_checkpoint",
  ),
  pretraining_dataset: (value) =>
    value === null
      ? {}
      : { refusal: "give its texts under datasets, type completion" },
};
