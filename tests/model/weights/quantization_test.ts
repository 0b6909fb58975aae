/** Frozen weights as codes: which are, and that a model computes with what they stand for. */
import { assert, assertEquals } from "@std/assert";
import type { CodeDType } from "../../../kernels/matrix/codebooks.ts";
import {
  dequantize,
  nestScales,
  quantize,
  restoreScales,
} from "../../../kernels/matrix/quantize.ts";
import { toFloat32 } from "../../../src/files/safetensors/dtype.ts";
import { openModelFolder } from "../../../src/files/folders/model_folder.ts";
import type { TensorReader } from "../../../src/files/safetensors/safetensors.ts";
import { generate } from "../../../src/generation/generate.ts";
import { createSampler, GREEDY } from "../../../src/generation/sampler.ts";
import { readModelConfig } from "../../../src/model/config/config.ts";
import { loadModel } from "../../../src/model/weights/load.ts";
import { sequenceLogits } from "../../../src/model/decoder/logits.ts";
import { linears } from "../../../src/model/decoder/model.ts";
import { isQuantized } from "../../../src/model/weights/quantization.ts";
import { sequenceBatch } from "../../../src/preference/tokens/batch.ts";
import { logpsOf } from "../../../src/training/loop/batch_logps.ts";
import { gpuTest } from "../../kernels/gpu_test_case.ts";
import { assertClose } from "../../kernels/numbers.ts";

const TINY = "model_hub/tiny";
const BATCH = sequenceBatch([[3, 14, 15, 92, 65, 35], [89, 79, 32, 38]]);

/**
 * A reader of the same tensors, of which those that are quantised hold what their codes stand for.
 */
function restored(
  reader: TensorReader,
  dtype: CodeDType,
  nested: boolean,
): TensorReader {
  const read = async (name: string) => {
    const bytes = await reader.read(name);
    const { shape } = reader.tensors.get(name)!;
    if (!isQuantized(name) || shape.length !== 2) return bytes;
    const [rows, cols] = shape as [number, number];
    const codes = quantize(toFloat32(bytes, "F32"), cols, dtype);
    const absmax = nested
      ? restoreScales(nestScales(codes.absmax))
      : codes.absmax;
    const values = dequantize({ ...codes, absmax }, [rows, cols], dtype);
    return new Uint8Array(values.buffer);
  };
  return {
    ...reader,
    read,
    async *chunks(name) {
      yield { offset: 0, bytes: await read(name) };
    },
  };
}

for (
  const [dtype, nested] of [
    ["int8", false],
    ["nf4", false],
    ["nf4", true],
    ["fp4", false],
  ] as const
) {
  await gpuTest(
    `loadModel() with ${dtype}${
      nested ? " and nested scales" : ""
    } computes with what the codes stand for`,
    async (device) => {
      const { config: json, weights } = await openModelFolder(TINY);
      const config = readModelConfig(json);
      const model = await loadModel(device, config, weights, {
        quantization: { dtype, nested },
      });
      const plain = await loadModel(device, config, weights);
      const want = await loadModel(
        device,
        config,
        restored(weights, dtype, nested),
      );
      assertEquals(model.embed_tokens.matrix.dtype, "f32");
      for (const { weight } of model.layers.flatMap(linears)) {
        assertEquals(weight.matrix.dtype, dtype);
      }
      const { logps } = await logpsOf(model, BATCH);
      const { logps: expected } = await logpsOf(want, BATCH);
      assertClose(logps, expected, 2e-5);
      const { logps: unquantised } = await logpsOf(plain, BATCH);
      const apart = Array.from(logps, (logp, i) => logp - unquantised[i]!);
      assert(apart.some((difference) => Math.abs(difference) > 1e-3));
    },
    { read: [TINY] },
  );
}

const MODEL = "tests/fixtures/reference/models/qwen2";

await gpuTest(
  "loadModel() keeps what 4-bit codes stand for where rows are no whole blocks",
  async (device) => {
    const { config: json, weights } = await openModelFolder(MODEL);
    const config = readModelConfig(json);
    const model = await loadModel(device, config, weights, {
      quantization: { dtype: "nf4", nested: true },
    });
    const want = await loadModel(
      device,
      config,
      restored(weights, "nf4", true),
    );
    const types = new Map(
      linears(model.layers[0]!).map(({ weight: { name, matrix } }) =>
        [/\w+_proj/.exec(name)?.[0], matrix.dtype] as const
      ),
    );
    // 64 and 144 columns
    assertEquals(types.get("up_proj"), "nf4");
    assertEquals(types.get("down_proj"), "f32");
    const { logps } = await logpsOf(model, BATCH);
    assertClose(logps, (await logpsOf(want, BATCH)).logps, 2e-5);
  },
  { read: [MODEL] },
);

for (const dtype of ["int8", "nf4"] as const) {
  await gpuTest(
    `generate() on ${dtype} codes takes the tokens that logits without a cache name`,
    async (device) => {
      const { config: json, weights } = await openModelFolder(TINY);
      const config = readModelConfig(json);
      const quantization = { dtype, nested: dtype === "nf4" };
      const model = await loadModel(device, config, weights, { quantization });
      const promptIds = [3, 14, 15, 92, 65, 35];
      const { ids } = await generate(model, promptIds, {
        maxNewTokens: 8,
        sampler: createSampler(GREEDY),
        stopIds: new Set(),
      });
      assertEquals(ids.length, 8);
      const all = [...promptIds, ...ids];
      let position = 0;
      for await (const piece of sequenceLogits(model, all)) {
        for (let at = 0; at < piece.length; at += config.vocab_size) {
          const row = piece.subarray(at, at + config.vocab_size);
          const next = all[++position];
          if (position < promptIds.length || next === undefined) continue;
          const gap = Math.max(...row) - row[next]!;
          assert(gap < 1e-4, `token ${position}: ${gap} below the likeliest`);
        }
      }
      assertEquals(position, all.length);
    },
    { read: [TINY] },
  );
}
