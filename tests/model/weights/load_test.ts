/** Checkpoints in memory: what a load refuses, and in which types it keeps what it takes. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { readMatrixRows } from "../../../kernels/matrix/matrix.ts";
import type { Device } from "../../../kernels/device/device.ts";
import {
  type Dtype,
  type FloatDtype,
  fromFloat32,
  toFloat32,
} from "../../../src/files/safetensors/dtype.ts";
import type { TensorReader } from "../../../src/files/safetensors/safetensors.ts";
import { readModelConfig } from "../../../src/model/config/config.ts";
import {
  loadModel,
  type LoadModelOptions,
  storedLayouts,
} from "../../../src/model/weights/load.ts";
import { type Norm, parameters } from "../../../src/model/decoder/model.ts";
import { weightLayouts } from "../../../src/model/weights/weight_layout.ts";
import { gpuTest } from "../../kernels/gpu_test_case.ts";
import { seeded } from "../../kernels/numbers.ts";
import { type Json, QWEN2 } from "../config_case.ts";
import { test } from "../../test_case.ts";

interface Stored {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array<ArrayBuffer>;
}

const config = readModelConfig({ ...QWEN2, num_hidden_layers: 1 });
const HEAD = "model.embed_tokens.weight";
const NORM = "model.norm.weight";

function stored(
  shape: readonly number[],
  dtype: FloatDtype = "F32",
): Stored {
  const count = shape.reduce((product, size) => product * size, 1);
  const bytes = fromFloat32(seeded(count, count), dtype);
  return { dtype, shape, bytes: bytes as Uint8Array<ArrayBuffer> };
}

/** All tensors that the config asks for. */
function checkpoint(
  dtype: FloatDtype = "F32",
  of = config,
): Map<string, Stored> {
  return new Map(
    weightLayouts(of).map(({ name, shape }) => [name, stored(shape, dtype)]),
  );
}

/** A reader of tensors in memory, in chunks of a few bytes. */
function reader(tensors: Map<string, Stored>): TensorReader {
  const infos = new Map(
    [...tensors].map(([name, { dtype, shape, bytes }]) => [
      name,
      { name, dtype, shape, offset: 0, bytes: bytes.length },
    ]),
  );
  return {
    tensors: infos,
    files: ["in memory"],
    read: (name) => Promise.resolve(tensors.get(name)!.bytes.slice()),
    async *chunks(name, chunkBytes = 32) {
      const { bytes } = tensors.get(name)!;
      for (let offset = 0; offset < bytes.length; offset += chunkBytes) {
        await Promise.resolve();
        yield { offset, bytes: bytes.slice(offset, offset + chunkBytes) };
      }
    },
  };
}

const load = (
  device: Device,
  tensors: Map<string, Stored>,
  options: LoadModelOptions = {},
) => loadModel(device, config, reader(tensors), options);

await gpuTest(
  "loadModel() names every missing, misshapen, unknown and mistyped tensor at once",
  async (device) => {
    const tensors = checkpoint();
    tensors.delete("model.layers.0.mlp.up_proj.weight");
    tensors.delete(NORM);
    tensors.set("model.layers.0.self_attn.k_proj.weight", stored([8, 8]));
    tensors.set("model.layers.0.self_attn.q_norm.weight", stored([4]));
    tensors.set("model.layers.0.self_attn.q_proj.bias", {
      ...stored([8]),
      dtype: "I32",
    });
    const { message } = await assertRejects(
      () => load(device, tensors),
      TypeError,
    );
    for (
      const part of [
        'Cannot load "in memory": ',
        'tensor "model.layers.0.mlp.up_proj.weight" is missing, expected shape [12, 8]',
        'tensor "model.norm.weight" is missing, expected shape [8]',
        'tensor "model.layers.0.self_attn.k_proj.weight" has shape [8, 8], expected [4, 8]',
        'tensor "model.layers.0.self_attn.q_norm.weight" is not part of model_type "qwen2"',
        'tensor "model.layers.0.self_attn.q_proj.bias" has type I32, expected F32, F16 or BF16',
      ]
    ) assert(message.includes(part), `${part} in ${message}`);
    assertEquals(message.split("; ").length, 5);
  },
  { kinds: ["cpu"] },
);

