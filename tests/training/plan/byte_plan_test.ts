/** A run's bytes as planned, beside what the device held. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Device } from "../../../kernels/device/device.ts";
import { openDevice } from "../../../kernels/device/open_deno.ts";
import { flatBytes } from "../../../kernels/launch/flat_texture.ts";
import { createMatrix } from "../../../kernels/matrix/matrix.ts";
import { WORD_BYTES } from "../../../kernels/matrix/matrix_bytes.ts";
import { BudgetError } from "../../../kernels/device/pool.ts";
import { PLAIN_ADAPTER } from "../../../src/model/adapter/adapter_config.ts";
import {
  type ModelConfig,
  readModelConfig,
} from "../../../src/model/config/config.ts";
import { sampleModel } from "../../../src/model/opening/sample_model.ts";
import { preferenceBatch } from "../../../src/preference/tokens/batch.ts";
import { recordedLogps } from "../../../src/training/loop/batch_logps.ts";
import {
  type BytePlan,
  type ByteSources,
  checkBudget,
  planBytes,
} from "../../../src/training/plan/byte_plan.ts";
import { gpuTest } from "../../kernels/gpu_test_case.ts";
import { seeded } from "../../kernels/numbers.ts";
import { LORA, type Recipe, runTest } from "../run/run_scene.ts";
import { runTraining } from "../../../src/training/run/run.ts";

const OPTIMIZER: ByteSources["optimizer"] = {
  optim: "adamw_torch",
  weight_decay: 0,
  adam_beta1: 0.9,
  adam_beta2: 0.999,
  adam_epsilon: 1e-8,
};

const ADAPTER = {
  r: 8,
  lora_alpha: 8,
  lora_dropout: 0,
  ...PLAIN_ADAPTER,
  target_modules: "all-linear",
};

/** Qwen2's sizes, but for layers. */
function configOf(sizes: Record<string, number> = {}): ModelConfig {
  return readModelConfig({
    model_type: "qwen2",
    architectures: ["Qwen2ForCausalLM"],
    hidden_size: 896,
    intermediate_size: 4864,
    num_hidden_layers: 2,
    num_attention_heads: 14,
    num_key_value_heads: 2,
    vocab_size: 151_936,
    max_position_embeddings: 2048,
    rms_norm_eps: 1e-6,
    rope_theta: 1e6,
    hidden_act: "silu",
    tie_word_embeddings: true,
    ...sizes,
  });
}

/** A pair of `2 * answer` trained tokens. */
function pairBatch(prompt: number, answer: number) {
  const half = (token: number) => ({
    ids: [...new Array(prompt).fill(1), ...new Array(answer).fill(token)],
    completionStart: prompt,
  });
  const pair = { chosen: half(2), rejected: half(3), sharedLength: prompt };
  return preferenceBatch([{ ...pair, line: 1 }]);
}

function sourcesOf(sources: Partial<ByteSources>): ByteSources {
  return {
    config: configOf(),
    dtypeOf: () => "bf16",
    adapter: ADAPTER,
    optimizer: OPTIMIZER,
    forward: [],
    gradientCheckpointing: false,
    movesReference: false,
    training: [pairBatch(100, 512)],
    ...sources,
  };
}

const bytesOf = ({ groups }: BytePlan, name: string) =>
  groups.find((group) => group.name === name)!.bytes;

for (
  const [kind, recipe] of [
    ["all weights", {}],
    ["all weights, checkpointing", { gradient_checkpointing: true }],
    ["all weights, a moving reference", { sync_ref_model: true }],
    ["LoRA", LORA],
    ["LoRA, a moving reference", { ...LORA, sync_ref_model: true }],
    ["DoRA with modules in full, a moving reference", {
      ...LORA,
      use_dora: true,
      lora_modules_to_save: ["norm"],
      sync_ref_model: true,
    }],
    ["LoRA of a reward model", { ...LORA, trainer: "reward" }],
    ["LoRA, checkpointing", { ...LORA, gradient_checkpointing: true }],
  ] as readonly [string, Recipe][]
) {
  await runTest(
    `planRun() is within a quarter of what the device held: ${kind}`,
    async (scene) => {
      const { kind } = scene.device;
      using device = await openDevice({ kind });
      const plans: BytePlan[] = [];
      const options = scene.options("run", { ...recipe, max_steps: 3 });
      const { peakBytes } = await runTraining(device, options, {
        sinks: [{ open: ({ plan }) => void plans.push(plan) }],
      });
      const { total, groups } = plans[0]!;
      const ratio = total / peakBytes;
      assert(
        ratio > 0.8 && ratio < 1.25,
        `${total} planned, ${peakBytes} held`,
      );
      assertEquals(groups.reduce((sum, { bytes }) => sum + bytes, 0), total);
    },
  );
}

