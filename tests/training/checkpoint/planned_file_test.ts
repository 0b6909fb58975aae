import { assertEquals } from "@std/assert";
import { useDisk } from "../../../src/files/disk.ts";
import { readText } from "../../../src/files/disk/whole_file.ts";
import { openSafetensors } from "../../../src/files/safetensors/safetensors.ts";
import { writeFiles } from "../../../src/training/checkpoint/planned_file.ts";
import { memoryDisk } from "../../files/memory_disk.ts";
import { test } from "../../test_case.ts";

test(
  "writeFiles() writes tensors, JSON, text and copies of what is there",
  {
    permissions: "none",
    sanitizeOps: true,
    sanitizeResources: true,
  },
  async () => {
    const memory = memoryDisk();
    using _memory = useDisk(memory);
    memory.put("from/b.txt", new TextEncoder().encode("b"));
    await memory.makeFolder("to");
    await writeFiles("to", [
      { file: "a.json", json: { a: 1 } },
      { file: "b.txt", copiedFrom: "from" },
      { file: "c.txt", copiedFrom: "from" },
      { file: "d.txt", text: "d" },
      { file: "state/f.txt", text: "f" },
      {
        file: "e.safetensors",
        tensors: [{
          name: "e",
          dtype: "F32",
          shape: [1],
          source: undefined,
          async *bytes() {
            yield await Promise.resolve(
              new Uint8Array(Float32Array.of(2).buffer),
            );
          },
        }],
      },
    ]);
    assertEquals(await readText("to/a.json"), '{\n  "a": 1\n}\n');
    assertEquals(await readText("to/b.txt"), "b");
    assertEquals(await readText("to/d.txt"), "d");
    assertEquals(await readText("to/state/f.txt"), "f");
    const { tensors } = await openSafetensors("to/e.safetensors");
    assertEquals([...tensors.keys()], ["e"]);
    assertEquals(memory.paths().includes("/to/c.txt"), false);
  },
);
