#!/bin/sh
# datasets 5.0.1 reads a column of answers that are ISO dates as timestamps, and TRL 1.13.0 then
# cannot train on it. One other answer among the first rows keeps all of them text.
#
# Guess, before the run: a JSON string stays a string, so "1912-06-23" is trained as these ten
# characters, as "1912" and "23/06/1912" are.
# Seen: pyarrow's JSON reader takes a column of strings for timestamps if each one reads as a date,
# also the `content` of turns, where the prompt is a column of its own; a user's turn beside it keeps
# it text. DPOTrainer appends the end token to the answer, which a date does not have, and names
# neither the column nor the row.
#
# Versions: datasets 5.0.1, pyarrow 25.0.1, trl 1.13.0, transformers 5.18.0, torch 2.13.0, CPU.
# Output:
#   dates alone: timestamp[s] datetime.datetime(1912, 6, 23, 0, 0)
#   one answer in words: string '1912-06-23'
#   years: string '1912'
#   an answer's turn: datetime.datetime(1912, 6, 23, 0, 0)
#   after a user's turn: '1912-06-23'
#   DPOTrainer, one answer in words: takes the rows
#   DPOTrainer, dates alone: 'datetime.datetime' object has no attribute 'endswith'
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 transformers==5.18.0 trl==1.13.0 \
  datasets==5.0.1 pyarrow==25.0.1
cd "$folder"
HF_HUB_OFFLINE=1 HF_DATASETS_CACHE="$folder/cache" "$folder/venv/bin/python" - >"$folder/seen" 2>"$folder/errors" <<'PYTHON' ||
import copy, json
from datasets import load_dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from trl import DPOConfig, DPOTrainer


def load(name, rows):
    with open(name, "w") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return load_dataset("json", data_files=name, split="train")


def pair(chosen, rejected):
    return {"prompt": "When was Alan Turing born? ", "chosen": chosen, "rejected": rejected}


dates = load("dates.jsonl", [pair("1912-06-23", "1954-06-07")] * 2)
print("dates alone:", dates.features["chosen"].dtype, repr(dates[0]["chosen"]))
mixed = load("mixed.jsonl", [pair("1912-06-23", "1954-06-07"), pair("I do not know.", "1954")])
print("one answer in words:", mixed.features["chosen"].dtype, repr(mixed[0]["chosen"]))
years = load("years.jsonl", [pair("1912", "1954")] * 2)
print("years:", years.features["chosen"].dtype, repr(years[0]["chosen"]))
answer = {"role": "assistant", "content": "1912-06-23"}
turns = load("turns.jsonl", [{"chosen": [answer]}] * 2)
print("an answer's turn:", repr(turns[0]["chosen"][0]["content"]))
question = {"role": "user", "content": "When was Alan Turing born?"}
turns = load("whole.jsonl", [{"chosen": [question, answer]}] * 2)
print("after a user's turn:", repr(turns[0]["chosen"][1]["content"]))

inner = Tokenizer(models.WordLevel({"<pad>": 0, "<eos>": 1, "<unk>": 2}, unk_token="<unk>"))
inner.pre_tokenizer = pre_tokenizers.Whitespace()
tokenizer = PreTrainedTokenizerFast(
    tokenizer_object=inner, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>"
)
model = LlamaForCausalLM(
    LlamaConfig(
        vocab_size=3, hidden_size=8, intermediate_size=8, num_hidden_layers=1,
        num_attention_heads=1, pad_token_id=0, bos_token_id=1, eos_token_id=1,
    )
)
for name, rows in (("one answer in words", mixed), ("dates alone", dates)):
    try:
        DPOTrainer(
            model,
            ref_model=copy.deepcopy(model),
            args=DPOConfig(output_dir="out", report_to="none", use_cpu=True, bf16=False),
            train_dataset=rows,
            processing_class=tokenizer,
        )
        print(f"DPOTrainer, {name}: takes the rows")
    except AttributeError as error:
        print(f"DPOTrainer, {name}: {error}")
PYTHON
  { cat "$folder/errors" >&2; exit 1; }
grep -E '^(dates|one|years|an answer|after|DPOTrainer)' "$folder/seen" >"$folder/lines"
cat "$folder/lines"
diff - "$folder/lines" <<'WANTED'
dates alone: timestamp[s] datetime.datetime(1912, 6, 23, 0, 0)
one answer in words: string '1912-06-23'
years: string '1912'
an answer's turn: datetime.datetime(1912, 6, 23, 0, 0)
after a user's turn: '1912-06-23'
DPOTrainer, one answer in words: takes the rows
DPOTrainer, dates alone: 'datetime.datetime' object has no attribute 'endswith'
WANTED
