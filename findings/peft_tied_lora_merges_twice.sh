#!/bin/sh
# PEFT 0.21.0 merges a LoRA of tied embeddings twice under `ensure_weight_tying=True`.
#
# Guess, before the run: the option, which is there for tied models, makes embed_tokens and lm_head
# share one delta, and merge_and_unload() adds it once; the merged model answers as the adapter.
# Seen: both modules hold the one matrix and each adds the delta to it, so it is counted twice. The
# merged model is another one than the model that was trained, without a warning. The adapter alone
# is right, and so are models whose lm_head is a matrix of its own.
#
# Versions: peft 0.21.0, transformers 5.18.0, torch 2.13.0, CPU.
# Output:
#   tied: True, the delta was added 2.000 times, same logits: False
#   tied: False, the delta was added 1.000 times, same logits: True
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 transformers==5.18.0 peft==0.21.0
cd "$folder"
HF_HUB_OFFLINE=1 HF_DATASETS_CACHE="$folder/cache" "$folder/venv/bin/python" - >"$folder/seen" 2>"$folder/errors" <<'PYTHON' ||
import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

ids = torch.arange(8)[None]


def tried(tied):
    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=32, hidden_size=16, intermediate_size=16, num_hidden_layers=1,
            num_attention_heads=2, tie_word_embeddings=tied,
        )
    )
    before = model.model.embed_tokens.weight.detach().clone()
    model = get_peft_model(
        model,
        LoraConfig(
            r=2, lora_alpha=2, target_modules=["embed_tokens"], init_lora_weights=False,
            ensure_weight_tying=tied,
        ),
    )
    layer = model.base_model.model.model.embed_tokens
    a, b = layer.lora_embedding_A["default"], layer.lora_embedding_B["default"]
    delta = (b @ a).T.detach()
    adapted = model(ids).logits
    merged = model.merge_and_unload()
    change = merged.model.embed_tokens.weight.detach() - before
    times = (change * delta).sum() / (delta * delta).sum()
    return times.item(), torch.allclose(merged(ids).logits, adapted, rtol=1e-3, atol=1e-3)


for tied in (True, False):
    times, same = tried(tied)
    print(f"tied: {tied}, the delta was added {times:.3f} times, same logits: {same}")
PYTHON
  { cat "$folder/errors" >&2; exit 1; }
grep -E '^tied' "$folder/seen" >"$folder/lines"
cat "$folder/lines"
diff - "$folder/lines" <<'WANTED'
tied: True, the delta was added 2.000 times, same logits: False
tied: False, the delta was added 1.000 times, same logits: True
WANTED
