/**
 * Keys of TRL, transformers and alignment-handbook that mean nothing here, each with the reason.
 * Without `allowed` a key is passed over with a warning; with it, only values that ask for what
 * happens here anyway are taken.
 *
 * @module
 */
import type { ForeignKey } from "../../base/schema.ts";

const arithmetic = "arithmetic is float32 on every adapter";
const hub =
  "a run is uploaded afterwards: deno task upload OUTPUT_DIR --to=huggingface:OWNER/NAME";
const processes = "one process drives the device";
const loading = "rows are read and prepared by one thread, ahead of the device";
const logs = "metrics go to output_dir/metrics.jsonl and the terminal";
const cuda = "it tunes PyTorch or CUDA, neither of which runs here";
const served = "not served here";
const splits =
  "dataset_splits names both: train_prefs,test_prefs or train[:5],test";
const off = [false, null, "none", "no", 0];

function unless(
  allowed: readonly unknown[],
  reason: string = served,
): ForeignKey {
  return { reason, allowed };
}

/** Key, or its beginning with `*`, to what is said about it. */
export const foreignKeys: Readonly<Record<string, ForeignKey>> = {
  // device and arithmetic
  attn_implementation: {
    reason: "attention has one kernel, without a T x T buffer",
  },
  use_flash_attention_2: {
    reason: "attention has one kernel, without a T x T buffer",
  },
  "bf16_*": { reason: arithmetic },
  "fp16_*": { reason: arithmetic },
  half_precision_backend: { reason: arithmetic },
  tf32: { reason: arithmetic },
  "torch_compile*": { reason: cuda },
  torch_empty_cache_steps: { reason: cuda },
  torchdynamo: { reason: cuda },
  jit_mode_eval: { reason: cuda },
  use_ipex: { reason: cuda },
  use_cpu: { reason: "the WebGPU adapter decides" },
  no_cuda: { reason: "the WebGPU adapter decides" },
  use_mps_device: { reason: "the WebGPU adapter decides" },
  device_map: { reason: "the WebGPU adapter decides" },
  skip_memory_metrics: { reason: cuda },
  full_determinism: { reason: "runs are always deterministic" },
  "use_liger*": { reason: "the kernels here are fused already" },
  "liger_*": { reason: "the kernels here are fused already" },
  padding_free: { reason: "batches never hold padding" },
  pad_token: { reason: "batches never hold padding" },
  pad_to_multiple_of: { reason: "batches never hold padding" },
  padding_value: { reason: "batches never hold padding" },
  label_pad_token_id: { reason: "batches never hold padding" },
  use_logits_to_keep: {
    reason: "logits of untrained positions are never computed",
  },
  use_cache: { reason: "training keeps no key-value cache" },
  gradient_checkpointing_kwargs: {
    reason: "blocks are recomputed one way only",
  },
  activation_offloading: { reason: cuda },
  auto_find_batch_size: unless(off),
  use_kernels: { reason: "the kernels here are fused already" },
  use_slow_tokenizer: { reason: "tokenizer.json tells it" },
  // processes
  "ddp_*": { reason: processes },
  "deepspeed*": { reason: processes },
  "fsdp*": { reason: processes },
  "accelerator_*": { reason: processes },
  parallelism_config: { reason: processes },
  local_rank: { reason: processes },
  tpu_num_cores: { reason: processes },
  average_tokens_across_devices: { reason: processes },
  split_batches: { reason: processes },
  "dataloader_num_*": { reason: loading },
  "dataloader_pin_*": { reason: loading },
  "dataloader_per*": { reason: loading },
  "dataloader_pre*": { reason: loading },
  dataloader_in_order: { reason: loading },
  dataloader_multiprocessing_context: { reason: loading },
  dataloader_drop_last: unless(
    off,
    "the last batch of an epoch is always trained on",
  ),
  dataset_num_proc: { reason: loading },
  preprocessing_num_workers: { reason: loading },
  dataset_kwargs: { reason: loading },
  no_remove_unused_columns: { reason: "unused columns are never looked at" },
  remove_unused_columns: { reason: "unused columns are never looked at" },
  precompute_ref_batch_size: {
    reason: "reference batches are as large as training batches",
  },
  eval_accumulation_steps: { reason: "an evaluation keeps sums, not logits" },
  batch_eval_metrics: { reason: "an evaluation keeps sums, not logits" },
  eval_do_concat_batches: { reason: "an evaluation keeps sums, not logits" },
  eval_use_gather_object: { reason: processes },
  label_names: { reason: "the method knows what it is trained on" },
  enable_jit_checkpoint: { reason: "Ctrl-C saves a checkpoint always" },
  restore_callback_states_from_checkpoint: {
    reason: "a checkpoint holds all that resuming needs",
  },
  ignore_bias_buffers: { reason: processes },
  prediction_loss_only: { reason: "an evaluation keeps sums, not logits" },
  // logs and hubs
  report_to: { reason: logs },
  run_name: { reason: "the run is named by output_dir" },
  "log_*": { reason: logs },
  "logging_dir": { reason: logs },
  logging_strategy: unless(["steps"], "lines are logged every logging_steps"),
  logging_nan_inf_filter: {
    reason: "a step that is not finite is skipped and told, not averaged",
  },
  disable_tqdm: { reason: "progress is shown on terminals only" },
  "include_*": { reason: logs },
  "wandb_*": { reason: logs },
  "trackio_*": { reason: logs },
  project: { reason: logs },
  debug: { reason: "see the inspect task" },
  push_to_hub: { reason: hub },
  "push_to_hub_*": { reason: hub },
  "hub_*": { reason: hub },
  token: { reason: "give it to the download task" },
  push_to_hub_token: { reason: "give it to the upload task" },
  hub_token: { reason: "give it to the upload task" },
  use_auth_token: { reason: "give it to the download task" },
  trust_remote_code: { reason: "code from a hub is never run" },
  cache_dir: { reason: "downloads go to model_hub/ and data/" },
  dataset_cache_dir: { reason: "downloads go to model_hub/ and data/" },
  // what a run is made of
  do_train: { reason: "the train task trains" },
  do_eval: { reason: "eval_strategy decides" },
  do_predict: unless(off),
  save_safetensors: unless([true], "weights are saved as safetensors only"),
  save_only_model: unless(off, "a checkpoint holds all that resuming needs"),
  save_on_each_node: { reason: processes },
  overwrite_cache: { reason: "caches are found by a hash of what they hold" },
  disable_dropout: {
    reason: "base weights have no dropout here; lora_dropout alone decides",
  },
  length_column_name: { reason: "lengths are those of the tokens" },
  ignore_data_skip: unless(off, "a resumed run goes on at the next row"),
  data_seed: { reason: "seed orders the data" },
  dataset_train_split: unless(["train"], splits),
  dataset_test_split: unless(["test"], splits),
  dataset_config: unless([null], "name the files or folder in dataset_mixer"),
  dataset_configs: unless([null], "name the files or folder in dataset_mixer"),
  dataset_streaming: { reason: "large files are always read in pieces" },
  streaming: { reason: "large files are always read in pieces" },
  dataset_text_field: unless(["text"], "see columns"),
  auto_insert_empty_system_msg: {
    reason: "the chat template prints the turns that a row has",
  },
  max_completion_length: { reason: "see max_length and length_policy" },
  max_target_length: unless([null], "see max_length and length_policy"),
  is_encoder_decoder: unless(off),
  model_init_kwargs: unless([null, {}]),
  ref_adapter_name: unless([null]),
  model_adapter_name: unless([null]),
  reference_free: unless(off),
  force_use_ref_model: unless(off),
  generate_during_eval: unless(off),
  ref_model_quantization_bit: unless(
    off,
    "the reference is freed before the policy is read",
  ),
  // losses
  rpo_alpha: unless(
    [null],
    "write loss_type sigmoid,sft with loss_weights 1,RPO_ALPHA",
  ),
  label_smoothing_factor: unless([0]),
  // adapters and quantised weights
  bnb_4bit_compute_dtype: { reason: arithmetic },
  bnb_4bit_quant_storage: { reason: "codes lie as the kernels read them" },
  lora_target_parameters: unless([null]),
  lora_bias: unless(["none"]),
  lora_task_type: unless(["CAUSAL_LM"]),
  // optimizer
  adafactor: unless(off, "write optim adafactor"),
  optim_target_modules: unless([null]),
};
