/**
 * PEFT's own adapters on their base: logits as PEFT has them, with and without, and what they are
 * saved as again.
 */
import { assert, assertEquals } from "@std/assert";
import { openAdapterFolder } from "../../../src/files/folders/adapter_folder.ts";
import { loadAdapter } from "../../../src/model/adapter/adapter.ts";
import { readAdapterConfig } from "../../../src/model/adapter/adapter_config.ts";
import { exportAdapter } from "../../../src/model/saving/export.ts";
import { createKvCache } from "../../../src/model/decoder/kv_cache.ts";
import {
  nextLogits,
  sequenceLogits,
} from "../../../src/model/decoder/logits.ts";
import type { Model } from "../../../src/model/decoder/model.ts";
import { openSideBySide } from "../../../src/model/opening/open_model.ts";
import type { Device } from "../../../kernels/device/device.ts";
import type { TensorReader } from "../../../src/files/safetensors/safetensors.ts";
import {
  adapterBase,
  compared,
  referenceEntries,
  type ReferenceEntry,
} from "../../reference_dir.ts";
import { referenceGpuTest } from "../../reference_gpu_test_case.ts";
import { eachCase } from "../../reference_test_case.ts";
import { openTestModel } from "../model_test_case.ts";
import { assertClose, readReferenceTokens } from "../reference_tokens.ts";

async function logitsOf(
  model: Model,
  ids: readonly number[],
  adapters: boolean,
): Promise<Float32Array> {
  const pieces = await Array.fromAsync(
    sequenceLogits(model, ids, { adapters }),
  );
  return Float32Array.from(pieces.flatMap((piece) => [...piece]));
}

/** The logits of the last token alone. */
const lastRow = (model: Model, all: ArrayLike<number>) =>
  Array.from(all).slice(-model.config.vocab_size);

/**
 * Each adapter's logits beside its base's, from one model where the adapter changes no base weight.
 */
async function checkSideBySide(
  device: Device,
  entry: ReferenceEntry,
): Promise<void> {
  const { base, tuned } = await openSideBySide(device, {
    base: adapterBase(entry),
    tuned: entry.folder,
  });
  const expected = `${entry.folder}/expected.safetensors`;
  const want = await readReferenceTokens(expected);
  const ids = want.sequences[0]!;
  const logits = (await want.rows("adapted_logits"))[0]!;
  const plain = await logitsOf(base.model, ids, false);
  const { config } = await openAdapterFolder(entry.folder);
  const shares = base.model === tuned!.model;
  assertEquals(shares, (config["modules_to_save"] ?? null) === null);
  const grow = (model: Model, adapters: readonly boolean[]) => {
    const cache = createKvCache(model, ids.length, adapters.length);
    const additions = adapters.map((adapters, sequence) => ({
      sequence,
      adapters,
      tokens: ids,
    }));
    return nextLogits(model, cache, additions);
  };
  const [off, on] = shares
    ? await grow(base.model, [false, true])
    : await Promise.all([
      grow(base.model, [false]),
      grow(tuned!.model, [true]),
    ]).then((both) => both.flat());
  assertClose(off!, lastRow(base.model, plain), 1e-4, "base");
  assertClose(on!, lastRow(base.model, logits), 1e-4, entry.name);
  compared("peft");
}

async function checkLogits(
  device: Device,
  entry: ReferenceEntry,
  trained: boolean,
): Promise<void> {
  const folder = adapterBase(entry);
  const base = await openTestModel(device, folder);
  const { config, weights } = await openAdapterFolder(entry.folder);
  const read = readAdapterConfig(config);
  const model = await loadAdapter(base, read, weights, { trained });
  const expected = `${entry.folder}/expected.safetensors`;
  const want = await readReferenceTokens(expected);
  const logits = await want.rows("adapted_logits");
  for (const [i, ids] of want.sequences.entries()) {
    const got = await logitsOf(model, ids, true);
    assertClose(got, logits[i]!, 1e-4, `logits of sequence ${i}`);
  }
  const fresh = await openTestModel(device, folder);
  const ids = want.sequences[0]!;
  assertEquals(
    await logitsOf(model, ids, false),
    await logitsOf(fresh, ids, true),
    "without its adapter the model is its base",
  );
  if (trained) checkSavedLayout(model, weights);
  compared("peft");
}

/** What would be saved has the names and shapes that PEFT gave the adapter. */
function checkSavedLayout(model: Model, weights: TensorReader): void {
  const layout = (tensors: Iterable<[string, readonly number[]]>) =>
    Array.from(tensors, ([name, shape]) => `${name} ${shape}`).sort();
  const saved = layout(
    exportAdapter(model).map(({ name, shape }) => [name, shape]),
  );
  assert(saved.length > 0);
  const found = [...weights.tensors].map(([name, { shape }]) =>
    [name, shape] as [string, readonly number[]]
  );
  assertEquals(saved, layout(found));
}

await referenceGpuTest(
  "nextLogits() grows answers of base and PEFT's adapter side by side",
  (device, context) =>
    eachCase(
      context,
      referenceEntries("peft"),
      (entry) => checkSideBySide(device, entry),
      device,
    ),
);

for (const trained of [false, true]) {
  await referenceGpuTest(
    `loadAdapter() gives PEFT's logits${trained ? " while it is trained" : ""}`,
    (device, context) =>
      eachCase(
        context,
        referenceEntries("peft"),
        (entry) => checkLogits(device, entry, trained),
        device,
      ),
  );
}
