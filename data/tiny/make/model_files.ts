/**
 * The files from which the tiny model's training starts: config, tokenizer and chat template in
 * Hugging Face layout, without weights. Everything that is not learned from the text stands here.
 */
import { type Vocabulary, WORD_PATTERN } from "./bpe.ts";

/** Tokens of the whole vocabulary, special ones included. */
export const VOCAB_SIZE = 1536;
/** Special tokens in the order of their ids, the last of the vocabulary, as Qwen2 names them. */
export const SPECIAL_TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];
const [PAD, , EOS] = SPECIAL_TOKENS;
const FIRST_SPECIAL = VOCAB_SIZE - SPECIAL_TOKENS.length;
const PAD_ID = FIRST_SPECIAL;
const EOS_ID = FIRST_SPECIAL + 2;

/** ChatML: every turn between its marks; no system turn is added. */
const CHAT_TEMPLATE = "{%- for message in messages %}" +
  "{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}" +
  "{%- endfor %}" +
  "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}";

/**
 * A Qwen2 of 985,216 parameters: 196,608 embedded, 197,120 in each of 4 layers, 128 in the last
 * norm.
 */
const CONFIG = {
  architectures: ["Qwen2ForCausalLM"],
  model_type: "qwen2",
  vocab_size: VOCAB_SIZE,
  hidden_size: 128,
  intermediate_size: 384,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 512,
  hidden_act: "silu",
  rms_norm_eps: 1e-6,
  rope_theta: 10000,
  tie_word_embeddings: true,
  attention_dropout: 0,
  initializer_range: 0.02,
  use_cache: true,
  use_sliding_window: false,
  torch_dtype: "float32",
  bos_token_id: null,
  pad_token_id: PAD_ID,
  eos_token_id: EOS_ID,
};

const special = (content: string) => ({
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
});

function tokenizer({ tokens, merges }: Vocabulary): unknown {
  const byteLevel = {
    type: "ByteLevel",
    add_prefix_space: false,
    trim_offsets: false,
    use_regex: false,
  };
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: SPECIAL_TOKENS.map((token, index) => ({
      id: FIRST_SPECIAL + index,
      ...special(token),
    })),
    normalizer: { type: "NFC" },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        {
          type: "Split",
          pattern: { Regex: WORD_PATTERN },
          behavior: "Isolated",
          invert: false,
        },
        byteLevel,
      ],
    },
    post_processor: byteLevel,
    decoder: byteLevel,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: "",
      end_of_word_suffix: "",
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: merges.map((pair) => pair.join(" ")),
    },
  };
}

const TOKENIZER_CONFIG = {
  tokenizer_class: "Qwen2Tokenizer",
  add_prefix_space: false,
  added_tokens_decoder: Object.fromEntries(
    SPECIAL_TOKENS.map((token, index) => [
      FIRST_SPECIAL + index,
      special(token),
    ]),
  ),
  additional_special_tokens: SPECIAL_TOKENS.slice(1),
  bos_token: null,
  eos_token: EOS,
  pad_token: PAD,
  unk_token: null,
  chat_template: CHAT_TEMPLATE,
  clean_up_tokenization_spaces: false,
  errors: "replace",
  model_max_length: CONFIG.max_position_embeddings,
  split_special_tokens: false,
};

const GENERATION_CONFIG = {
  eos_token_id: [EOS_ID, PAD_ID],
  pad_token_id: PAD_ID,
  do_sample: true,
  temperature: 1,
  top_k: 0,
  top_p: 1,
};

/** How many tokens of the vocabulary are learned from text, bytes included. */
export const LEARNED_TOKENS = FIRST_SPECIAL;

/** The model folder's files by name, as JSON values. */
export function modelFiles(vocabulary: Vocabulary): Record<string, unknown> {
  return {
    "config.json": CONFIG,
    "generation_config.json": GENERATION_CONFIG,
    "tokenizer.json": tokenizer(vocabulary),
    "tokenizer_config.json": TOKENIZER_CONFIG,
  };
}
