/** GGUF files: metadata, tensors and bytes. */
import { useDisk } from "../../../src/files/disk.ts";
import { openGguf } from "../../../src/files/gguf/gguf_reader.ts";
import { writeGguf } from "../../../src/files/gguf/gguf_writer.ts";
import type { GgufTensor, GgufValue } from "../../../src/files/gguf/gguf.ts";
import { memoryDisk } from "../../files/memory_disk.ts";
import { type DrawInput, hold } from "../fuzz_target.ts";
import { mutateBytes } from "../mutate_text.ts";
import { asLine } from "../project_files.ts";

const METADATA = new Map<string, GgufValue>([
  ["general.architecture", { type: "string", value: "llama" }],
  ["llama.block_count", { type: "uint32", value: 2 }],
  ["llama.rope.freq_base", { type: "float32", value: 10_000 }],
  ["tokenizer.ggml.tokens", { type: "string", list: ["a", "b", "é"] }],
  ["tokenizer.ggml.token_type", { type: "int32", list: [1, 3, 1] }],
  ["tokenizer.ggml.add_bos_token", { type: "bool", value: true }],
]);

const TENSORS: readonly GgufTensor[] = [
  { name: "token_embd.weight", type: "F32", shape: [3, 4] },
  { name: "output_norm.weight", type: "F16", shape: [4] },
  { name: "blk.0.ffn_up.weight", type: "Q8_0", shape: [2, 32] },
];

async function wholeFile(): Promise<Uint8Array> {
  const disk = memoryDisk();
  const file = await disk.open("/x.gguf", { write: true, create: true });
  const sizes: Readonly<Record<string, number>> = { F32: 48, F16: 8, Q8_0: 68 };
  await writeGguf(file, METADATA, TENSORS, async function* ({ type }) {
    yield await Promise.resolve(new Uint8Array(sizes[type]!));
  });
  return await disk.readFile("/x.gguf");
}

/** The target. */
export async function gguf(): Promise<DrawInput> {
  const whole = await wholeFile();
  const disk = memoryDisk();
  useDisk(disk);
  return (chance) => {
    const bytes = mutateBytes(chance, whole);
    return {
      words: "changed bytes",
      async run() {
        disk.put("/x.gguf", bytes);
        const { tensors, read } = await openGguf("/x.gguf");
        for (const name of tensors.keys()) {
          const { length } = await read(name);
          hold(
            length <= bytes.length,
            () => `a tensor of ${length} bytes in a file of ${bytes.length}`,
          );
        }
      },
      show: () => asLine(bytes),
    };
  };
}
