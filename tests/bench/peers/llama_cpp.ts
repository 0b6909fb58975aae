/**
 * Our GGUF files in llama.cpp: exports a model, lets llama.cpp load it on the CPU, and compares
 * tokens of texts, probabilities of the next token and greedy continuations with ours, which runs
 * on the numbers that the file has. llama.cpp rounds activations and cached keys too, so that ties
 * may fall the other way. By hand, since the suite installs no peer:
 *
 *     npm install --prefix PEER node-llama-cpp
 *     deno run -A tests/bench/peers/llama_cpp.ts PEER MODEL_FOLDER [TYPE ...]
 */
// deno-lint-ignore-file no-console
import { join, resolve, toFileUrl } from "@std/path";
import { openDevice } from "../../../kernels/device/open_deno.ts";
import { readOptions } from "../../../src/base/read_options.ts";
import { fromFloat32 } from "../../../src/files/safetensors/dtype.ts";
import { fromGguf } from "../../../src/files/gguf/gguf_blocks.ts";
import { openGguf } from "../../../src/files/gguf/gguf_reader.ts";
import { writeSafetensors } from "../../../src/files/safetensors/safetensors_writer.ts";
import { copyTextFiles } from "../../../src/files/folders/text_files.ts";
import { generate } from "../../../src/generation/generate.ts";
import { createSampler, GREEDY } from "../../../src/generation/sampler.ts";
import { exportGguf } from "../../../src/model/gguf/export_gguf.ts";
import { exportGgufSchema } from "../../../src/model/gguf/export_gguf_options.ts";
import { ggufArchitecture } from "../../../src/model/gguf/gguf_architectures.ts";
import { ggufName, isInterleaved } from "../../../src/model/gguf/gguf_names.ts";
import { weightLayouts } from "../../../src/model/weights/weight_layout.ts";
import { sequenceLogits } from "../../../src/model/decoder/logits.ts";
import {
  type OpenedModel,
  openModel,
} from "../../../src/model/opening/open_model.ts";
import { createTokenizer } from "../../../src/text/tokenizer.ts";

/** What llama.cpp made of a text. */
interface Answer {
  readonly promptIds: readonly number[];
  readonly ids: readonly number[];
  readonly probabilities: readonly (readonly [id: number, value: number])[];
}

const TEXTS = [
  "Once",
  "Once upon a time",
  "What's 12 + 345?\n\nIt isn't   10.",
  "你好，世界！ 1234",
  " leading space, naïve café 🙂\t\ttabs",
  "<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n",
];
const NEW_TOKENS = 48;

