#!/bin/sh
# @huggingface/jinja 0.5.11 renders expressions of chat templates to other text than Jinja 3.1.6 does,
# without an error.
#
# Guess, before the run: the engine knows a part of Jinja. What it knows it renders as Python does,
# and it throws at the rest.
# Seen: characters given to strip() are ignored, equal lists are unequal, a number equals its text,
# the sign of a remainder is JavaScript's, a float loses its ".0" in tojson, `capitalize` keeps
# capitals, and `default` fills what is none. A template that tests `message.tool_calls == []` or
# prints a JSON schema with 1.0 gives other training tokens in JavaScript than in Python.
#
# Versions: @huggingface/jinja 0.5.11 with Node.js 20.20.2, Jinja 3.1.6 with Python 3.11.7.
# Output (expression, Python, JavaScript):
#   {{ '</think>x</think>'.strip('</think>') }} | x | </think>x</think>
#   {{ 'yes' if calls == [] else 'no' }} | yes | no
#   {{ 'yes' if '1' == 1 else 'no' }} | no | yes
#   {{ (0 - 7) % 3 }} | 2 | -1
#   {{ {'minimum': 1.0} | tojson }} | {"minimum": 1.0} | {"minimum": 1}
#   {{ 'hELLO' | capitalize }} | Hello | HELLO
#   {{ none | default('d') }}. | None. | .
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet jinja2==3.1.6
npm install --silent --no-audit --no-fund @huggingface/jinja@0.5.11 >npm.log 2>&1 ||
  { cat npm.log >&2; exit 1; }
cat >expressions <<'EXPRESSIONS'
{{ '</think>x</think>'.strip('</think>') }}
{{ 'yes' if calls == [] else 'no' }}
{{ 'yes' if '1' == 1 else 'no' }}
{{ (0 - 7) % 3 }}
{{ {'minimum': 1.0} | tojson }}
{{ 'hELLO' | capitalize }}
{{ none | default('d') }}.
EXPRESSIONS
venv/bin/python - >python.txt <<'PYTHON'
import jinja2
for line in open("expressions").read().splitlines():
    print(jinja2.Template(line).render(calls=[]))
PYTHON
cat >render.mjs <<'JAVASCRIPT'
import { readFileSync } from "node:fs";
import { Template } from "@huggingface/jinja";
for (const line of readFileSync("expressions", "utf8").trimEnd().split("\n")) {
  console.log(new Template(line).render({ calls: [] }));
}
JAVASCRIPT
node render.mjs >javascript.txt
paste -d '|' expressions python.txt javascript.txt | sed 's/|\([^|]*\)|\([^|]*\)$/ | \1 | \2/' >lines
cat lines
diff - lines <<'WANTED'
{{ '</think>x</think>'.strip('</think>') }} | x | </think>x</think>
{{ 'yes' if calls == [] else 'no' }} | yes | no
{{ 'yes' if '1' == 1 else 'no' }} | no | yes
{{ (0 - 7) % 3 }} | 2 | -1
{{ {'minimum': 1.0} | tojson }} | {"minimum": 1.0} | {"minimum": 1}
{{ 'hELLO' | capitalize }} | Hello | HELLO
{{ none | default('d') }}. | None. | .
WANTED
