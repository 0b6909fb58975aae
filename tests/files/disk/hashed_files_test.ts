/** Files are hashed while they are written, and large ones are flushed meanwhile. */
import { assertEquals, assertRejects } from "@std/assert";
import type { FileWriter } from "../../../src/files/disk/atomic.ts";
import { startHash } from "../../../src/files/disk/hash.ts";
import { hashedFiles } from "../../../src/files/disk/hashed_files.ts";
import { test } from "../../test_case.ts";

const PIECE = new Uint8Array(32 << 20).fill(7);

/** A writer that counts the bytes it has, and calls `sync` at each flush. */
function countingWriter(sync: (bytes: number) => Promise<void>): FileWriter {
  return async (_path, data) => {
    let bytes = 0;
    if (typeof data !== "function") return;
    await data({
      write(piece) {
        bytes += piece.length;
        return Promise.resolve(piece.length);
      },
      sync: () => sync(bytes),
    });
  };
}

test(
  "hashedFiles() flushes each 64 MiB of a large file and gives its hash",
  { permissions: "none" },
  async () => {
    const flushed: number[] = [];
    const { write, hashes } = hashedFiles(countingWriter((bytes) => {
      flushed.push(bytes);
      return Promise.resolve();
    }));
    await write("large", async (file) => {
      for (let i = 0; i < 5; i++) await file.write(PIECE);
    });
    await write("small", "abc");
    assertEquals(flushed, [64 << 20, 128 << 20]);
    const hash = startHash("sha256");
    for (let i = 0; i < 5; i++) hash.update(PIECE);
    const sha256 = hash.digest("hex");
    assertEquals(hashes.get("large"), { size: 160 << 20, sha256 });
    assertEquals(hashes.get("small")?.size, 3);
  },
);

test(
  "hashedFiles() fails where a flush of a part failed",
  { permissions: "none" },
  async () => {
    const { write, hashes } = hashedFiles(
      countingWriter(() => Promise.reject(new Error("no space"))),
    );
    const large = write("large", async (file) => {
      for (let i = 0; i < 3; i++) await file.write(PIECE);
    });
    await assertRejects(() => large, Error, "no space");
    assertEquals(hashes.has("large"), false);
  },
);
