#!/bin/sh
# transformers 5.18.0 takes the activation of Gemma 1 from `hidden_act` and that of Gemma 2 and 3 from
# `hidden_activation`; the other key is kept in the config and changes nothing.
#
# Guess, before the run: `hidden_activation`, which later configs of Gemma 1 have as well, wins in
# all three where it is set, and `hidden_act` counts where it is not.
# Seen: Gemma 1 passes over `hidden_activation`, Gemma 2 and 3 pass over `hidden_act`, all without a
# word. A config.json that is changed by hand, or written by a tool for one of them, trains with
# another activation than it says.
#
# Versions: transformers 5.18.0, torch 2.13.0, CPU.
# Output:
#   gemma: hidden_act counts True, hidden_activation counts False
#   gemma2: hidden_act counts False, hidden_activation counts True
#   gemma3_text: hidden_act counts False, hidden_activation counts True
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 transformers==5.18.0
cd "$folder"
HF_HUB_OFFLINE=1 "$folder/venv/bin/python" - >"$folder/seen" 2>"$folder/errors" <<'PYTHON' ||
import torch
from transformers import AutoConfig, AutoModelForCausalLM

SIZES = dict(
    vocab_size=32, hidden_size=16, intermediate_size=16, num_hidden_layers=1, head_dim=8,
    num_attention_heads=2, num_key_value_heads=1,
)
ids = torch.arange(3, 20)[None]


def logits(family, **keys):
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(family, **SIZES, **keys)).eval()
    with torch.no_grad():
        return model(input_ids=ids).logits


for family in ("gemma", "gemma2", "gemma3_text"):
    plain = logits(family)
    counts = {
        key: not torch.equal(plain, logits(family, **{key: "relu"}))
        for key in ("hidden_act", "hidden_activation")
    }
    print(f"{family}: " + ", ".join(f"{key} counts {is_so}" for key, is_so in counts.items()))
PYTHON
  { cat "$folder/errors" >&2; exit 1; }
cat "$folder/seen"
diff - "$folder/seen" <<'WANTED'
gemma: hidden_act counts True, hidden_activation counts False
gemma2: hidden_act counts False, hidden_activation counts True
gemma3_text: hidden_act counts False, hidden_activation counts True
WANTED
