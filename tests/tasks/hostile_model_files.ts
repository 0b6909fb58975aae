/** Hostile files of models, adapters, templates, checkpoints and GGUF. */
import { writeSafetensors } from "../../src/files/safetensors/safetensors_writer.ts";
import type { TemporaryFolder } from "../temporary_folder.ts";
import type { HostileFile } from "./hostile_case.ts";
import { CONFIG, writeJson } from "./small_project.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);

/** The bytes of a safetensors file with this header. */
function safetensors(header: unknown, data = 0, length?: bigint): Uint8Array {
  const text = utf8(
    typeof header === "string" ? header : JSON.stringify(header),
  );
  const bytes = new Uint8Array(8 + text.length + data);
  new DataView(bytes.buffer)
    .setBigUint64(0, length ?? BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

const tensor = (
  shape: readonly unknown[],
  data_offsets: readonly unknown[],
  dtype: unknown = "F32",
) => ({ dtype, shape, data_offsets });

const NAME = "model.embed_tokens.weight";
const weights = (name: string, bytes: Uint8Array): HostileFile => ({
  name: `weights: ${name}`,
  arrange: (folder) => folder.write("model/model.safetensors", bytes),
  says: ["model.safetensors"],
});

const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);

const WEIGHTS: readonly HostileFile[] = [
  weights("a header of 2^63 bytes", safetensors({}, 0, 2n ** 63n)),
  weights("a header longer than the file", safetensors({}, 0, 4_000_000n)),
  weights("a header that is a list", safetensors([])),
  weights("a header 100,000 levels deep", safetensors(nested(100_000))),
  weights(
    "a tensor of 2^60 numbers",
    safetensors({ [NAME]: tensor([2 ** 30, 2 ** 30], [0, 0]) }),
  ),
  weights(
    "a negative size",
    safetensors({ [NAME]: tensor([-1, 8], [0, 0]) }),
  ),
  weights(
    "offsets outside of the file",
    safetensors({ [NAME]: tensor([2], [0, 2 ** 50]) }),
  ),
  weights(
    "tensors that overlap",
    safetensors({ a: tensor([2], [0, 8]), b: tensor([2], [4, 12]) }, 12),
  ),
  weights(
    "a name that stands twice",
    safetensors('{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"a":1}'),
  ),
  weights(
    "a type that is a list",
    safetensors({ [NAME]: tensor([0], [0, 0], [[]]) }),
  ),
  {
    name: "weights: an index that leads out of the folder",
    async arrange(folder) {
      await Deno.remove(folder.file("model/model.safetensors"));
      await writeJson(folder, "model/model.safetensors.index.json", {
        weight_map: { [NAME]: "../pairs.safetensors" },
      });
    },
    says: ["model.safetensors.index.json"],
  },
];

const config = (
  name: string,
  change: Readonly<Record<string, unknown>>,
  ...says: string[]
): HostileFile => ({
  name: `config.json: ${name}`,
  arrange: (folder) =>
    writeJson(folder, "model/config.json", { ...CONFIG, ...change }),
  says,
});

/** Writes an adapter, or a text in the place of its adapter_config.json. */
async function writeAdapter(
  folder: TemporaryFolder,
  change: Readonly<Record<string, unknown>> | string = {},
): Promise<void> {
  await Deno.mkdir(folder.file("adapter"));
  const usual = {
    peft_type: "LORA",
    task_type: "CAUSAL_LM",
    base_model_name_or_path: "model",
    r: 4,
    lora_alpha: 8,
    target_modules: ["q_proj"],
  };
  const text = typeof change === "string"
    ? change
    : JSON.stringify({ ...usual, ...change });
  await folder.write("adapter/adapter_config.json", text);
  await writeSafetensors(
    folder.file("adapter/adapter_model.safetensors"),
    [],
    () => new Uint8Array(),
  );
}

const LARGE = { hidden_size: 8192, intermediate_size: 65_536 };
const larger = (task: string, ...words: string[]): HostileFile => ({
  ...config(`larger sizes, for ${task}`, LARGE, "model.safetensors"),
  task,
  words: ["--model_name_or_path=model", ...words],
});
const LARGER: readonly HostileFile[] = [
  larger("predict", "--input=pairs.jsonl", "--output=output/a.jsonl"),
  larger("score", "--input=pairs.jsonl", "--output=output/a.jsonl"),
  {
    ...larger("export_gguf", "--output=output/a.gguf"),
    says: [], // it looks at the tokenizer first, which has a name in llama.cpp or none
  },
  {
    ...larger(
      "merge",
      "--adapter_name_or_path=adapter",
      "--output_dir=output/merged",
    ),
    async arrange(folder) {
      await writeAdapter(folder);
      await writeJson(folder, "model/config.json", { ...CONFIG, ...LARGE });
    },
  },
];

const CONFIGS: readonly HostileFile[] = [
  config("10^9 layers", { num_hidden_layers: 1e9 }, "num_hidden_layers"),
  config("a head of 2^31", { head_dim: 2 ** 31 }, "head_dim"),
  config("2^31 columns", { hidden_size: 2 ** 31 }, "hidden_size"),
  config("10^15 positions", { max_position_embeddings: 1e15 }, "max_pos"),
  config("10^8 positions", { max_position_embeddings: 1e8 }, "positions"),
  config("2^40 tokens", { vocab_size: 2 ** 40 }, "vocab_size"),
  config(
    "more layers than the weights have",
    {
      num_hidden_layers: 9999,
    },
    "model.safetensors",
    "9999 layers",
  ),
  config("larger sizes than the weights have", LARGE, "model.safetensors"),
  ...LARGER,
  config("no heads", { num_attention_heads: 0 }, "num_attention_heads"),
  config("a family named constructor", { model_type: "constructor" }, '"cons'),
  config("a size that is an object", { hidden_size: { toString: 1 } }, "hidd"),
  config("a rope of 1e-300", {
    rope_scaling: { rope_type: "linear", factor: 1e-300 },
  }, "factor"),
  {
    name: "config.json: 100,000 levels deep",
    arrange: (folder) => folder.write("model/config.json", nested(100_000)),
    says: ["config.json"],
  },
];

const tokenizer = (
  name: string,
  change: Readonly<Record<string, unknown>>,
  file = "tokenizer.json",
): HostileFile => ({
  name: `${file}: ${name}`,
  async arrange(folder) {
    const path = `model/${file}`;
    const whole = JSON.parse(await Deno.readTextFile(folder.file(path)));
    await writeJson(folder, path, { ...whole, ...change });
  },
  says: [file],
});
const added = (id: unknown) => ({
  added_tokens: [{ id, content: "<x>", special: true }],
});
const split = (Regex: string) => ({
  pre_tokenizer: {
    type: "Split",
    pattern: { Regex },
    behavior: "Isolated",
    invert: false,
  },
});

const TOKENIZERS: readonly HostileFile[] = [
  tokenizer("an added token of 2^53", added(2 ** 53)),
  tokenizer("an added token whose id is a text", added("7")),
  tokenizer("added tokens that are an object", { added_tokens: {} }),
  tokenizer("an expression that no tokenizer has", split("a+b|c{2,9}")),
  tokenizer("an expression that is none", split("(")),
  tokenizer("a model that is a list", { model: [] }),
  tokenizer("a model of a foreign name", { model: { type: "constructor" } }),
  {
    name: "tokenizer.json: 10,000 normalizers in each other",
    arrange: (folder) =>
      folder.write(
        "model/tokenizer.json",
        `{"normalizer":${'{"type":"Sequence","normalizers":['.repeat(10_000)}${
          "]}".repeat(10_000)
        }}`,
      ),
    says: ["tokenizer.json"],
  },
  tokenizer(
    "a template that is a number",
    { chat_template: 7 },
    "tokenizer_config.json",
  ),
  tokenizer(
    "templates without names",
    { chat_template: [{ template: "a" }, null] },
    "tokenizer_config.json",
  ),
];

const template = (name: string, text: string, ...says: string[]) => ({
  name: `template: ${name}`,
  async arrange(folder: TemporaryFolder) {
    await folder.write("t.jinja", text);
    const turn = (role: string) => [{ role, content: "Say it" }];
    const [prompt, answer] = [turn("user"), turn("assistant")];
    await writeJson(folder, "pairs.jsonl", {
      prompt,
      chosen: answer,
      rejected: [{ role: "assistant", content: "no" }],
    });
  },
  words: ["recipe.jsonc", "--chat_template=t.jinja"],
  says: ["template", ...says],
});

const TEMPLATES: readonly HostileFile[] = [
  template("an expression that is not closed", "{{ 1 -"),
  template("a range of 10^9", "{{ range(1000000000)|length }}", "a range of"),
  template(
    "loops in loops",
    "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
    "more than",
  ),
  template("a text of 5 * 10^8", "{{ 'x' * 500000000 }}", "500000000"),
  template("a list of 10^9", "{{ ([1] * 1000000000)|length }}", "1000000000"),
  template(
    "a macro that calls itself",
    "{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}",
    "levels",
  ),
  template("5,000 conditions in each other", "{% if 1 %}".repeat(5000)),
  template("an unknown filter", "{{ messages|constructor }}"),
];

const MERGE = [
  "--model_name_or_path=model",
  "--adapter_name_or_path=adapter",
  "--output_dir=output/merged",
];
const adapter = (
  name: string,
  change: Readonly<Record<string, unknown>> | string,
  ...says: string[]
): HostileFile => ({
  name: `adapter: ${name}`,
  task: "merge",
  words: MERGE,
  arrange: (folder) => writeAdapter(folder, change),
  says,
});

const ADAPTERS: readonly HostileFile[] = [
  adapter("rank 0", { r: 0 }, '"r"'),
  adapter("rank 0.5", { r: 0.5 }, '"r"'),
  adapter("rank 10^9", { r: 1e9 }, "adapter"),
  adapter("a scale without end", '{"r":4,"lora_alpha":1e999}', "adapter"),
  adapter("an expression that is none", { target_modules: "(" }, "adapt"),
  adapter(
    "a pattern of ranks that is none",
    { rank_pattern: { "(": 4 } },
    "adapter",
  ),
  adapter("a foreign kind", { peft_type: "constructor" }, "adapter"),
  adapter("a list", "[]", "adapter_config.json"),
];

/** The bytes of numbers, the first four "GGUF". */
function gguf(version: number, ...counts: bigint[]): Uint8Array {
  const bytes = new Uint8Array(8 + 8 * counts.length);
  bytes.set(utf8("GGUF"));
  const view = new DataView(bytes.buffer);
  view.setUint32(4, version, true);
  counts.forEach((count, i) => view.setBigUint64(8 + 8 * i, count, true));
  return bytes;
}
const stored = (name: string, file: string, bytes: Uint8Array | string) => ({
  name,
  task: "verify",
  words: [file],
  arrange: (folder: TemporaryFolder) => folder.write(file, bytes),
  says: [file],
});

const OTHERS: readonly HostileFile[] = [
  stored("GGUF: 2^62 tensors", "a.gguf", gguf(3, 2n ** 62n, 0n)),
  stored("GGUF: 2^62 keys", "a.gguf", gguf(3, 0n, 2n ** 62n)),
  stored(
    "GGUF: a key of 2^60 characters",
    "a.gguf",
    gguf(3, 0n, 1n, 2n ** 60n),
  ),
  stored("GGUF: version 99", "a.gguf", gguf(99, 0n, 0n)),
  stored("a record 100,000 levels deep", "model/.tiebreak.json", nested(1e5)),
];

/** All of them. */
export const MODEL_CASES: readonly HostileFile[] = [
  ...WEIGHTS,
  ...CONFIGS,
  ...TOKENIZERS,
  ...TEMPLATES,
  ...ADAPTERS,
  ...OTHERS,
];
