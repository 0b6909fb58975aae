/**
 * A training step on paper, for devices that are not at hand: bytes held, and per kind of kernel
 * launches, bytes that must pass through memory and operations. Counted by running the step's own
 * passes of the GPU's kernels on a device that makes only sizes; every operand of a launch counts
 * once. Four packed pairs of 168 | 258 | 275 tokens, Qwen2.5's shapes. `deno run -A
 * tests/bench/paper_table.ts [0.5B 1.5B 7B]`.
 */
// deno-lint-ignore-file no-console -- a bench prints
import { Device } from "../../kernels/device/device.ts";
import { openDevice } from "../../kernels/device/open_deno.ts";
import type { Kernel } from "../../kernels/device/kernel.ts";
import type { PipelineOptions } from "../../kernels/device/pipelines.ts";
import { tensorBytes } from "../../kernels/device/tensor.ts";
import { PLAIN_ADAPTER } from "../../src/model/adapter/adapter_config.ts";
import {
  type ModelConfig,
  readModelConfig,
} from "../../src/model/config/config.ts";
import { trainedWeights } from "../../src/model/decoder/model.ts";
import { sampleModel } from "../../src/model/opening/sample_model.ts";
import { preferenceBatch } from "../../src/preference/tokens/batch.ts";
import { recordedLogps } from "../../src/training/loop/batch_logps.ts";
import { planBytes } from "../../src/training/plan/byte_plan.ts";
import { Optimizer } from "../../src/training/optimizer/optimizer.ts";
import { stepOperations } from "../../src/training/setup/step_operations.ts";

const SHAPES = {
  "0.5B": [896, 4864, 24, 14, 2, true],
  "1.5B": [1536, 8960, 28, 12, 2, true],
  "7B": [3584, 18944, 28, 28, 4, false],
} as const;
const RANK = 16;
const PAIRS = 4;
const SIZES = { prompt: 168, chosen: 258, rejected: 275 };

function configOf(name: keyof typeof SHAPES): ModelConfig {
  const [hidden, intermediate, layers, heads, kvHeads, tied] = SHAPES[name];
  return readModelConfig({
    model_type: "qwen2",
    architectures: ["Qwen2ForCausalLM"],
    hidden_size: hidden,
    intermediate_size: intermediate,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    tie_word_embeddings: tied,
    vocab_size: name === "7B" ? 152_064 : 151_936,
    max_position_embeddings: 4096,
    rms_norm_eps: 1e-6,
    rope_theta: 1e6,
    hidden_act: "silu",
  });
}

const adapter = {
  r: RANK,
  lora_alpha: 2 * RANK,
  lora_dropout: 0,
  ...PLAIN_ADAPTER,
  target_modules: "all-linear",
} as const;
const optimizer = {
  optim: "adamw_torch",
  adam_beta1: 0.9,
  adam_beta2: 0.999,
  adam_epsilon: 1e-8,
  weight_decay: 0,
} as const;

const pair = () => {
  const ids = (completion: number) =>
    Array.from({ length: SIZES.prompt + completion }, (_, i) => i);
  const [chosen, rejected] = [SIZES.chosen, SIZES.rejected].map((length) => ({
    ids: ids(length),
    completionStart: SIZES.prompt,
  }));
  return {
    chosen: chosen!,
    rejected: rejected!,
    sharedLength: SIZES.prompt,
    line: 1,
  };
};
const batch = preferenceBatch(Array.from({ length: PAIRS }, pair));

interface Traffic {
  launches: number;
  bytes: number;
}

/** Kinds of kernels by how their names begin; the first that fits. */
const KINDS = [
  ["products", /^product/],
  ["attention", /^attention/],
  ["vocabulary", /^(vocabulary|token_logps)/],
  ["updates", /^(adamw|sum_of_squares|gradient_clip)/],
  ["norms, turns, units, sums", /./],
] as const;

type Bindings = Parameters<Device["launch"]>[1];

function boundBytes(
  bindings: Bindings,
): number {
  return Object.values(bindings).reduce(
    (sum, one) =>
      sum + ("shape" in one ? tensorBytes(one.shape, one.dtype) : 0),
    0,
  );
}