/** llama.cpp's answers to all texts. */
async function ask(
  path: string,
): Promise<{ addsBos: boolean; answers: Answer[] }> {
  const entry = toFileUrl(
    join(resolve(peerFolder!), "node_modules/node-llama-cpp/dist/index.js"),
  ).href;
  const jobs = TEXTS.map((text) => ({ text, maxNewTokens: NEW_TOKENS }));
  const child = new Deno.Command("node", {
    args: [join(import.meta.dirname!, "llama_cpp.mjs")],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(
    new TextEncoder().encode(JSON.stringify({ entry, path, jobs })),
  );
  await writer.close();
  const { success, stdout } = await child.output();
  if (!success) throw new Error(`llama.cpp did not take "${path}"`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** Probabilities of the token after a prompt, `[vocab_size]`. */
async function distribution(
  { model }: OpenedModel,
  promptIds: readonly number[],
): Promise<Float64Array> {
  let last = new Float32Array();
  for await (const piece of sequenceLogits(model, promptIds)) last = piece;
  const logits = last.subarray(-model.config.vocab_size);
  const most = logits.reduce((a, b) => Math.max(a, b));
  const weights = Float64Array.from(logits, (x) => Math.exp(x - most));
  const sum = weights.reduce((a, b) => a + b);
  return weights.map((x) => x / sum);
}

function encoder({ folder }: OpenedModel) {
  const { tokenizer, tokenizerConfig, specialTokensMap } = folder;
  const { encode } = createTokenizer({
    tokenizer: tokenizer!,
    ...(tokenizerConfig && { config: tokenizerConfig }),
    ...(specialTokensMap && { specialTokensMap }),
  });
  return encode;
}

/**
 * The numbers of a GGUF file as a folder that we load: rows of q and k in their own order again.
 */
async function restore(
  { folder, model: { config } }: OpenedModel,
  path: string,
  to: string,
): Promise<void> {
  const architecture = ggufArchitecture(config);
  const file = await openGguf(path);
  await Deno.mkdir(to);
  await copyTextFiles(folder.path, to);
  const tensors = weightLayouts(config).map(({ name, shape }) => ({
    name,
    shape,
    dtype: "F32" as const,
  }));
  await writeSafetensors(
    join(to, "model.safetensors"),
    tensors,
    async (one) => {
      const { name, shape } = one;
      const stored = ggufName(name, architecture);
      const { type } = file.tensors.get(stored)!;
      const values = fromGguf(await file.read(stored), type);
      const ordered = isInterleaved(name, architecture)
        ? gatherRows(values, shape[1] ?? 1, config.head_dim)
        : values;
      const offset = name.endsWith("norm.weight")
        ? config.family.normOffset
        : 0;
      return fromFloat32(ordered.map((x) => x - offset), "F32");
    },
  );
}

function gatherRows(values: Float32Array, cols: number, head: number) {
  const ordered = new Float32Array(values.length);
  for (let row = 0; row < values.length / cols; row++) {
    const inHead = row % head;
    const to = row - inHead + (inHead >> 1) + (inHead & 1) * head / 2;
    ordered.set(values.subarray(row * cols, (row + 1) * cols), to * cols);
  }
  return ordered;
}

/** One line of numbers. */
async function compare(opened: OpenedModel, path: string): Promise<string> {
  const encode = encoder(opened);
  const { addsBos, answers } = await ask(path);
  let [sameTexts, agreeing, wanted, gap] = [0, 0, 0, 0];
  for (const [i, text] of TEXTS.entries()) {
    const promptIds = encode(text, { addSpecialTokens: addsBos });
    const theirs = answers[i]!;
    if (promptIds.join() === theirs.promptIds.join()) sameTexts++;
    else console.log(`  ours ${promptIds}\n  theirs ${theirs.promptIds}`);
    const count = theirs.ids.length;
    if (count === 0) continue;
    const { ids } = await generate(opened.model, theirs.promptIds, {
      maxNewTokens: count,
      sampler: createSampler(GREEDY),
    });
    const other = ids.findIndex((id, k) => id !== theirs.ids[k]);
    agreeing += other < 0 ? count : other;
    wanted += count;
    const own = await distribution(opened, theirs.promptIds);
    for (const [id, p] of theirs.probabilities) {
      gap = Math.max(gap, Math.abs(p - own[id]!));
    }
  }
  return `the same tokens for ${sameTexts} of ${TEXTS.length} texts, ${agreeing} of ${wanted} greedy tokens before the first other one, probabilities within ${
    gap.toExponential(1)
  }`;
}

const [peerFolder, modelFolder, ...types] = Deno.args;
if (peerFolder === undefined || modelFolder === undefined) {
  console.error("usage: llama_cpp.ts PEER MODEL_FOLDER [TYPE ...]");
  Deno.exit(1);
}
using device = await openDevice();
const opened = await openModel(device, modelFolder);
const folder = await Deno.makeTempDir();
try {
  for (const type of types.length > 0 ? types : ["f32", "f16", "q8_0"]) {
    const output = join(folder, `${type}.gguf`);
    const given = { model_name_or_path: modelFolder, output, type };
    const { options } = readOptions(exportGgufSchema, [given]);
    const { notes } = await exportGguf(undefined, options);
    const restored = join(folder, type);
    await restore(opened, output, restored);
    using _scope = device.scope();
    const stored = await openModel(device, restored);
    console.log(`${type}: ${await compare(stored, output)}`);
    for (const note of notes) console.log(`  ${note}`);
  }
} finally {
  await Deno.remove(folder, { recursive: true });
}
