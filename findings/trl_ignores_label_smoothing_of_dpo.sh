#!/bin/sh
# TRL 1.13.0's DPOTrainer takes `label_smoothing` with the default loss and trains as without it.
#
# Guess, before the run: `label_smoothing=0.2` gives conservative DPO (equation 3 of
# https://ericmitchell.ai/cdpo.pdf), whose loss at a margin m is 0.8 * -log s(m) + 0.2 * -log s(-m).
# Seen: with `loss_type="sigmoid"` the logged losses of a run are equal with 0 and with 0.2, without
# a warning. It counts for "robust" and "exo_pair" alone.
#
# Versions: trl 1.13.0, transformers 5.18.0, torch 2.13.0, datasets 5.0.1, CPU.
# Output:
#   sigmoid: the same losses with label_smoothing 0 and 0.2: True
#   robust: the same losses with label_smoothing 0 and 0.2: False
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 transformers==5.18.0 trl==1.13.0 \
  datasets==5.0.1
cd "$folder"
HF_HUB_OFFLINE=1 HF_DATASETS_CACHE="$folder/cache" "$folder/venv/bin/python" - >"$folder/seen" 2>"$folder/errors" <<'PYTHON' ||
import copy, torch
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from trl import DPOConfig, DPOTrainer

words = ["<pad>", "<eos>", "<unk>", "is", "it", "late", "yes", "no", "tea", "we", "go", "home"]
inner = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))
inner.pre_tokenizer = pre_tokenizers.Whitespace()
tokenizer = PreTrainedTokenizerFast(
    tokenizer_object=inner, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>"
)


def fresh():
    torch.manual_seed(0)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(words), hidden_size=16, intermediate_size=16, num_hidden_layers=1,
            num_attention_heads=2, pad_token_id=0, bos_token_id=1, eos_token_id=1,
        )
    )


def pair(chosen, rejected):
    return {"prompt": "is it late ", "chosen": chosen, "rejected": rejected}


def trainer(rows, model=None, eval_rows=None, **more):
    start = fresh()
    return DPOTrainer(
        model or start,
        ref_model=copy.deepcopy(start),
        args=DPOConfig(
            output_dir="out", report_to="none", use_cpu=True, bf16=False, save_strategy="no",
            max_steps=3, logging_steps=1, lr_scheduler_type="constant", **more,
        ),
        train_dataset=Dataset.from_list(rows),
        eval_dataset=Dataset.from_list(eval_rows) if eval_rows else None,
        processing_class=tokenizer,
    )


rows = [pair("yes", "no tea")] * 2


def losses(kind, smoothing):
    run = trainer(
        rows, loss_type=kind, label_smoothing=smoothing, learning_rate=0.05,
        per_device_train_batch_size=2,
    )
    run.train()
    return [row["loss"] for row in run.state.log_history if "loss" in row]


for kind in ("sigmoid", "robust"):
    same = losses(kind, 0.0) == losses(kind, 0.2)
    print(f"{kind}: the same losses with label_smoothing 0 and 0.2: {same}")
PYTHON
  { cat "$folder/errors" >&2; exit 1; }
grep -E '^(sigmoid|robust)' "$folder/seen" >"$folder/lines"
cat "$folder/lines"
diff - "$folder/lines" <<'WANTED'
sigmoid: the same losses with label_smoothing 0 and 0.2: True
robust: the same losses with label_smoothing 0 and 0.2: False
WANTED
