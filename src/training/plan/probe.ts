/**
 * How fast the device trains, from one short forward and backward pass: two of the model's blocks,
 * a part of its vocabulary, numbers made up. Loads nothing. What comes of it is an estimate.
 */
import type { Device } from "../../../kernels/device/device.ts";
import { PLAIN_ADAPTER } from "../../model/adapter/adapter_config.ts";
import {
  type ModelConfig,
  readModelConfig,
} from "../../model/config/config.ts";
import { sampleModel } from "../../model/opening/sample_model.ts";
import { preferenceBatch } from "../../preference/tokens/batch.ts";
import { recordedLogps } from "../loop/batch_logps.ts";
import type { ByteSources } from "./byte_plan.ts";
import { stepOperations } from "../setup/step_operations.ts";

const LAYERS = 2;
const VOCABULARY = 8192;
/** Of the probe's pair: prompt, and each answer. */
const TOKENS = { prompt: 96, answer: 112 };

/** What the probe takes of a run. */
export interface ProbeSources extends
  Pick<
    ByteSources,
    "dtypeOf" | "nested" | "adapter" | "gradientCheckpointing"
  > {
  /** The model's config.json. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** Operations a second of a training step on this device, as `stepOperations()` counts them. */
export async function probeRate(
  device: Device,
  { json, dtypeOf, nested, adapter, gradientCheckpointing }: ProbeSources,
): Promise<number> {
  const config = shortened(readModelConfig(json));
  const full = adapter === undefined;
  // of the run's rank on all layers: what the options name may lie in others
  const probed = adapter && {
    ...adapter,
    ...PLAIN_ADAPTER,
    use_dora: adapter.use_dora,
    target_modules: "all-linear",
    rewardHead: false,
  };
  using _probe = device.scope();
  const model = sampleModel(device, config, {
    trained: full,
    dtypeOf,
    nested,
    adapter: probed,
    numbers: pseudoNumbers(),
  });
  const batch = preferenceBatch([probePair(config)]);
  let seconds = Infinity;
  // the first time compiles
  for (let round = 0; round < 3; round++) {
    using _round = device.scope();
    const start = performance.now();
    const logps = await recordedLogps(model, batch, { gradientCheckpointing });
    logps.backward(new Float32Array(batch.targetRows.length).fill(1e-3));
    await device.finish();
    if (round > 0) {
      seconds = Math.min(seconds, (performance.now() - start) / 1e3);
    }
  }
  const { total } = stepOperations(config, batch, {
    backward: true,
    full,
    gradientCheckpointing,
    rank: adapter?.r ?? 0,
  });
  return total / seconds;
}

/** The first layers of a config, over the first words. */
function shortened(config: ModelConfig): ModelConfig {
  const layers = Math.min(LAYERS, config.num_hidden_layers);
  return {
    ...config,
    num_hidden_layers: layers,
    vocab_size: Math.min(VOCABULARY, config.vocab_size),
    windows: config.windows.slice(0, layers),
  };
}

function probePair({ vocab_size, max_position_embeddings }: ModelConfig) {
  const room = max_position_embeddings / (TOKENS.prompt + TOKENS.answer);
  const prompt = Math.ceil(TOKENS.prompt * Math.min(1, room / 2));
  const answer = Math.ceil(TOKENS.answer * Math.min(1, room / 2));
  const ids = (salt: number) =>
    Array.from(
      { length: prompt + answer },
      (_, i) => (i * 7919 + (i < prompt ? 0 : salt)) % vocab_size,
    );
  return {
    chosen: { ids: ids(1), completionStart: prompt },
    rejected: { ids: ids(2), completionStart: prompt },
    sharedLength: prompt,
    line: 1,
  };
}

/** Small numbers of either sign: a million, of no period that a matrix has. */
function pseudoNumbers(): Float32Array<ArrayBuffer> {
  return Float32Array.from(
    { length: 1_000_003 },
    (_, i) => ((i * 2_654_435_761 % 2 ** 32) / 2 ** 31 - 1) * 0.03,
  );
}
