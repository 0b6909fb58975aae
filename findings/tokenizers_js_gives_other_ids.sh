#!/bin/sh
# @huggingface/tokenizers 0.2.0, the tokenizers of transformers.js, gives other ids or texts than the
# library in Rust (tokenizers 0.23.2) for the same tokenizer.json, without an error.
#
# Guess, before the run: a part of a tokenizer.json is served as the library in Rust serves it, or
# the constructor throws at it.
# Seen: the pre-tokenizer `Whitespace` cuts words at accents, since its \w is ASCII; a BPE's
# `continuing_subword_prefix` is not read; `fuse_unk` joins the unknowns of two words into one; the
# Metaspace decoder removes a first space although `prepend_scheme` is "never"; `$&` in a Replace
# normalizer is not the two characters that it is in the file.
#
# Versions: @huggingface/tokenizers 0.2.0 with Node.js 20.20.2, tokenizers 0.23.2 with Python 3.11.7.
# Output (case, text, ids, decoded; Rust first, then JavaScript):
#   Whitespace "été" [1] "été" | [2,3,2] "é t é"
#   continuing_subword_prefix "ab" [2] "ab" | [1,0] "a <unk>"
#   fuse_unk "bb cc" [0,0] "<unk> <unk>" | [0] "<unk>"
#   Metaspace never " a a" [3,3] " a a" | [3,3] "a a"
#   Replace "axb" [1] "a$&b" | [2] "axb"
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet tokenizers==0.23.2
npm install --silent --no-audit --no-fund @huggingface/tokenizers@0.2.0 >npm.log 2>&1 ||
  { cat npm.log >&2; exit 1; }
cat >rust.py <<'PYTHON'
import json
from tokenizers import Tokenizer


def tokenizer(model, pre=None, decoder=None, normalizer=None):
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [],
        "normalizer": normalizer, "pre_tokenizer": pre, "post_processor": None,
        "decoder": decoder, "model": model,
    }


def model(kind, tokens, **more):
    vocab = {token: i for i, token in enumerate(tokens)}
    return {"type": kind, "vocab": vocab, "unk_token": "<unk>", **more}


def bpe(tokens, merges, **more):
    parts = {
        "dropout": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
        "fuse_unk": False, "byte_fallback": False, "ignore_merges": False, "merges": merges,
    }
    return model("BPE", tokens, **{**parts, **more})


metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never", "split": True}
dollar = {"type": "Replace", "pattern": {"String": "x"}, "content": "$&"}
whitespace = {"type": "Whitespace"}
cases = [
    ("Whitespace", "été", tokenizer(model("WordLevel", ["<unk>", "été", "é", "t"]), whitespace)),
    (
        "continuing_subword_prefix", "ab",
        tokenizer(bpe(["<unk>", "a", "ab", "##b"], [["a", "##b"]], continuing_subword_prefix="##")),
    ),
    ("fuse_unk", "bb cc", tokenizer(bpe(["<unk>", "a"], [], fuse_unk=True), whitespace)),
    (
        "Metaspace never", " a a",
        tokenizer(bpe(["<unk>", "▁", "a", "▁a"], [["▁", "a"]]), metaspace, metaspace),
    ),
    (
        "Replace", "axb",
        tokenizer(model("WordLevel", ["<unk>", "a$&b", "axb"]), None, None, dollar),
    ),
]
with open("cases.json", "w") as file:
    json.dump(cases, file)
for name, text, made in cases:
    rust = Tokenizer.from_str(json.dumps(made))
    ids = rust.encode(text).ids
    shown = [json.dumps(one, ensure_ascii=False) for one in (text, rust.decode(ids))]
    print(name, shown[0], json.dumps(ids, separators=(",", ":")), shown[1])
PYTHON
cat >javascript.mjs <<'JAVASCRIPT'
import { readFileSync } from "node:fs";
import { Tokenizer } from "@huggingface/tokenizers";
for (const [, text, made] of JSON.parse(readFileSync("cases.json", "utf8"))) {
  const tokenizer = new Tokenizer(made, {});
  const { ids } = tokenizer.encode(text);
  console.log(JSON.stringify(ids), JSON.stringify(tokenizer.decode(ids)));
}
JAVASCRIPT
PYTHONUTF8=1 venv/bin/python rust.py >rust.txt
node javascript.mjs >javascript.txt
paste -d '|' rust.txt javascript.txt | sed 's/|/ | /' >lines
cat lines
diff - lines <<'WANTED'
Whitespace "été" [1] "été" | [2,3,2] "é t é"
continuing_subword_prefix "ab" [2] "ab" | [1,0] "a <unk>"
fuse_unk "bb cc" [0,0] "<unk> <unk>" | [0] "<unk>"
Metaspace never " a a" [3,3] " a a" | [3,3] "a a"
Replace "axb" [1] "a$&b" | [2] "axb"
WANTED
