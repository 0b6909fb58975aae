#!/bin/sh
# TRL 1.13.0 adds the router loss to DPO although the model's config.json switches it off.
#
# Guess, before the run: DPOTrainer follows `output_router_logits` of the model's config, false by
# default, so a Mixtral with that config has no `aux_loss` and router_aux_loss_coef stays unused.
# Seen: the flag only has to exist. Every mixture of experts gets 0.001 * aux_loss, and the config's
# own `router_aux_loss_coef` (here 7) is not read. `router_aux_loss_coef=0.0` of the trainer is the
# one way to leave it out.
#
# Versions: trl 1.13.0, transformers 5.18.0, torch 2.13.0, datasets 5.0.1, CPU.
# Output:
#   config.output_router_logits: False
#   by default: aux_loss logged: True, loss - ln 2 = 0.001 * aux_loss: True
#   with router_aux_loss_coef=0.0: aux_loss logged: False, loss - ln 2 = 0: True
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 transformers==5.18.0 trl==1.13.0 \
  datasets==5.0.1
cd "$folder"
HF_HUB_OFFLINE=1 "$folder/venv/bin/python" - >"$folder/seen" 2>"$folder/errors" <<'PYTHON' ||
import copy, math, torch
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import MixtralConfig, MixtralForCausalLM, PreTrainedTokenizerFast
from trl import DPOConfig, DPOTrainer

words = ["<pad>", "<eos>", "<unk>", "is", "it", "late", "yes", "no", "tea"]
inner = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))
inner.pre_tokenizer = pre_tokenizers.Whitespace()
tokenizer = PreTrainedTokenizerFast(
    tokenizer_object=inner, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>"
)
rows = Dataset.from_list(
    [{"prompt": "is it late ", "chosen": "yes", "rejected": "no tea"}] * 2
)
config = MixtralConfig(
    vocab_size=len(words), hidden_size=16, intermediate_size=16, num_hidden_layers=2,
    num_attention_heads=2, num_key_value_heads=2, num_local_experts=4, num_experts_per_tok=2,
    router_aux_loss_coef=7.0, pad_token_id=0, bos_token_id=1, eos_token_id=1,
)
print("config.output_router_logits:", config.output_router_logits)


def first_row(**more):
    torch.manual_seed(0)
    model = MixtralForCausalLM(config)
    trainer = DPOTrainer(
        model,
        ref_model=copy.deepcopy(model),
        args=DPOConfig(
            output_dir="out", max_steps=1, logging_steps=1, per_device_train_batch_size=2,
            report_to="none", use_cpu=True, bf16=False, save_strategy="no", **more,
        ),
        train_dataset=rows,
        processing_class=tokenizer,
    )
    trainer.train()
    return trainer.state.log_history[0]


row = first_row()
near = math.isclose(row["loss"] - math.log(2), 0.001 * row["aux_loss"], rel_tol=0.05)
print(f"by default: aux_loss logged: {'aux_loss' in row}, loss - ln 2 = 0.001 * aux_loss: {near}")
row = first_row(router_aux_loss_coef=0.0)
near = abs(row["loss"] - math.log(2)) < 1e-4
print(
    f"with router_aux_loss_coef=0.0: aux_loss logged: {'aux_loss' in row}, loss - ln 2 = 0: {near}"
)
PYTHON
  { cat "$folder/errors" >&2; exit 1; }
grep -E '^(config|by default|with)' "$folder/seen" >"$folder/lines"
cat "$folder/lines"
diff - "$folder/lines" <<'WANTED'
config.output_router_logits: False
by default: aux_loss logged: True, loss - ln 2 = 0.001 * aux_loss: True
with router_aux_loss_coef=0.0: aux_loss logged: False, loss - ln 2 = 0: True
WANTED
