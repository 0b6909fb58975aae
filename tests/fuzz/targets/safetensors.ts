/** Headers, lengths and bytes of safetensors files. */
import {
  DTYPE_BYTES,
  elementCount,
} from "../../../src/files/safetensors/dtype.ts";
import { openSafetensors } from "../../../src/files/safetensors/safetensors.ts";
import { useDisk } from "../../../src/files/disk.ts";
import { memoryDisk } from "../../files/memory_disk.ts";
import type { Chance } from "../chance.ts";
import { type DrawInput, hold } from "../fuzz_target.ts";
import { mutateJson } from "../mutate_json.ts";
import { mutateBytes, mutateText } from "../mutate_text.ts";
import { asLine } from "../project_files.ts";

const HEADER = {
  __metadata__: { format: "pt" },
  a: { dtype: "F32", shape: [2, 3], data_offsets: [0, 24] },
  b: { dtype: "BF16", shape: [4], data_offsets: [24, 32] },
  c: { dtype: "F32", shape: [], data_offsets: [32, 36] },
  d: { dtype: "U8", shape: [3, 1], data_offsets: [36, 39] },
  e: { dtype: "I64", shape: [0, 5], data_offsets: [39, 39] },
};
const DATA_BYTES = 39;

function build(
  header: string,
  dataBytes: number,
  length?: bigint,
): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(
    0,
    length ?? BigInt(text.length),
    true,
  );
  bytes.set(text, 8);
  return bytes;
}

const LENGTHS = [0n, 1n, 2n, 7n, 2n ** 40n, 100_000_001n, 2n ** 63n, -1n];

function drawBytes(chance: Chance): [string, Uint8Array<ArrayBuffer>] {
  const header = JSON.stringify(HEADER);
  const near = chance.pick([0, 0, 0, -1, 1, 39, -39]) + DATA_BYTES;
  switch (chance.below(8)) {
    case 0:
    case 1:
      return ["changed bytes", mutateBytes(chance, build(header, DATA_BYTES))];
    case 2:
      return [
        "changed text of the header",
        build(mutateText(chance, header), near),
      ];
    case 3: {
      const length = BigInt.asUintN(64, chance.pick(LENGTHS));
      return [
        "another length of the header",
        build(header, DATA_BYTES, length),
      ];
    }
  }
  const changed = JSON.stringify(mutateJson(chance, HEADER)) ?? "";
  return ["changed header", build(changed, near)];
}

/** The target. */
export function safetensors(): Promise<DrawInput> {
  const disk = memoryDisk();
  useDisk(disk);
  return Promise.resolve((chance) => {
    const [words, bytes] = drawBytes(chance);
    return {
      words,
      async run() {
        disk.put("/x.safetensors", bytes);
        const { tensors, read } = await openSafetensors("/x.safetensors");
        for (const [name, { shape, dtype }] of tensors) {
          const found = await read(name);
          const wanted = elementCount(shape) * (DTYPE_BYTES[dtype] ?? NaN);
          hold(
            found.length === wanted && wanted <= bytes.length,
            () => `a tensor has ${found.length} bytes, expected ${wanted}`,
          );
        }
      },
      show: () => asLine(bytes),
    };
  });
}
