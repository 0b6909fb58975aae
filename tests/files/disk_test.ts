/** The disk in use, and that a run needs no other. */
import { assertEquals, assertRejects } from "@std/assert";
import { type Disk, disk, NotFound, useDisk } from "../../src/files/disk.ts";
import {
  writeFileAtomic,
  writeFolderAtomic,
} from "../../src/files/disk/atomic.ts";
import { appendText, readText } from "../../src/files/disk/whole_file.ts";
import { openSafetensors } from "../../src/files/safetensors/safetensors.ts";
import { writeSafetensors } from "../../src/files/safetensors/safetensors_writer.ts";
import { TEMPORARY, temporaryFolder } from "../temporary_folder.ts";
import { memoryDisk } from "./memory_disk.ts";
import { test } from "../test_case.ts";

const MEMORY = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

/** What any disk does, in a folder that is there and empty. */
async function exercise(tried: Disk, folder: string): Promise<void> {
  const path = (name: string) => `${folder}/${name}`;
  const bytes = (...values: number[]) => Uint8Array.from(values);
  await tried.makeFolder(path("a/b"));
  {
    using file = await tried.open(path("a/b/x"), {
      read: true,
      write: true,
      create: true,
    });
    assertEquals(await file.write(bytes(1, 2, 3, 4)), 4);
    await file.sync();
    await file.seek(1);
    const found = new Uint8Array(2);
    assertEquals([await file.read(found), ...found], [2, 2, 3]);
    assertEquals([await file.readAt(0, found), ...found], [2, 1, 2]);
    await file.truncate(3);
    assertEquals(await file.size(), 3);
    await file.seek(3);
    assertEquals(await file.read(found), null);
  }
  const opened = await tried.open(path("a/b/x"));
  assertEquals(await Array.fromAsync(opened.stream()), [bytes(1, 2, 3)]);
  const { size, isFile, isDirectory } = await tried.stat(path("a/b/x"));
  assertEquals([size, isFile, isDirectory], [3, true, false]);
  assertEquals((await tried.stat(path("a"))).isDirectory, true);
  await tried.rename(path("a"), path("c"));
  assertEquals(await tried.readFile(path("c/b/x")), bytes(1, 2, 3));
  const names = await Array.fromAsync(
    tried.list(path("c")),
    ({ name }) => name,
  );
  assertEquals(names, ["b"]);
  await assertRejects(() => tried.remove(path("c")), Error);
  await tried.remove(path("c"), { recursive: true });
  for (
    const missing of [
      () => tried.stat(path("c")),
      () => tried.open(path("c/b/x")),
      () => tried.open(path("c/b/y"), { write: true, create: true }),
      () => tried.readFile(path("c/b/x")),
      () => tried.remove(path("c")),
      () => tried.rename(path("c"), path("d")),
      () => Array.fromAsync(tried.list(path("c"))),
    ]
  ) await assertRejects(missing, NotFound);
}

test("a disk in memory does what the machine's does", {
  ...MEMORY,
  permissions: { read: [TEMPORARY], write: [TEMPORARY] },
}, async () => {
  await using folder = await temporaryFolder();
  await exercise(disk(), folder.path);
  const memory = memoryDisk();
  await memory.makeFolder("/folder");
  await exercise(memory, "/folder");
});

test(
  "useDisk() is where files go until it is disposed",
  MEMORY,
  async () => {
    const [memory, machine] = [memoryDisk(), disk()];
    {
      using _memory = useDisk(memory);
      await writeFileAtomic("runs/one.txt", "a\n");
      await appendText("runs/one.txt", "b\n");
      await writeFolderAtomic(
        "runs/two",
        (folder) => writeFileAtomic(`${folder}/x`, "y"),
      );
      assertEquals(await readText("runs/one.txt"), "a\nb\n");
      assertEquals(memory.paths(), ["/runs/one.txt", "/runs/two/x"]);
    }
    assertEquals(disk(), machine);
  },
);

test(
  "tensors come back from a disk in memory as they went",
  MEMORY,
  async () => {
    using _memory = useDisk(memoryDisk());
    const values = Uint8Array.from({ length: 24 }, (_, i) => i);
    const tensors = [
      { name: "a", dtype: "F32", shape: [2, 3] },
      { name: "b", dtype: "F16", shape: [] },
    ] as const;
    await writeSafetensors(
      "m.safetensors",
      tensors,
      ({ name }) => name === "a" ? values : values.subarray(22),
    );
    const file = await openSafetensors("m.safetensors");
    assertEquals(await file.read("a"), values);
    const chunks = await Array.fromAsync(
      file.chunks("a", 16),
      ({ offset, bytes }) => [offset, bytes.length],
    );
    assertEquals(chunks, [[0, 16], [16, 8]]);
    assertEquals(await file.read("b"), values.subarray(22));
  },
);
