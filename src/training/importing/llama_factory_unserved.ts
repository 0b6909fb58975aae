/**
 * Keys of LLaMA-Factory that have no option here: those that change nothing in what is trained, and
 * those that ask for something that is not served, each with the reason. Facts from its code of
 * August 2026.
 */
import { worded } from "../../base/shown.ts";
import { isOff } from "../../base/read_options.ts";
import {
  ignored,
  only,
  partsOf,
  refusedKeys,
  type RuleFunction,
  type Rules,
} from "./translation.ts";

const PROCESSES = "one process drives the device";
const METRICS = "metrics go to output_dir/metrics.jsonl";
const PREDICT = "see the predict task";
const FUSED = "the kernels here are fused already";

/** Keys that are named and left. */
export const llamaFactoryIgnored: Rules = {
  ...ignored(PROCESSES, [
    "use_kt",
    "kt_*",
    "ray_*",
    "master_addr",
    "master_port",
    "use_mca",
    "use_megatron_bridge",
    "megatron_bridge_args",
    "use_hyper_parallel",
    "hyper_parallel_*",
    "quantization_device_map",
    "data_shared_file_system",
  ]),
  ...ignored(FUSED, [
    "enable_liger_kernel",
    "use_unsloth*",
    "use_v1_kernels",
  ]),
  ...ignored("attention has one kernel, without a T x T buffer", [
    "flash_attn",
  ]),
  ...ignored(METRICS, [
    "use_swanlab",
    "swanlab_*",
    "enable_torch_profiler",
    "profiler_*",
    "profile_modules",
  ]),
  ...ignored(PREDICT, [
    "infer_*",
    "vllm_*",
    "sglang_*",
    "predict_with_generate",
    "do_sample",
    "temperature",
    "top_p",
    "top_k",
    "num_beams",
    "eval_num_beams",
    "max_length", // of generated answers; cutoff_len is the training's
    "max_new_tokens",
    "repetition_penalty",
    "length_penalty",
    "skip_special_tokens",
    "use_kv_cache",
  ]),
  ...ignored("see the merge task", ["export_*"]),
  ...ignored("give it to the download task", [
    "hf_hub_token",
    "ms_hub_token",
    "om_hub_token",
  ]),
  ...ignored("weights are read piece by piece", [
    "low_cpu_mem_usage",
    "offload_folder",
  ]),
  ...ignored("trained weights and sums are float32", ["upcast_*", "pure_bf16"]),
  ...ignored("tokenizer.json tells it", ["use_fast_tokenizer"]),
  ...ignored("blocks are recomputed one way only", ["use_reentrant_gc"]),
  ...ignored("batches never hold padding", ["ignore_pad_token_for_loss"]),
  ...ignored("a checkpoint holds all that resuming needs", ["save_only_model"]),
  ...ignored("an evaluation says it always", ["compute_accuracy"]),
  ...ignored("curves.svg is always drawn", ["plot_loss"]),
  ...ignored("the run says how many parameters are trained", [
    "print_param_status",
  ]),
  ...ignored("the embedding keeps its size", [
    "resize_vocab",
    "init_special_tokens",
  ]),
  ...ignored("the chat template prints the tools", ["tool_format"]),
  ...ignored("tokens are kept in .cache/tokens by themselves", [
    "tokenized_path",
  ]),
  ...ignored("caches are found by a hash of what they hold", [
    "overwrite_cache",
  ]),
  ...ignored("rows are read one after the other", ["preprocessing_batch_size"]),
  ...ignored("large files are always read in pieces", ["buffer_size"]),
  ...ignored("the evaluations of all datasets are one", [
    "eval_on_each_dataset",
  ]),
  ...ignored("it matters in stage ppo only", ["ppo_*", "reward_model*"]),
  ...ignored("embeddings have no adapters here", ["loraplus_lr_embedding"]),
  ...ignored("the number of iterations is fixed", ["pissa_iter"]),
};

const PICTURES = "pictures and sounds are not served";
const METHOD = "this way of training is not served";

/** Sizes of pictures and sounds, which text alone leaves without a meaning. */
const ofPictures: RuleFunction = (value, { template, model_name_or_path }) =>
  isOff(value)
    ? {}
    : /vl|vision|llava|omni|audio|gemma3|pixtral|intern_?vl|mllama|kimi_vl|minicpm_[vo]|paligemma|video/i
        .test(`${worded(template)} ${worded(model_name_or_path)}`)
    ? { refusal: PICTURES }
    : { note: "it matters with pictures and sounds only" };

const ofOft: RuleFunction = (value, { finetuning_type }) =>
  isOff(value) || value === 0
    ? {}
    : finetuning_type === "oft"
    ? { refusal: "it is a part of finetuning_type oft" }
    : { note: "it matters with finetuning_type oft only" };

/** Keys with which a recipe does not run. */
export const llamaFactoryRefused: Rules = {
  ...refusedKeys(METHOD, [
    "use_apollo",
    "use_adam_mini",
    "use_badam",
    "use_galore",
    "use_muon",
    "use_llama_pro",
    "use_asft_loss",
    "use_eaft_loss",
  ]),
  ...refusedKeys("adapters of whole experts are not served", [
    "kt_use_lora_experts",
  ]),
  ...partsOf("kt_use_lora_experts", ["kt_lora_expert_*"]),
  ...partsOf("use_apollo", ["apollo_*"]),
  ...partsOf("use_badam", ["badam_*"]),
  ...partsOf("use_galore", ["galore_*"]),
  ...partsOf("use_asft_loss", ["asft_alpha"]),
  ...partsOf("use_eaft_loss", ["eaft_*"]),
  "oft_*": ofOft,
  module_dropout: ofOft,
  ...refusedKeys("it changes the model, which is not served", [
    "mixture_of_depths",
    "shift_attn",
    "rope_scaling",
  ]),
  ...refusedKeys("training in 8-bit floats is not served", [
    "fp8",
    "fp8_enable_fsdp_float8_all_gather",
  ]),
  ...partsOf("fp8", ["fp8_backend"]),
  ...refusedKeys("special tokens are always one token", [
    "split_special_tokens",
  ]),
  ...refusedKeys(
    "the chat template says which thoughts of earlier turns stay",
    [
      "preserve_thinking",
    ],
  ),
  ...refusedKeys(PICTURES, [
    "freeze_vision_tower",
    "freeze_multi_modal_projector",
    "freeze_language_model",
  ]),
  ...Object.fromEntries(
    [
      "image_*",
      "video_*",
      "audio_*",
      "crop_to_patches",
      "use_audio_in_video",
      "media_dir",
    ].map((key) => [key, ofPictures]),
  ),
  ...refusedKeys("no tokens are added to the embedding", [
    "add_tokens",
    "add_special_tokens",
    "new_special_tokens",
    "new_special_tokens_config",
  ]),
  quantization_method: only(["bnb", "bitsandbytes", null], "not served here"),
  do_predict: (value, { do_train }) =>
    value === true && do_train !== true
      ? { refusal: "the recipe trains nothing; see the predict task" }
      : value === true
      ? { note: PREDICT }
      : {},
};
