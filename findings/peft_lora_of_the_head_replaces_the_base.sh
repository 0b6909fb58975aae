#!/bin/sh
# A LoRA adapter of PEFT 0.21.0 on embed_tokens or lm_head replaces that matrix of the base it is
# loaded on, also while the adapter is switched off.
#
# Guess, before the run: the adapter file holds the two small matrices of each module; on a base that
# was trained on meanwhile, disable_adapter() answers as that base does.
# Seen: the file also holds the module's whole weight of the first base (`base_layer.weight`), and
# loading writes it into the new base without a warning. A reference model by a disabled adapter, as
# DPO has it, is then neither base. Adapters on other modules are as guessed.
#
# Versions: peft 0.21.0, transformers 5.18.0, torch 2.13.0, CPU.
# Output:
#   q_proj: the file holds a weight of the base: False, switched off it is the base: True
#   lm_head: the file holds a weight of the base: True, switched off it is the base: False
#   embed_tokens: the file holds a weight of the base: True, switched off it is the base: False
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 transformers==5.18.0 peft==0.21.0
cd "$folder"
HF_HUB_OFFLINE=1 "$folder/venv/bin/python" - >"$folder/seen" 2>"$folder/errors" <<'PYTHON' ||
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file
from transformers import LlamaConfig, LlamaForCausalLM

ids = torch.arange(8)[None]


def base(seed):
    torch.manual_seed(seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=32, hidden_size=16, intermediate_size=16, num_hidden_layers=1,
            num_attention_heads=2,
        )
    )


for module in ("q_proj", "lm_head", "embed_tokens"):
    get_peft_model(base(0), LoraConfig(r=2, target_modules=[module])).save_pretrained(module)
    names = load_file(f"{module}/adapter_model.safetensors")
    whole = any(name.endswith("base_layer.weight") for name in names)
    other = base(1)
    wanted = other(ids).logits.detach()
    model = PeftModel.from_pretrained(other, module)
    with model.disable_adapter():
        same = torch.allclose(model(ids).logits, wanted)
    print(f"{module}: the file holds a weight of the base: {whole}, switched off it is the base: {same}")
PYTHON
  { cat "$folder/errors" >&2; exit 1; }
grep -E '^(q_proj|lm_head|embed_tokens)' "$folder/seen" >"$folder/lines"
cat "$folder/lines"
diff - "$folder/lines" <<'WANTED'
q_proj: the file holds a weight of the base: False, switched off it is the base: True
lm_head: the file holds a weight of the base: True, switched off it is the base: False
embed_tokens: the file holds a weight of the base: True, switched off it is the base: False
WANTED