/** A chunk of the vocabulary binds all of the head and reads some rows. */
function productBytes(
  { rows = 0, cols = 0, length = 0, more_length = 0 }: Readonly<
    Record<string, number>
  >,
  { FORMAT = 0, FINISH = 0 }: Readonly<Record<string, number>>,
): number {
  const weight = FORMAT === 0 ? 4 : 2;
  return 4 * rows * length + weight * cols * length +
    4 * (rows + cols) * more_length +
    (FINISH === 0 ? 4 : 8) * rows * cols;
}

/** Launches and bytes of one step. */
async function traffic(
  like: Device,
  config: ModelConfig,
  full: boolean,
  gradientCheckpointing: boolean,
): Promise<Map<string, Traffic>> {
  using device = Device.counting(like);
  const model = sampleModel(device, config, {
    trained: full,
    dtypeOf: () => "bf16" as const,
    numbers: undefined,
    adapter: full ? undefined : adapter,
  });
  const updates = new Optimizer(device, trainedWeights(model), optimizer);
  const found = new Map<string, Traffic>();
  device.launch = (
    { name }: Kernel,
    bindings: Bindings,
    params: Readonly<Record<string, number>>,
    _grid: unknown,
    { constants = {} }: PipelineOptions = {},
  ) => {
    const [kind] = KINDS.find(([, pattern]) => pattern.test(name))!;
    const sum = found.get(kind) ?? { launches: 0, bytes: 0 };
    found.set(kind, sum);
    sum.launches++;
    sum.bytes += kind === "products"
      ? productBytes(params, constants)
      : boundBytes(bindings);
  };
  using _step = device.scope();
  const logps = await recordedLogps(model, batch, { gradientCheckpointing });
  logps.backward(new Float32Array(batch.targetRows.length));
  updates.step({ learningRate: 1e-6, maxGradNorm: 1 });
  return found;
}

const gb = (bytes: number) => (bytes / 1e9).toFixed(2);
// bindings of 2 GiB, as cards have
using like = await openDevice({ kind: "gpu", windowBytes: 2 ** 31 - 256 });
const named = Deno.args.length > 0 ? Deno.args : Object.keys(SHAPES);
for (const name of named as (keyof typeof SHAPES)[]) {
  const config = configOf(name);
  for (const full of [false, true]) {
    for (const gradientCheckpointing of [false, true]) {
      const plan = await planBytes(like, {
        movesReference: false,
        config,
        dtypeOf: () => "bf16",
        gradientCheckpointing,
        adapter: full ? undefined : adapter,
        optimizer,
        forward: [batch],
        training: [batch],
      });
      const bytes = (wanted: RegExp) =>
        gb(
          plan.groups.filter((group) => wanted.test(group.name))
            .reduce((sum, group) => sum + group.bytes, 0),
        );
      console.log(
        `${name} ${full ? "full" : "LoRA"}${
          gradientCheckpointing ? ", computed again" : ""
        }: ${gb(plan.total)} GB = frozen ${bytes(/^frozen/)} + trained ${
          bytes(/^(trained|their|optimizer|packed)/)
        } + kept ${bytes(/^kept/)} + work ${bytes(/^(largest|pooled|rot)/)}`,
      );
      const counted = stepOperations(config, batch, {
        backward: true,
        full,
        gradientCheckpointing,
        rank: full ? 0 : RANK,
      });
      console.log(
        `  operations, 1e12: ${
          (["blocks", "attention", "vocabulary", "total"] as const)
            .map((key) => `${key} ${(counted[key] / 1e12).toFixed(2)}`)
            .join(", ")
        }`,
      );
      const kinds = await traffic(like, config, full, gradientCheckpointing);
      for (const [kind, sum] of kinds) {
        console.log(
          `  ${kind.padEnd(26)} ${String(sum.launches).padStart(6)} launches ${
            gb(sum.bytes).padStart(8)
          } GB`,
        );
      }
    }
  }
}
