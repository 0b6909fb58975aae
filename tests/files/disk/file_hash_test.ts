import { assertEquals, assertNotEquals } from "@std/assert";
import { listenToNotes } from "../../../src/base/notes.ts";
import { disk, useDisk } from "../../../src/files/disk.ts";
import { fileHash } from "../../../src/files/disk/file_hash.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";

const OPTIONS = {
  permissions: { read: [TEMPORARY], write: [TEMPORARY] },
  sanitizeOps: true,
  sanitizeResources: true,
};

// sha256sum of "abc": FIPS 180-2, appendix B.1
const ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

test("fileHash() is the sha256 of a file's bytes", OPTIONS, async () => {
  await using folder = await temporaryFolder();
  const path = await folder.write("weights", "abc");
  assertEquals(await fileHash(path, folder.file("cache")), ABC);
});

/** The times of change and the number that the disk says every file has; null: it has none. */
interface Said {
  mtime: Date;
  ctime: Date | null;
  ino: number | null;
}

/** A time at which nothing was changed that the tests write. */
const LONG_AGO = new Date("2024-01-01");

/** Makes the disk say these of each file, until the result is disposed. */
function saying(said: Said): Disposable {
  const real = disk();
  return useDisk({
    ...real,
    stat: async (path) => ({ ...await real.stat(path), ...said }),
  });
}

test(
  "fileHash() does not read a file again that has its size, times and number",
  OPTIONS,
  async () => {
    for (const ino of [7, null]) {
      await using folder = await temporaryFolder();
      const ctime = ino === null ? null : LONG_AGO; // as on Windows
      using _disk = saying({ mtime: LONG_AGO, ctime, ino });
      const path = await folder.write("weights", "abc");
      await fileHash(path, folder.file("cache"));
      await Deno.writeTextFile(path, "xyz");
      assertEquals(await fileHash(path, folder.file("cache")), ABC);
    }
  },
);

test(
  "fileHash() sees a replaced file of equal size and mtime",
  OPTIONS,
  async () => {
    const before = { mtime: LONG_AGO, ctime: LONG_AGO, ino: 7 };
    for (
      const after of [
        { ...before, ctime: new Date("2024-01-02") },
        { ...before, ino: 8 },
      ]
    ) {
      await using folder = await temporaryFolder();
      const path = await folder.write("weights", "xyz");
      {
        using _disk = saying(before);
        await fileHash(path, folder.file("cache"));
      }
      await Deno.writeTextFile(path, "abc");
      using _disk = saying(after);
      assertEquals(await fileHash(path, folder.file("cache")), ABC);
    }
  },
);

test(
  "fileHash() remembers nothing of a file that was changed just now",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const now = new Date();
    using _disk = saying({ mtime: LONG_AGO, ctime: now, ino: 7 });
    const path = await folder.write("weights", "xyz");
    await fileHash(path, folder.file("cache"));
    await Deno.writeTextFile(path, "abc");
    assertEquals(await fileHash(path, folder.file("cache")), ABC);
  },
);

test(
  "fileHash() reads a file again that was changed, or whose note is damaged",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const cache = folder.file("cache");
    using _disk = saying({ mtime: LONG_AGO, ctime: LONG_AGO, ino: 7 });
    const path = await folder.write("weights", "abc");
    await fileHash(path, cache);
    const [{ name }] = [...Deno.readDirSync(cache)] as [Deno.DirEntry];
    const note = await Deno.readTextFile(folder.file(`cache/${name}`));
    const told: string[] = [];
    using _notes = listenToNotes((sentence) => told.push(sentence));
    for (
      const damaged of [
        "torn",
        "",
        "a".repeat(64),
        note.replace(/^./, (digit) => digit === "0" ? "1" : "0"),
        note.slice(0, 64),
        note.slice(0, -2),
        note.replace("weights", "weighty"),
      ]
    ) {
      await folder.write(`cache/${name}`, damaged);
      assertEquals(await fileHash(path, cache), ABC, damaged);
      const again = await Deno.readTextFile(folder.file(`cache/${name}`));
      assertEquals(again, note);
    }
    assertEquals(told.length, 1); // the same line for all
    await Deno.writeTextFile(path, "abcd");
    assertNotEquals(await fileHash(path, cache), ABC);
  },
);
