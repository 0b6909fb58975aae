/**
 * Adapters trained on a base of codes: losses beside those of a bf16 base, memory, and what is
 * refused.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { CODEBOOKS, DYNAMIC_MAP } from "../../../kernels/matrix/codebooks.ts";
import { nestScales, quantize } from "../../../kernels/matrix/quantize.ts";
import { readOptions } from "../../../src/base/read_options.ts";
import { openModelFolder } from "../../../src/files/folders/model_folder.ts";
import { type Dtype, toFloat32 } from "../../../src/files/safetensors/dtype.ts";
import { writeSafetensors } from "../../../src/files/safetensors/safetensors_writer.ts";
import { PLAIN_ADAPTER } from "../../../src/model/adapter/adapter_config.ts";
import { readModelConfig } from "../../../src/model/config/config.ts";
import { isQuantized } from "../../../src/model/weights/quantization.ts";
import { preferenceBatch } from "../../../src/preference/tokens/batch.ts";
import { planBytes } from "../../../src/training/plan/byte_plan.ts";
import { trainSchema } from "../../../src/training/options/train_schema.ts";
import { gpuTest } from "../../kernels/gpu_test_case.ts";
import { LORA, MODEL, type Recipe, runTest, type Scene } from "./run_scene.ts";
import { test } from "../../test_case.ts";

/** How far losses may be from those of bf16: FP4 rounds weights a third more coarsely than NF4. */
const BASES: readonly [name: string, bound: number, Recipe][] = [
  ["int8", 0.02, { load_in_8bit: true }],
  ["nf4", 0.02, { load_in_4bit: true, bnb_4bit_use_double_quant: true }],
  ["fp4", 0.04, { load_in_4bit: true, bnb_4bit_quant_type: "fp4" }],
];

async function checkLosses(scene: Scene): Promise<void> {
  const common = { ...LORA, learning_rate: 1e-3, bf16: true, max_steps: 6 };
  const losses = async (run: string, recipe: Recipe) => {
    const { rows } = await scene.train(run, { ...common, ...recipe });
    return rows.map((row) => row["loss"] as number);
  };
  const want = await losses("bf16", {});
  assert(want.at(-1)! < want[0]! - 0.02, `${want}`);
  for (const [name, bound, recipe] of BASES) {
    const got = await losses(name, recipe);
    assertEquals(got.length, want.length);
    assert(got.some((loss, i) => loss !== want[i]), name);
    for (const [i, loss] of got.entries()) {
      const apart = Math.abs(loss / want[i]! - 1);
      assert(apart < bound, `${name}, step ${i + 1}: ${loss}, ${want[i]}`);
    }
  }
}

// the kernels of a GPU take as long again to compile where a CPU runs them
for (const [kind, long] of [["cpu", false], ["gpu", true]] as const) {
  await runTest(
    "runTraining() on codes has the losses of a bf16 base, within 2 % in int8 and NF4",
    checkLosses,
    { kinds: [kind], long },
  );
}

await runTest(
  "runTraining() keeps the references of each kind of codes apart in one cache",
  async (scene) => {
    const cacheFolder = scene.path("cache");
    const common = { ...LORA, bf16: true, max_steps: 1 };
    const files: number[] = [];
    // a column of other weights would show as a margin at step 0, which stops the run
    for (const recipe of [{}, ...BASES.map(([, , recipe]) => recipe)]) {
      const run = `run-${files.length}`;
      await scene.train(run, { ...common, ...recipe }, { cacheFolder });
      files.push([...Deno.readDirSync(cacheFolder)].length);
    }
    assert(files.every((count, i) => i === 0 || count > files[i - 1]!));
  },
);

/** Two answers of 362 tokens after a prompt of 150: two sequences of 512. */
function pairBatchOf512() {
  const half = (token: number) => ({
    ids: [...new Array(150).fill(1), ...new Array(362).fill(token)],
    completionStart: 150,
  });
  const pair = { chosen: half(2), rejected: half(3), sharedLength: 150 };
  return preferenceBatch([{ ...pair, line: 1 }]);
}

await gpuTest(
  "planBytes() of LoRA r 16 on Qwen2-0.5B in 4 bits is within 1.6 GB, and below that in bf16 by what codes save",
  async (device) => {
    const config = readModelConfig({
      model_type: "qwen2",
      architectures: ["Qwen2ForCausalLM"],
      hidden_size: 896,
      intermediate_size: 4864,
      num_hidden_layers: 24,
      num_attention_heads: 14,
      num_key_value_heads: 2,
      vocab_size: 151_936,
      max_position_embeddings: 32_768,
      rms_norm_eps: 1e-6,
      rope_theta: 1e6,
      hidden_act: "silu",
      tie_word_embeddings: true,
    });
    const plan = (blocks: "nf4" | "bf16", nested = false) =>
      planBytes(device, {
        movesReference: false,
        config,
        nested,
        dtypeOf: (name) => isQuantized(name) ? blocks : "bf16",
        adapter: {
          r: 16,
          lora_alpha: 32,
          lora_dropout: 0,
          ...PLAIN_ADAPTER,
          target_modules: "all-linear",
        },
        optimizer: {
          optim: "adamw_torch",
          weight_decay: 0,
          adam_beta1: 0.9,
          adam_beta2: 0.999,
          adam_epsilon: 1e-8,
        },
        forward: [pairBatchOf512()],
        training: [pairBatchOf512()],
        gradientCheckpointing: true,
      });
    const { total, groups } = await plan("nf4");
    assert(total < 1.6e9, `${total}: ${JSON.stringify(groups)}`);
    const frozen = groups[0]!.bytes;
    // 357.8 million weights in 4 bits and a scale per 64, 136.1 million in bf16
    const least = 357.8e6 * (0.5 + 4 / 64) + 136.1e6 * 2;
    assert(frozen > least && frozen < 1.15 * least, `${frozen} of ${least}`);
    // 3 of 4 bytes a scale, less what stands before them; the pool rounds either up
    const { groups: [inNested] } = await plan("nf4", true);
    const saved = (frozen - inNested!.bytes) / (3 / 64 * 357.8e6);
    assert(saved > 0.85 && saved < 1.15, `${saved}`);
    const { total: inBf16 } = await plan("bf16");
    assert(inBf16 - total > 0.9 * 357.8e6 * (2 - 0.5 - 4 / 64));
  },
);

