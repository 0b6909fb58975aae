/** Models of quantized checkpoints: which codes are kept, and what they compute with. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { listenToNotes } from "../../../src/base/notes.ts";
import {
  type Dtype,
  fromFloat32,
  toFloat32,
} from "../../../src/files/safetensors/dtype.ts";
import { openModelFolder } from "../../../src/files/folders/model_folder.ts";
import { writeSafetensors } from "../../../src/files/safetensors/safetensors_writer.ts";
import type { TensorReader } from "../../../src/files/safetensors/safetensors.ts";
import { readModelConfig } from "../../../src/model/config/config.ts";
import { linears } from "../../../src/model/decoder/model.ts";
import { loadModel } from "../../../src/model/weights/load.ts";
import { mergeAdapter } from "../../../src/model/saving/merge.ts";
import { sequenceBatch } from "../../../src/preference/tokens/batch.ts";
import { logpsOf } from "../../../src/training/loop/batch_logps.ts";
import type { PackedTensor } from "../../files/stored_codes/packed_checkpoint.ts";
import {
  PACKED_CASES,
  type PackedCase,
} from "../../files/stored_codes/packed_cases.ts";
import { fixturePath } from "../../fixture_path.ts";
import { gpuTest } from "../../kernels/gpu_test_case.ts";
import { assertClose } from "../../kernels/numbers.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";

const MODEL = fixturePath("models/qwen2");
const ADAPTER = fixturePath("peft/lora");
const BATCH = sequenceBatch([[3, 14, 15, 92, 65, 35], [89, 79, 32, 38]]);

const PERMISSIONS = {
  read: [MODEL, ADAPTER, TEMPORARY],
  write: [TEMPORARY],
};

/** Writes the fixture's model in this layout, and gives the floats that it stands for. */
async function writePacked(
  folder: string,
  { pack, quantization_config, dtype }: PackedCase,
): Promise<TensorReader> {
  const { config, weights } = await openModelFolder(MODEL);
  const tensors = new Map<string, PackedTensor>();
  const floats = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const [name, { shape, dtype: stored }] of weights.tensors) {
    const bytes = await weights.read(name);
    if (!/\.layers\..*proj\.weight$/.test(name)) {
      tensors.set(name, { dtype: stored, shape, bytes });
      floats.set(name, bytes);
      continue;
    }
    const [rows, cols] = shape as [number, number];
    const values = toFloat32(bytes, "F32");
    const packed = pack({ rows, cols, values });
    const layer = name.replace(/\.weight$/, "");
    for (const [part, one] of Object.entries(packed.tensors)) {
      tensors.set(`${layer}.${part}`, one);
    }
    const exact = Float32Array.from(packed.exact);
    const served = toFloat32(fromFloat32(exact, dtype), dtype);
    floats.set(name, new Uint8Array(served.buffer));
  }
  await writeSafetensors(
    join(folder, "model.safetensors"),
    [...tensors].map(([name, one]) => ({
      name,
      shape: one.shape,
      dtype: one.dtype as Dtype,
    })),
    ({ name }) => tensors.get(name)!.bytes,
  );
  await Deno.writeTextFile(
    join(folder, "config.json"),
    JSON.stringify({ ...config, quantization_config }),
  );
  return {
    ...weights,
    read: (name) => Promise.resolve(floats.get(name)!),
    async *chunks(name) {
      yield await Promise.resolve({ offset: 0, bytes: floats.get(name)! });
    },
  };
}

for (const name of ["bitsandbytes nf4 with nested scales", "AWQ"]) {
  await gpuTest(
    `mergeAdapter() writes a model of floats from one of ${name}`,
    async (device) => {
      await using folder = await temporaryFolder();
      const one = PACKED_CASES.find((one) => one.name === name)!;
      const base = folder.file("base");
      await Deno.mkdir(base);
      await writePacked(base, one);
      const output = folder.file("merged");
      const { difference, bound, effect } = await mergeAdapter(device, {
        model_name_or_path: base,
        adapter_name_or_path: ADAPTER,
        output_dir: output,
        overwrite_output_dir: false,
      });
      assert(difference <= bound && bound < effect);
      const merged = await openModelFolder(output);
      assertEquals(merged.weights.packed, undefined);
      const config = await Deno.readTextFile(join(output, "config.json"));
      assertEquals(JSON.parse(config)["quantization_config"], undefined);
    },
    PERMISSIONS,
  );
}

for (const one of PACKED_CASES) {
  await gpuTest(
    `loadModel() computes with what the codes of ${one.name} stand for`,
    async (device) => {
      await using folder = await temporaryFolder();
      const floats = await writePacked(folder.path, one);
      const { config: json, weights } = await openModelFolder(folder.path);
      assertEquals(json["quantization_config"], undefined);
      const config = readModelConfig(json);
      const notes: string[] = [];
      using _listener = listenToNotes((note) => notes.push(note));
      const isRounded = one.dtype === "BF16";
      const load = (dequantize: boolean) =>
        loadModel(device, config, weights, { dequantize });
      if (isRounded) {
        await assertRejects(
          () => load(false),
          TypeError,
          "which the kernels here cannot read; set dequantize",
        );
      }
      const model = await load(isRounded);
      const types = new Map(
        linears(model.layers[0]!).map(({ weight: { name, matrix } }) =>
          [/\w+_proj/.exec(name)?.[0], matrix.dtype] as const
        ),
      );
      // 64 columns, and 144, which are no whole blocks of 64
      const float = isRounded ? "bf16" : "f32";
      assertEquals(types.get("up_proj"), one.kept ?? float);
      assertEquals(
        types.get("down_proj"),
        one.kept === "int8" ? "int8" : float,
      );
      assertEquals(notes.length, isRounded ? 1 : 0, notes.join());
      assert(!isRounded || /differ .* by 0\.\d\d %/.test(notes[0]!), notes[0]);
      const want = await loadModel(device, config, floats);
      const { logps } = await logpsOf(model, BATCH);
      assertClose(logps, (await logpsOf(want, BATCH)).logps, 5e-5);
    },
    PERMISSIONS,
  );
}