await gpuTest(
  "planBytes() keeps less for the backward pass where blocks are computed again",
  async (device) => {
    const config = configOf({ num_hidden_layers: 6 });
    const kept = await planBytes(device, sourcesOf({ config }));
    const again = await planBytes(
      device,
      sourcesOf({ config, gradientCheckpointing: true }),
    );
    const name = "kept for the backward pass";
    assert(bytesOf(again, name) < bytesOf(kept, name) / 3);
    assert(again.total < kept.total);
    assertEquals(
      bytesOf(again, "frozen weights"),
      bytesOf(kept, "frozen weights"),
    );
  },
);

await gpuTest(
  "planBytes() keeps nothing of the blocks below the lowest one that is trained",
  async (device) => {
    const config = configOf({ num_hidden_layers: 6 });
    for (const gradientCheckpointing of [false, true]) {
      const how = { config, gradientCheckpointing };
      const all = await planBytes(device, sourcesOf(how));
      const last = await planBytes(
        device,
        sourcesOf({
          ...how,
          adapter: { ...ADAPTER, layers_to_transform: [5] },
        }),
      );
      const frozen = await planBytes(
        device,
        sourcesOf({
          ...how,
          adapter: undefined,
          isTrained: (name) => name.startsWith("model.layers.5."),
        }),
      );
      const kept = "kept for the backward pass";
      for (const plan of [last, frozen]) {
        const share = bytesOf(plan, kept) / bytesOf(all, kept);
        assert(share < (gradientCheckpointing ? 0.6 : 0.3), `${share}`);
      }
      assert(bytesOf(frozen, "trained values") < 100e6);
      assert(bytesOf(frozen, "frozen weights") > 272e6);
    }
  },
);

/** A window's bytes; as a texture it has spare texels besides. */
function mostBytes({ kind, windowBytes }: Device): number {
  return kind === "cpu" ? flatBytes(windowBytes / WORD_BYTES) : windowBytes;
}

await gpuTest(
  "planBytes() of 1,024 trained tokens and 151,936 words has no buffer larger than a weight's window",
  async (device) => {
    const plan = await planBytes(device, sourcesOf({}));
    using counting = Device.counting(device);
    createMatrix(counting, 151_936, 896, "bf16");
    // the largest window of the embedding; the logits alone would be 151,936 * 1,024 * 4 bytes =
    // 622 MB
    const window = counting.memory.largestBytes;
    assert(window <= mostBytes(device));
    assertEquals(plan.largest, window);
  },
);

await gpuTest(
  "recordedLogps() and its way back make no buffer larger than a window, as planned",
  async ({ kind, windowBytes }) => {
    using device = await openDevice({ kind, windowBytes });
    const config = configOf({
      hidden_size: 128,
      intermediate_size: 256,
      vocab_size: 20_000,
      num_attention_heads: 2,
      max_position_embeddings: 256,
    });
    const batch = pairBatch(20, 64);
    const model = sampleModel(device, config, {
      trained: false,
      dtypeOf: () => "bf16",
      adapter: ADAPTER,
      numbers: seeded(1 << 16, 1),
    });
    using _scope = device.scope();
    const logps = await recordedLogps(model, batch);
    logps.backward(new Float32Array(128).fill(1));
    await device.finish();
    const { largestBytes } = device.memory;
    const most = mostBytes(device);
    // all logits would be 20,000 * 128 * 4 bytes = 10 MB
    assert(largestBytes <= most, `${largestBytes} of ${most}`);
    const plan = await planBytes(
      device,
      sourcesOf({
        config,
        training: [batch],
      }),
    );
    assert(plan.largest <= most);
  },
  { windowBytes: 1 << 20 },
);

await gpuTest(
  "planBytes() counts two bytes a weight and two scales a block for adamw_8bit, rows and columns for adafactor",
  async (device) => {
    const config = configOf({ vocab_size: 16 });
    const stateOf = async (optim: ByteSources["optimizer"]["optim"]) => {
      const optimizer = { ...OPTIMIZER, optim };
      const sources = sourcesOf({ adapter: undefined, config, optimizer });
      return bytesOf(await planBytes(device, sources), "optimizer state");
    };
    const full = await stateOf("adamw_torch");
    const ratio = await stateOf("adamw_8bit") / full;
    // (2 + 8 / 256) of 8 bytes; embeddings, norms and biases are small
    assert(ratio > 0.2539 && ratio < 0.256, `${ratio}`);
    assert(await stateOf("adafactor") < full / 100);
    assertEquals(await stateOf("sgd"), 256); // the clipping factor, as the pool rounds
  },
  { kinds: ["cpu"] },
);

await gpuTest(
  "checkBudget() names every group where a run does not fit",
  async (device) => {
    const plan = await planBytes(device, sourcesOf({}));
    checkBudget(plan, plan.total);
    const { message } = assertThrows(
      () => checkBudget(plan, plan.total - 1),
      BudgetError,
    );
    for (const { name } of plan.groups.filter(({ bytes }) => bytes > 0)) {
      assert(message.includes(name), message);
    }
    assert(message.includes("turn gradient_checkpointing on"));
  },
  { kinds: ["cpu"] },
);
