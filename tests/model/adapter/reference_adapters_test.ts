/** PEFT's own adapters on their base: logits as PEFT has them, with and without, and what they are saved as again. */
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
import { compared, referencePath } from "../../reference_dir.ts";
import { modelTest, openTestModel } from "../model_test_case.ts";
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

for (const name of ["lora", "rslora", "dora", "patterns", "with_saved_norms"]) {
  const adapter = referencePath(`peft/${name}/adapter_config.json`)
    ?.replace("/adapter_config.json", "");
  await modelTest(
    `nextLogits() grows answers of base and ${name} side by side`,
    "models/qwen2",
    async (device, folder) => {
      const { base, tuned } = await openSideBySide(device, {
        base: folder,
        tuned: adapter!,
      });
      const want = await readReferenceTokens(`${adapter}/expected.safetensors`);
      const ids = want.sequences[0]!;
      const logits = (await want.rows("adapted_logits"))[0]!;
      const plain = await logitsOf(base.model, ids, false);
      const end = (all: ArrayLike<number>) =>
        Array.from(all).slice(-base.model.config.vocab_size);
      const shares = base.model === tuned!.model;
      assertEquals(shares, name !== "with_saved_norms");
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
      assertClose(off!, end(plain), 1e-4, "base");
      assertClose(on!, end(logits), 1e-4, name);
      compared("peft");
    },
    { read: [adapter], variants: ["panel", "tile"] },
  );
  for (const trained of [false, true]) {
    await modelTest(
      `loadAdapter() gives PEFT's logits of ${name}${
        trained ? " while it is trained" : ""
      }`,
      "models/qwen2",
      async (device, folder) => {
        const base = await openTestModel(device, folder);
        const { config, weights } = await openAdapterFolder(adapter!);
        const read = readAdapterConfig(config);
        const model = await loadAdapter(base, read, weights, { trained });
        const expected = `${adapter}/expected.safetensors`;
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
        if (trained) {
          const saved = exportAdapter(model).map(({ name, shape }) =>
            `${name} ${shape}`
          );
          const found = [...weights.tensors].map(([name, { shape }]) =>
            `${name} ${shape}`
          );
          assertEquals(saved.sort(), found.sort());
          assert(saved.length > 0);
        }
        compared("peft");
      },
      { read: [adapter], variants: ["panel", "tile"] },
    );
  }
}
