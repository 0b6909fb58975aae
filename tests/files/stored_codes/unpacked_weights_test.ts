/** Weights of quantized checkpoints as floats, against what their layouts say in float64. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { useDisk } from "../../../src/files/disk.ts";
import { type Dtype, toFloat32 } from "../../../src/files/safetensors/dtype.ts";
import { openSafetensors } from "../../../src/files/safetensors/safetensors.ts";
import { writeSafetensors } from "../../../src/files/safetensors/safetensors_writer.ts";
import {
  configOfFloats,
  unpackedWeights,
} from "../../../src/files/stored_codes/unpacked_weights.ts";
import { seeded } from "../../kernels/numbers.ts";
import { test } from "../../test_case.ts";
import { memoryDisk } from "../memory_disk.ts";
import type { PackedTensor } from "./packed_checkpoint.ts";
import { PACKED_CASES, type PackedCase } from "./packed_cases.ts";

const PATH = "/model.safetensors";

/** A reader of the file of a layer "a" and a norm, as a checkpoint of this layout has them. */
async function opened(
  { pack, quantization_config }: PackedCase,
  [rows, cols]: readonly [number, number],
  change: (
    tensors: Record<string, PackedTensor>,
  ) => Record<string, PackedTensor> = (all) => all,
) {
  const values = seeded(rows * cols, 1, 0.1);
  const { tensors, exact } = pack({ rows, cols, values });
  const norm: PackedTensor = {
    dtype: "F32",
    shape: [2],
    bytes: new Uint8Array(Float32Array.of(1, 2).buffer),
  };
  const layer = Object.entries(tensors)
    .map(([part, one]) => [`a.${part}`, one] as const);
  const all = change({ ...Object.fromEntries(layer), norm });
  await writeSafetensors(
    PATH,
    Object.entries(all).map(([name, { shape, dtype }]) => ({
      name,
      shape,
      dtype: dtype as Dtype,
    })),
    ({ name }) => all[name]!.bytes,
  );
  const reader = await openSafetensors(PATH);
  return {
    exact,
    reader: await unpackedWeights(reader, { quantization_config }),
  };
}

for (const one of PACKED_CASES) {
  test(
    `unpackedWeights() serves ${one.name} as floats`,
    { permissions: "none" },
    async () => {
      using _disk = useDisk(memoryDisk());
      for (
        const [rows, cols] of [[8, 16], [40, 64], [72, 200], [264, 24]] as const
      ) {
        const { reader, exact } = await opened(one, [rows, cols]);
        assertEquals([...reader.tensors.keys()].sort(), ["a.weight", "norm"]);
        const { dtype, shape } = reader.tensors.get("a.weight")!;
        assertEquals([dtype, ...shape], [one.dtype, rows, cols]);
        const bytes = await reader.read("a.weight");
        const values = toFloat32(bytes, one.dtype);
        const bound = one.dtype === "F32" ? 2 ** -23 : 2 ** -8;
        const wrong = exact.findIndex((want, i) =>
          !(Math.abs(values[i]! - want) <= bound * Math.abs(want))
        );
        assertEquals(wrong, -1, `${values[wrong]}, expected ${exact[wrong]}`);
        for (const chunkBytes of [4, 100, 3000]) {
          const parts: number[] = [];
          for await (const chunk of reader.chunks("a.weight", chunkBytes)) {
            assertEquals(chunk.offset, parts.length);
            assert(chunk.bytes.length <= chunkBytes);
            parts.push(...chunk.bytes);
          }
          assertEquals(parts, [...bytes]);
        }
        const error = reader.packed!.roundingError();
        assert(
          one.dtype === "F32" ? error === 0 : error > 0 && error < 2 ** -8,
          `${error}`,
        );
      }
    },
  );
}

const caseOf = (name: string) => PACKED_CASES.find((one) => one.name === name)!;