await gpuTest(
  "loadModel() passes over a tied head and rotary tables that a file repeats",
  async (device) => {
    const tensors = checkpoint();
    tensors.set("lm_head.weight", tensors.get(HEAD)!);
    tensors.set("model.layers.0.self_attn.rotary_emb.inv_freq", stored([2]));
    const model = await load(device, tensors);
    assert(model.lm_head === model.embed_tokens);
  },
  { kinds: ["cpu"] },
);

for (
  const [dtype, kept] of [["BF16", "bf16"], ["F16", "f16"], [
    "F32",
    "f32",
  ]] as const
) {
  await gpuTest(
    `loadModel() keeps frozen ${dtype} matrices as they are stored`,
    async (device) => {
      const tensors = checkpoint(dtype);
      const model = await load(device, tensors);
      const { matrix } = model.embed_tokens;
      assertEquals(matrix.dtype, kept);
      assertEquals(
        [...await readMatrixRows(device, matrix, 0, 20)],
        [...toFloat32(tensors.get(HEAD)!.bytes, dtype)],
      );
      assertEquals(
        [...await device.read((model.norm as Norm).tensor)],
        [...toFloat32(tensors.get(NORM)!.bytes, dtype)],
      );
      assertEquals(parameters(model), []);
    },
  );

  await gpuTest(
    `loadModel() widens trained ${dtype} weights to f32`,
    async (device) => {
      const tensors = checkpoint(dtype);
      const model = await load(device, tensors, { trained: true });
      assertEquals(
        parameters(model).map(({ name }) => name).sort(),
        [...tensors.keys()].sort(),
      );
      for (const { name, value, gradient } of parameters(model)) {
        const want = [...toFloat32(tensors.get(name)!.bytes, dtype)];
        assertEquals([...await device.read(value)], want, name);
        assert((await device.read(gradient)).every((x) => x === 0));
      }
      assertEquals(model.embed_tokens.matrix.dtype, "f32");
    },
    { kinds: ["cpu"] },
  );
}

await gpuTest(
  "loadModel() converts frozen matrices to the type that is asked for",
  async (device) => {
    const tensors = checkpoint();
    const values = new Float32Array(tensors.get(HEAD)!.bytes.buffer);
    for (
      const [dtype, as] of [["bf16", "BF16"], ["f16", "F16"], [
        "f32",
        "F32",
      ]] as const
    ) {
      const { embed_tokens: { matrix } } = await load(device, tensors, {
        dtype,
      });
      assertEquals(matrix.dtype, dtype);
      assertEquals(
        [...await readMatrixRows(device, matrix, 0, 20)],
        [...toFloat32(fromFloat32(values, as), as)],
      );
    }
  },
);

await gpuTest(
  "loadModel() tells how many bytes are loaded, up to all",
  async (device) => {
    const tensors = checkpoint();
    const told: [number, number][] = [];
    await load(device, tensors, { onProgress: (...of) => told.push(of) });
    const total = [...tensors.values()].reduce(
      (sum, { bytes }) => sum + bytes.length,
      0,
    );
    assertEquals(told.at(-1), [total, total]);
    assert(told.length >= tensors.size);
    assert(told.every(([done], i) => i === 0 || done > told[i - 1]![0]));
  },
  { kinds: ["cpu"] },
);

test({
  name: "weightLayouts() lists an untied head and each family's own tensors",
  permissions: "none",
  fn() {
    const names = (changes: Json) =>
      weightLayouts(readModelConfig({ ...QWEN2, ...changes })).map(({ name }) =>
        name
      );
    const untied = names({ model_type: "llama", tie_word_embeddings: false });
    assertEquals(untied.at(-1), "lm_head.weight");
    assertEquals(untied.length, 1 + 3 * 9 + 2);
    assertEquals(
      names({}).length,
      1 + 3 * 12 + 1,
      "three biases a layer, no head",
    );
    assert(
      names({ model_type: "qwen3" }).includes(
        "model.layers.2.self_attn.k_norm.weight",
      ),
    );
  },
});

test("storedLayouts() refuses sizes that the headers do not have, before all else", () => {
  const whole = reader(checkpoint());
  assertEquals(storedLayouts(config, whole).length, whole.tensors.size);
  const read = (change: Json) =>
    readModelConfig({ ...QWEN2, num_hidden_layers: 1, ...change });
  assertThrows(
    () => storedLayouts(read({ num_hidden_layers: 9999 }), whole),
    RangeError,
    "but the 9999 layers of config.json have more than",
  );
  assertThrows(
    () => storedLayouts(read({ intermediate_size: 2 ** 20 }), whole),
    TypeError,
    "has shape",
  );
});
