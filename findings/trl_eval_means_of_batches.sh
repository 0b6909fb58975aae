#!/bin/sh
# TRL 1.13.0's evaluation metrics of DPO depend on per_device_eval_batch_size, its loss does not.
#
# Guess, before the run: `eval_rewards/accuracies` and `eval_rewards/margins` are means over the
# pairs, as `eval_loss` is, so that the batch size of an evaluation changes only its speed.
# Seen: they are means of the batches' means. Of three pairs in batches of two, the last one counts
# as much as the two others: two pairs won of three are an accuracy of 0.5.
#
# Versions: trl 1.13.0, transformers 5.18.0, torch 2.13.0, datasets 5.0.1, CPU.
# Output:
#   batches of 1: eval_rewards/accuracies 0.667
#   batches of 2: eval_rewards/accuracies 0.500
#   batches of 3: eval_rewards/accuracies 0.667
#   eval_loss: 1 as 3: True, 1 as 2: True
#   eval_rewards/margins: 1 as 3: True, 1 as 2: False
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


won, lost = pair("yes", "no tea"), pair("no tea", "yes")
trained = trainer([won, won], learning_rate=0.05, per_device_train_batch_size=2)
trained.train()
found = {}
for size in (1, 2, 3):
    row = trainer(
        [won], model=trained.model, eval_rows=[won, won, lost], per_device_eval_batch_size=size
    ).evaluate()
    found[size] = row
    print(f"batches of {size}: eval_rewards/accuracies {row['eval_rewards/accuracies']:.3f}")


def same(key, one, other):
    return abs(found[one][key] - found[other][key]) < 1e-5


for key in ("eval_loss", "eval_rewards/margins"):
    print(f"{key}: 1 as 3: {same(key, 1, 3)}, 1 as 2: {same(key, 1, 2)}")
PYTHON
  { cat "$folder/errors" >&2; exit 1; }
grep -E '^(batches|eval)' "$folder/seen" >"$folder/lines"
cat "$folder/lines"
diff - "$folder/lines" <<'WANTED'
batches of 1: eval_rewards/accuracies 0.667
batches of 2: eval_rewards/accuracies 0.500
batches of 3: eval_rewards/accuracies 0.667
eval_loss: 1 as 3: True, 1 as 2: True
eval_rewards/margins: 1 as 3: True, 1 as 2: False
WANTED
