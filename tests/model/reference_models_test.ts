/**
 * Checkpoints run by transformers in float32 and by us: logits, log-probabilities, every gradient.
 * The sequences of a batch lie ragged in one list of tokens here, padded in a rectangle there.
 */
import { assert, assertEquals } from "@std/assert";
import type { Device } from "../../kernels/device/device.ts";
import { openModelFolder } from "../../src/files/folders/model_folder.ts";
import { openSafetensors } from "../../src/files/safetensors/safetensors.ts";
import { readModelConfig } from "../../src/model/config/config.ts";
import { hiddenStates } from "../../src/model/decoder/decoder.ts";
import { loadModel } from "../../src/model/weights/load.ts";
import { type Model, parameters } from "../../src/model/decoder/model.ts";
import { modelLogits } from "../../src/model/decoder/logits.ts";
import {
  type Batch,
  sequenceBatch,
} from "../../src/preference/tokens/batch.ts";
import { recordedLogps } from "../../src/training/loop/batch_logps.ts";
import { compared, entryFile, referenceEntries } from "../reference_dir.ts";
import { referenceGpuTest } from "../reference_gpu_test_case.ts";
import { eachCase } from "../reference_test_case.ts";

/** transformers in float32 is itself 1.1e-5 from float64 on these models. */
const LOGIT_TOLERANCE = 1e-4;
const GRADIENT_TOLERANCE = 1e-4;

interface Expected {
  readonly batch: Batch;
  /** Logits of the real positions, row after row. */
  readonly logits: Float32Array;
  /** Log-probabilities of all tokens but the first of each sequence. */
  readonly logps: Float32Array;
}

async function load(
  device: Device,
  folder: string,
  trained: boolean,
): Promise<Model> {
  const { config, weights } = await openModelFolder(folder);
  return await loadModel(device, readModelConfig(config), weights, { trained });
}

async function readExpected(folder: string): Promise<Expected> {
  const io = await openSafetensors(`${folder}/ref/io.safetensors`);
  const [rows, length] = io.tensors.get("input_ids")!.shape as [number, number];
  const integers = async (name: string) =>
    new Int32Array((await io.read(name)).buffer);
  const floats = async (name: string) =>
    new Float32Array((await io.read(name)).buffer);
  const [ids, mask] = [
    await integers("input_ids"),
    await integers("attention_mask"),
  ];
  const [logits, logps] = [
    await floats("logits"),
    await floats("token_logprobs"),
  ];
  const vocab = logits.length / rows / length;
  const lengths = Array.from(
    { length: rows },
    (_, r) =>
      mask.subarray(r * length, (r + 1) * length).reduce(
        (sum, bit) => sum + bit,
        0,
      ),
  );
  const cut = (
    values: Float32Array,
    width: number,
    size: number,
    short: number,
  ) =>
    lengths.flatMap((
      n,
      r,
    ) => [
      ...values.subarray(r * width * size, (r * width + n - short) * size),
    ]);
  return {
    batch: sequenceBatch(
      lengths.map((n, r) => [...ids.subarray(r * length, r * length + n)]),
    ),
    logits: Float32Array.from(cut(logits, length, vocab, 0)),
    logps: Float32Array.from(cut(logps, length - 1, 1, 1)),
  };
}

function largestGap(got: ArrayLike<number>, want: ArrayLike<number>): number {
  assertEquals(got.length, want.length);
  let gap = 0;
  for (let i = 0; i < want.length; i++) {
    const distance = Math.abs(got[i]! - want[i]!);
    if (!(distance <= gap)) gap = distance; // NaN passes no comparison
  }
  return gap;
}

async function checkLogits(device: Device, folder: string): Promise<void> {
  const model = await load(device, folder, false);
  const { batch, logits } = await readExpected(folder);
  const got = await device.read(
    modelLogits(model, hiddenStates(model, batch)),
  );
  const gap = largestGap(got, logits);
  assert(gap <= LOGIT_TOLERANCE, `logits differ by ${gap}`);
  compared("model logits");
}

async function checkGradients(device: Device, folder: string): Promise<void> {
  const model = await load(device, folder, true);
  const { batch, logps } = await readExpected(folder);
  const forward = await recordedLogps(model, batch);
  const gap = largestGap(forward.statistics.logps, logps);
  assert(gap <= LOGIT_TOLERANCE, `logps differ by ${gap}`);
  // ref.json's loss: the mean over all target tokens
  const targets = batch.targetRows.length;
  forward.backward(new Float32Array(targets).fill(-1 / targets));
  const grads = await openSafetensors(`${folder}/ref/grads.safetensors`);
  const trained = parameters(model);
  assertEquals(
    trained.map(({ name }) => name).sort(),
    [...grads.tensors.keys()].sort(),
  );
  for (const { name, gradient } of trained) {
    const want = new Float32Array((await grads.read(name)).buffer);
    const got = await device.read(gradient);
    const norm = Math.hypot(...want);
    const distance = Math.hypot(...want.map((value, i) => value - got[i]!));
    assert(
      distance <= GRADIENT_TOLERANCE * norm,
      `d${name} is off by ${distance} of ${norm}`,
    );
  }
  compared("model gradients");
}

for (
  const [what, file, check] of [
    ["logits", "io", checkLogits],
    ["gradients", "grads", checkGradients],
  ] as const
) {
  await referenceGpuTest(
    `models give the ${what} of transformers`,
    (device, context) => {
      const models = referenceEntries("models").filter((entry) =>
        entryFile(entry, `ref/${file}.safetensors`)
      );
      return eachCase(
        context,
        models,
        ({ folder }) => check(device, folder),
        device,
      );
    },
  );
}