const refuses = (options: Recipe) =>
  assertThrows(() =>
    readOptions(trainSchema, [{
      model_name_or_path: "m",
      dataset: "d",
      output_dir: "o",
      ...options,
    }]), Error);

test({
  name: "trainSchema refuses codes without an adapter, and two kinds at once",
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
  fn() {
    const { message } = refuses({ load_in_4bit: true });
    assert(message.includes('"load_in_4bit" needs "use_peft"'), message);
    const both = refuses({
      use_peft: true,
      load_in_8bit: true,
      load_in_4bit: true,
    });
    assert(
      both.message.includes(
        '"load_in_8bit" and "load_in_4bit" exclude each other',
      ),
    );
  },
});

type NamedTensor = readonly [
  name: string,
  dtype: Dtype,
  shape: readonly number[],
  bytes: Uint8Array,
];

/** A weight's NF4 codes with nested scales, as bitsandbytes saves them. */
function codesOf(
  name: string,
  shape: readonly number[],
  values: Float32Array,
): NamedTensor[] {
  const view = (
    { buffer, byteOffset, byteLength }: ArrayBufferView<ArrayBuffer>,
  ) => new Uint8Array(buffer, byteOffset, byteLength);
  const floats = (part: string, numbers: Float32Array): NamedTensor => [
    `${name}.${part}`,
    "F32",
    [numbers.length],
    view(Float32Array.from(numbers)),
  ];
  const { bytes, absmax } = quantize(values, shape[1]!, "nf4");
  const nested = nestScales(absmax);
  const state = new TextEncoder().encode(JSON.stringify({
    quant_type: "nf4",
    blocksize: 64,
    dtype: "bfloat16",
    shape,
    nested_blocksize: 256,
    nested_dtype: "float32",
    nested_offset: nested.offset,
  }));
  return [
    [name, "U8", [bytes.length, 1], bytes],
    [`${name}.absmax`, "U8", [absmax.length], nested.codes],
    floats("quant_map", CODEBOOKS.nf4),
    floats("nested_absmax", nested.absmax),
    floats("nested_quant_map", DYNAMIC_MAP),
    [`${name}.quant_state.bitsandbytes__nf4`, "U8", [state.length], state],
  ];
}

/** Writes the model of the scene as bitsandbytes saves it. */
async function writeCodes(folder: string): Promise<void> {
  const { config, weights } = await openModelFolder(MODEL);
  const all: NamedTensor[] = [];
  for (const [name, { shape, dtype }] of weights.tensors) {
    const bytes = await weights.read(name);
    const isLinear = isQuantized(name) && shape.length === 2;
    all.push(
      ...isLinear
        ? codesOf(name, shape, toFloat32(bytes, "F32"))
        : [[name, dtype, shape, bytes] as const],
    );
  }
  await Deno.mkdir(folder);
  for (const { name } of Deno.readDirSync(MODEL)) {
    if (!name.endsWith(".json")) continue;
    await Deno.copyFile(`${MODEL}/${name}`, `${folder}/${name}`);
  }
  await Deno.writeTextFile(
    `${folder}/config.json`,
    JSON.stringify({
      ...config,
      quantization_config: { quant_method: "bitsandbytes" },
    }),
  );
  await writeSafetensors(
    `${folder}/model.safetensors`,
    all.map(([name, dtype, shape]) => ({ name, dtype, shape })),
    ({ name }) => all.find(([other]) => other === name)![3],
  );
}

await runTest(
  "runTraining() on a checkpoint of bitsandbytes takes the steps of load_in_4bit, bit for bit",
  async (scene) => {
    const base = scene.path("base");
    await writeCodes(base);
    const common = { ...LORA, max_steps: 3 };
    const stored = await scene.train("stored", {
      ...common,
      model_name_or_path: base,
    });
    const quantized = await scene.train("quantized", {
      ...common,
      load_in_4bit: true,
      use_bnb_nested_quant: true,
    });
    assertEquals(stored.rows, quantized.rows);
    const [one, other] = await Promise.all(
      ["stored", "quantized"].map((run) =>
        Deno.readFile(scene.path(run, "adapter_model.safetensors"))
      ),
    );
    assertEquals(one, other);
  },
);
