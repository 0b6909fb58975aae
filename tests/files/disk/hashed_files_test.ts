/** Files are hashed while they are written, and large ones are flushed meanwhile. */
import { assertEquals, assertRejects } from "@std/assert";
import { startHash } from "../../../src/files/disk/hash.ts";
import { hashedFiles } from "../../../src/files/disk/hashed_files.ts";
import { type Disk, type DiskFile, useDisk } from "../../../src/files/disk.ts";
import { test } from "../../test_case.ts";
import { memoryDisk } from "../memory_disk.ts";

const PIECE = new Uint8Array(32 << 20).fill(7);

/** A disk in memory that calls `sync` with the bytes of the file and its opening at each flush. */
function watchedDisk(
  sync: (bytes: number, opening: DiskFile) => Promise<void>,
): Disk {
  const disk = memoryDisk();
  return {
    ...disk,
    async open(path, options) {
      const file = await disk.open(path, options);
      file.sync = async () => await sync(await file.size(), file);
      return file;
    },
  };
}

test(
  "hashedFiles() flushes each 64 MiB of a large file by another opening and gives its hash",
  { permissions: "none" },
  async () => {
    const flushed: number[] = [];
    const openings = new Set<unknown>();
    using _disk = useDisk(watchedDisk((bytes, opening) => {
      flushed.push(bytes);
      openings.add(opening);
      return Promise.resolve();
    }));
    const { write, hashes } = hashedFiles();
    await write("/large", async (file) => {
      openings.add(file);
      for (let i = 0; i < 5; i++) await file.write(PIECE);
    });
    await write("/small", "abc");
    assertEquals(flushed, [64 << 20, 128 << 20]);
    assertEquals(openings.size, 2, "each part is flushed by one more opening");
    const hash = startHash("sha256");
    for (let i = 0; i < 5; i++) hash.update(PIECE);
    const sha256 = hash.digest("hex");
    assertEquals(hashes.get("/large"), { size: 160 << 20, sha256 });
    assertEquals(hashes.get("/small")?.size, 3);
  },
);

test(
  "hashedFiles() fails where a flush of a part failed",
  { permissions: "none" },
  async () => {
    using _disk = useDisk(
      watchedDisk(() => Promise.reject(new Error("no space"))),
    );
    const { write, hashes } = hashedFiles();
    const large = write("/large", async (file) => {
      for (let i = 0; i < 3; i++) await file.write(PIECE);
    });
    await assertRejects(() => large, Error, "no space");
    assertEquals(hashes.has("/large"), false);
  },
);
