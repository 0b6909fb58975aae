#!/bin/sh
# TRL 1.13.0's DPOTrainer takes the prompt of pairs without a "prompt" column from the letters that
# both texts begin with. Where they part inside a word, a piece of the word is lost, and the model is
# trained on texts that the data does not hold.
#
# Guess, before the run: of "The cat sat." and "The car ran." the prompt is "The", the last whole word
# that both have, or at least prompt and answer together are the text.
# Seen: the prompt is "The ca" and the answer "t sat.". The trainer tokenizes the prompt, and prompt
# and answer together, and cuts off as many tokens as the prompt has: " cat" goes, " ca" stays, and
# "The ca sat." and "The ca ran." are trained, without the words in which the two differ. A warning
# speaks of a mismatch and of unexpected behaviour of the tokenizer; training goes on.
#
# Versions: trl 1.13.0, transformers 5.18.0, torch 2.13.0, datasets 5.0.1, tokenizers 0.23.2, CPU.
# Output:
#   prompt "The ca", chosen "t sat.", rejected "r ran."
#   chosen:   The| cat| sat|. is trained as The| ca| sat|.
#   rejected: The| car| ran|. is trained as The| ca| ran|.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 transformers==5.18.0 trl==1.13.0 \
  datasets==5.0.1 tokenizers==0.23.2
cd "$folder"
HF_HUB_OFFLINE=1 HF_DATASETS_CACHE="$folder/cache" "$folder/venv/bin/python" - >"$folder/seen" 2>"$folder/errors" <<'PYTHON' ||
import copy

from datasets import Dataset
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from trl import DPOConfig, DPOTrainer
from trl.data_utils import extract_prompt

# a byte-level BPE in which the words of both texts are one token each
merges = [
    ("T", "h"), ("Th", "e"), ("c", "a"), ("\u0120", "ca"), ("\u0120ca", "t"), ("\u0120ca", "r"),
    ("\u0120", "s"), ("\u0120s", "a"), ("\u0120sa", "t"),
    ("\u0120", "r"), ("\u0120r", "a"), ("\u0120ra", "n"),
]
pieces = ["<pad>", "<eos>", *pre_tokenizers.ByteLevel.alphabet(), *(a + b for a, b in merges)]
vocab = {piece: i for i, piece in enumerate(pieces)}
inner = Tokenizer(models.BPE(vocab=vocab, merges=merges))
inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
inner.decoder = decoders.ByteLevel()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, pad_token="<pad>", eos_token="<eos>")

pair = {"chosen": "The cat sat.", "rejected": "The car ran."}
cut = extract_prompt(pair)
print(f'prompt "{cut["prompt"]}", chosen "{cut["chosen"]}", rejected "{cut["rejected"]}"')


def shown(ids):
    return "|".join(tokenizer.decode([one]) for one in ids if one != tokenizer.eos_token_id)


model = LlamaForCausalLM(
    LlamaConfig(
        vocab_size=len(vocab), hidden_size=16, intermediate_size=16, num_hidden_layers=1,
        num_attention_heads=2, pad_token_id=0, bos_token_id=1, eos_token_id=1,
    )
)
trainer = DPOTrainer(
    model,
    ref_model=copy.deepcopy(model),
    args=DPOConfig(output_dir="out", report_to="none", use_cpu=True, bf16=False),
    train_dataset=Dataset.from_list([pair]),
    processing_class=tokenizer,
)
row = trainer.train_dataset[0]
for key in ("chosen", "rejected"):
    whole = shown(tokenizer(pair[key])["input_ids"])
    print(f"{key + ':':9} {whole} is trained as {shown([*row['prompt_ids'], *row[key + '_ids']])}")
PYTHON
  { cat "$folder/errors" >&2; exit 1; }
grep -E '^(prompt|chosen|rejected)' "$folder/seen" >"$folder/lines"
cat "$folder/lines"
diff - "$folder/lines" <<'WANTED'
prompt "The ca", chosen "t sat.", rejected "r ran."
chosen:   The| cat| sat|. is trained as The| ca| sat|.
rejected: The| car| ran|. is trained as The| ca| ran|.
WANTED
