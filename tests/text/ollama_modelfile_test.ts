/**
 * Chat templates as turns, and as Modelfiles: those that are turns with text around them, and those
 * that are not.
 */
import { assert, assertEquals } from "@std/assert";
import { createChatTemplate } from "../../src/text/chat_template.ts";
import { ollamaModelfile } from "../../src/text/ollama_modelfile.ts";
import { TEMPLATE_NAMES, templateFile } from "../../src/text/template_files.ts";
import { findTurnFormat } from "../../src/text/turn_format.ts";
import { test } from "../test_case.ts";

const reading = {
  permissions: { read: [new URL("../../templates/", import.meta.url)] },
  sanitizeOps: true,
  sanitizeResources: true,
};

const specialTokens = { bos_token: "<s>", eos_token: "</s>" };

async function formatOf(name: string) {
  const source = await Deno.readTextFile(templateFile(name));
  const template = createChatTemplate(source, { specialTokens });
  return findTurnFormat(template, specialTokens.eos_token);
}

test(
  "findTurnFormat() finds the turns of every shipped template",
  reading,
  async () => {
    for (const name of TEMPLATE_NAMES) {
      assert(await formatOf(name), name);
    }
  },
);

test(
  "findTurnFormat() tells a default system turn, a refused one, and none",
  reading,
  async () => {
    assertEquals(await formatOf("chatml"), {
      head: "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n",
      system: ["<|im_start|>system\n", "<|im_end|>\n"],
      user: "<|im_start|>user\n",
      answer: "<|im_end|>\n<|im_start|>assistant\n",
      end: "<|im_end|>\n",
    });
    assertEquals(await formatOf("gemma"), {
      head: "<s>",
      system: undefined,
      user: "<start_of_turn>user\n",
      answer: "<end_of_turn>\n<start_of_turn>model\n",
      end: "<end_of_turn>\n",
    });
    assertEquals((await formatOf("zephyr"))?.head, "");
  },
);

test(
  "findTurnFormat() leaves a template alone that is no row of turns",
  reading,
  () => {
    const sources = [
      "{{ messages | length }}",
      "{% for m in messages %}{{ m.content | upper }}{% endfor %}",
      "{% for m in messages %}{{ loop.index }}{{ m.role }}{{ m.content }};{% endfor %}",
      "{% for m in messages %}{{ m.content * 2 }}{% endfor %}",
      "{{ raise_exception('no') }}",
    ];
    for (const source of sources) {
      const template = createChatTemplate(source);
      assertEquals(findTurnFormat(template, undefined), undefined, source);
    }
  },
);

const tokenizer = {
  model: { type: "BPE", vocab: { a: 0, "<|im_end|>": 1 }, merges: [] },
  added_tokens: ["<s>", "</s>"].map((content, i) => ({
    id: i + 2,
    content,
    special: true,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
  })),
};

function modelfile(chatTemplate: string | undefined, addsBos = false): string {
  const files = {
    tokenizer,
    tokenizerConfig: specialTokens,
    ...(chatTemplate === undefined ? {} : { chatTemplate }),
  };
  return ollamaModelfile({ from: "x.gguf", files, addsBos });
}

test(
  "ollamaModelfile() writes turns in Go's language and where an answer stops",
  reading,
  async () => {
    const source = await Deno.readTextFile(templateFile("chatml"));
    assertEquals(
      modelfile(source),
      `FROM ./x.gguf
TEMPLATE """{{ if .System }}<|im_start|>system
{{ .System }}<|im_end|>
{{ else }}<|im_start|>system
You are a helpful assistant.<|im_end|>
{{ end }}{{ range .Messages }}{{ if eq .Role "user" }}<|im_start|>user
{{ .Content }}<|im_end|>
<|im_start|>assistant
{{ else if eq .Role "assistant" }}{{ .Content }}<|im_end|>
{{ end }}{{ end }}"""
PARAMETER stop "<|im_end|>"
PARAMETER stop "</s>"
`,
    );
  },
);

test(
  "ollamaModelfile() leaves the BOS token to a runtime that adds it",
  reading,
  async () => {
    const source = await Deno.readTextFile(templateFile("gemma"));
    assert(modelfile(source).includes('TEMPLATE """<s>{{ range'));
    assert(modelfile(source, true).includes('TEMPLATE """{{ range'));
  },
);

test(
  "ollamaModelfile() says when there is no template, or none that it can write",
  reading,
  () => {
    const none = modelfile(undefined);
    assert(none.includes('TEMPLATE """{{ .Prompt }}"""'), none);
    const odd = modelfile("{{ messages | length }}");
    assert(odd.includes("no TEMPLATE was made"), odd);
    assert(!odd.includes('TEMPLATE """'), odd);
    const braces =
      "{% for m in messages %}[{{ m.role }}]{{ m.content }}{{ '{{' }}{% endfor %}{{ '[assistant]' if add_generation_prompt }}";
    assert(!modelfile(braces).includes('TEMPLATE """'));
  },
);
