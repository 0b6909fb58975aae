#!/bin/sh
# TRL 1.13.0: with `loss_type=["sigmoid", "sft"]` two micro-batches of one pair are not one batch of
# two pairs; with "sigmoid" alone they are.
#
# Guess, before the run: gradient accumulation gives the gradient of the whole batch, as since
# transformers 4.46 for causal models.
# Seen: the "sft" term is the mean over the tokens of its own micro-batch, and the micro-batches
# count alike, so each token of a short answer weighs more than one of a long answer.
#
# Versions: trl 1.13.0, transformers 5.18.0, torch 2.13.0, datasets 5.0.1, CPU.
# Output:
#   sigmoid: the same gradient: True
#   sigmoid+sft: the same gradient: False
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
            max_steps=1, logging_steps=1, lr_scheduler_type="constant", **more,
        ),
        train_dataset=Dataset.from_list(rows),
        eval_dataset=Dataset.from_list(eval_rows) if eval_rows else None,
        processing_class=tokenizer,
    )


rows = [pair("yes it is late we go home", "no"), pair("tea", "no")]


def change(losses, size, accumulated):
    """How far one step of plain gradient descent moves lm_head."""
    start = fresh().lm_head.weight.detach()
    run = trainer(
        rows, per_device_train_batch_size=size, gradient_accumulation_steps=accumulated,
        loss_type=losses, max_grad_norm=0, optim="sgd", learning_rate=1.0,
    )
    run.train()
    return (run.model.lm_head.weight.detach() - start).norm().item()


for losses in (["sigmoid"], ["sigmoid", "sft"]):
    whole, parts = change(losses, 2, 1), change(losses, 1, 2)
    print(f"{'+'.join(losses)}: the same gradient: {abs(whole - parts) < 1e-4 * whole}")
PYTHON
  { cat "$folder/errors" >&2; exit 1; }
grep -E '^sigmoid' "$folder/seen" >"$folder/lines"
cat "$folder/lines"
diff - "$folder/lines" <<'WANTED'
sigmoid: the same gradient: True
sigmoid+sft: the same gradient: False
WANTED
