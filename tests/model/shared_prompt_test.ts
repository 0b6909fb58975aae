/**
 * A pair whose prompt stands once in a batch gives what its two sequences give one by one: in every
 * family whatever a token takes from the tokens before it must branch where the prompt ends.
 */
import { assert, assertEquals } from "@std/assert";
import type { Device } from "../../kernels/device/device.ts";
import { openModelFolder } from "../../src/files/folders/model_folder.ts";
import { readModelConfig } from "../../src/model/config/config.ts";
import { parameters } from "../../src/model/decoder/model.ts";
import { loadModel } from "../../src/model/weights/load.ts";
import { preferenceBatch } from "../../src/preference/tokens/batch.ts";
import {
  type TokenPair,
  tokenPair,
} from "../../src/preference/tokens/token_examples.ts";
import { recordedLogps } from "../../src/training/loop/batch_logps.ts";
import { referenceEntries } from "../reference_dir.ts";
import { referenceGpuTest } from "../reference_gpu_test_case.ts";
import { eachCase } from "../reference_test_case.ts";

const TOLERANCE = 1e-5;

/** Pairs in one pack: prompts of 6 tokens and of 1, answers of 1 to 7. */
function somePairs(vocab: number): TokenPair[] {
  const sequence = (prompt: readonly number[], answer: readonly number[]) => ({
    ids: [...prompt, ...answer].map((id) => id % vocab),
    completionStart: prompt.length,
  });
  const long = [3, 41, 7, 22, 5, 9];
  return [
    tokenPair(
      sequence(long, [11, 2, 60, 8, 30, 1, 17]),
      sequence(long, [12, 2]),
      1,
    ),
    tokenPair(sequence([50], [4]), sequence([50], [14, 6, 33, 10]), 2),
  ];
}

/** Log-probabilities of all targets, and the gradients under slopes of every size. */
async function run(
  device: Device,
  folder: string,
  pairs: readonly TokenPair[],
): Promise<Map<string, Float32Array>> {
  const { config, weights } = await openModelFolder(folder);
  const model = await loadModel(device, readModelConfig(config), weights, {
    trained: true,
  });
  const batch = preferenceBatch(pairs);
  const forward = await recordedLogps(model, batch);
  forward.backward(Float32Array.from(batch.targetRows, (_, i) => Math.sin(i)));
  const found = new Map([[
    "logps",
    Float32Array.from(forward.statistics.logps),
  ]]);
  for (const { name, gradient } of parameters(model)) {
    found.set(name, await device.read(gradient));
  }
  return found;
}

async function check(device: Device, folder: string): Promise<void> {
  const { config } = await openModelFolder(folder);
  const pairs = somePairs(readModelConfig(config).vocab_size);
  assertEquals(pairs.map(({ sharedLength }) => sharedLength), [6, 1]);
  const shared = await run(device, folder, pairs);
  const whole = await run(
    device,
    folder,
    pairs.map((pair) => ({ ...pair, sharedLength: 0 })),
  );
  for (const [name, want] of whole) {
    const got = shared.get(name)!;
    const distance = Math.hypot(...want.map((value, i) => value - got[i]!));
    const size = Math.hypot(...want);
    assert(
      distance <= TOLERANCE * Math.max(size, 0.1),
      `${name} is off by ${distance} of ${size}`,
    );
  }
}

await referenceGpuTest(
  "a pair under one prompt equals its two sequences",
  (device, context) =>
    eachCase(
      context,
      referenceEntries("models"),
      ({ folder }) => check(device, folder),
      device,
    ),
);