test(
  "unpackedWeights() names what of a quantized checkpoint is not served or does not fit",
  { permissions: "none" },
  async () => {
    using _disk = useDisk(memoryDisk());
    const nested = caseOf("bitsandbytes nf4 with nested scales");
    const [gptq, awq, fp8] = ["GPTQ", "AWQ", "FP8 in blocks"].map(caseOf);
    const settings = (one: PackedCase, more: Record<string, unknown>) => ({
      ...one,
      quantization_config: { ...one.quantization_config, ...more },
    });
    const without = (name: string) => (all: Record<string, PackedTensor>) =>
      Object.fromEntries(Object.entries(all).filter(([key]) => key !== name));
    const state = (text: string) => (all: Record<string, PackedTensor>) => {
      const bytes = new TextEncoder().encode(text);
      const name = "a.weight.quant_state.bitsandbytes__nf4";
      return { ...all, [name]: { dtype: "U8", shape: [bytes.length], bytes } };
    };
    const refusals = [
      [nested, without("a.weight.absmax"), '"a.weight.absmax" is none'],
      [nested, without("a.weight.nested_quant_map"), "nested_quant_map"],
      [nested, state("{"), "bitsandbytes__nf4"],
      [nested, state('{"shape":[8,16],"blocksize":0}'), '"blocksize":0'],
      [
        nested,
        state('{"shape":[8,32],"blocksize":64,"nested_offset":null}'),
        "has shape [64, 1], expected [128, 1]",
      ],
      [settings(gptq!, { bits: 3 }), undefined, "bits is 3, expected 4"],
      [settings(awq!, { version: "gemv" }), undefined, 'version is "gemv"'],
      [gptq, without("a.qzeros"), '"a.qzeros" is none, expected I32'],
      [
        settings(fp8!, { weight_block_size: null }),
        undefined,
        "weight_block_size is null, expected two sizes",
      ],
      [
        settings(fp8!, { weight_block_size: [4, 4] }),
        undefined,
        '"a.weight_scale_inv" has shape [1, 1], expected [2, 4]',
      ],
    ] as const;
    for (const [one, change, says] of refusals) {
      const error = await assertRejects(
        () => opened(one!, [8, 16], change),
        TypeError,
        says,
      );
      assert(error.message.startsWith(`Cannot load "${PATH}": of `));
    }
  },
);

test(
  "unpackedWeights() refuses groups beyond all, and codes that stand for no number",
  { permissions: "none" },
  async () => {
    using _disk = useDisk(memoryDisk());
    const gptq = {
      ...caseOf("GPTQ"),
      pack: (weight: Parameters<PackedCase["pack"]>[0]) => {
        const { tensors, exact } = caseOf("GPTQ").pack(weight);
        const order = new Int32Array(weight.cols).fill(2);
        const bytes = new Uint8Array(order.buffer);
        const g_idx = { ...tensors["g_idx"]!, bytes };
        return { tensors: { ...tensors, g_idx }, exact };
      },
    };
    const { reader } = await opened(gptq, [8, 16]);
    await assertRejects(
      () => reader.read("a.weight"),
      TypeError,
      'Cannot read "a.g_idx": group 2, expected less than 2',
    );
    const fp8 = {
      ...caseOf("FP8 in blocks"),
      pack: (weight: Parameters<PackedCase["pack"]>[0]) => {
        const { tensors, exact } = caseOf("FP8 in blocks").pack(weight);
        tensors["weight"]!.bytes[5] = 255;
        return { tensors, exact };
      },
    };
    const broken = await opened(fp8, [8, 16]);
    await assertRejects(
      () => broken.reader.read("a.weight"),
      RangeError,
      'number 5 of tensor "a.weight" is NaN after its codes',
    );
  },
);

test(
  "configOfFloats() leaves out a quantization that is served, and keeps others to be refused",
  { permissions: "none" },
  () => {
    const config = { model_type: "qwen2" };
    const awq = { ...config, quantization_config: { quant_method: "awq" } };
    assertEquals(configOfFloats(awq), config);
    const other = { ...config, quantization_config: { quant_method: "hqq" } };
    assertEquals(configOfFloats(other), other);
    assertEquals(configOfFloats(config), config);
  },
);
