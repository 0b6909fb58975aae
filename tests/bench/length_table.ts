/**
 * Seconds of a forward and backward pass over one sequence of 128 to 4,096 tokens, per token: two
 * blocks of Qwen2-0.5B's shape with adapters, half of the tokens trained over 8,192 words. `deno
 * run -A` it.
 */
// deno-lint-ignore-file no-console
import { openDevice } from "../../kernels/device/open_deno.ts";
import { PLAIN_ADAPTER } from "../../src/model/adapter/adapter_config.ts";
import { readModelConfig } from "../../src/model/config/config.ts";
import { sampleModel } from "../../src/model/opening/sample_model.ts";
import { demonstrationBatch } from "../../src/preference/tokens/batch.ts";
import { recordedLogps } from "../../src/training/loop/batch_logps.ts";
import { stepOperations } from "../../src/training/setup/step_operations.ts";
import { seeded } from "../kernels/numbers.ts";
import { cpuSeconds } from "./cpu_seconds.ts";

const LENGTHS = [128, 256, 512, 1024, 2048, 4096];
const ROUNDS = 3;

const config = readModelConfig({
  model_type: "qwen2",
  architectures: ["Qwen2ForCausalLM"],
  hidden_size: 896,
  intermediate_size: 4864,
  num_hidden_layers: 2,
  num_attention_heads: 14,
  num_key_value_heads: 2,
  vocab_size: 8192,
  max_position_embeddings: 4096,
  rms_norm_eps: 1e-6,
  rope_theta: 1e6,
  hidden_act: "silu",
  tie_word_embeddings: true,
});

using device = await openDevice();
const model = sampleModel(device, config, {
  trained: false,
  dtypeOf: () => "bf16",
  adapter: {
    r: 16,
    lora_alpha: 32,
    lora_dropout: 0,
    ...PLAIN_ADAPTER,
    target_modules: "all-linear",
  },
  numbers: seeded(1_000_003, 1),
});

/** Processor seconds over the cores, and by the clock. */
async function pass(length: number): Promise<[cpu: number, wall: number]> {
  const ids = Array.from({ length }, (_, i) => i * 7919 % 8192);
  const batch = demonstrationBatch([{ ids, completionStart: length / 2 }]);
  const [cpu, start] = [cpuSeconds(), performance.now()];
  using _pass = device.scope();
  const logps = await recordedLogps(model, batch);
  logps.backward(new Float32Array(batch.targetRows.length).fill(1e-3));
  await device.finish();
  return [
    (cpuSeconds() - cpu) / navigator.hardwareConcurrency,
    (performance.now() - start) / 1e3,
  ];
}

await pass(LENGTHS[0]!);
console.log("tokens   seconds   ms/token   of it in attention   GF/s");
for (const length of LENGTHS) {
  let best: [number, number] = [Infinity, Infinity];
  for (let round = 0; round < ROUNDS; round++) {
    const found = await pass(length);
    if (found[0] < best[0]) best = found;
  }
  const end = device.startProfile();
  await pass(length);
  const times = await end();
  const share = (wanted: (name: string) => boolean) =>
    times.filter(({ name }) => wanted(name))
      .reduce((sum, { seconds }) => sum + seconds, 0);
  const attention = share((name) => name.startsWith("attention")) /
    share(() => true);
  const ids = new Array<number>(length).fill(0);
  const { total } = stepOperations(
    config,
    demonstrationBatch([{ ids, completionStart: length / 2 }]),
    { backward: true, full: false, rank: 16 },
  );
  console.log(
    [
      String(length).padStart(6),
      best[0].toFixed(2).padStart(10),
      (1e3 * best[0] / length).toFixed(3).padStart(11),
      `${(100 * attention).toFixed(0)} %`.padStart(16),
      (total / best[0] / 1e9).toFixed(1).padStart(13),
    ].join(""),
  );
}
