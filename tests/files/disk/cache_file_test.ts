import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { listenToNotes } from "../../../src/base/notes.ts";
import { disk, useDisk } from "../../../src/files/disk.ts";
import {
  keepCacheFile,
  readCacheFile,
} from "../../../src/files/disk/cache_file.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";

const OPTIONS = {
  permissions: { read: [TEMPORARY], write: [TEMPORARY] },
  sanitizeOps: true,
  sanitizeResources: true,
};

/** What reading and writing a file of two folders of a cache tells. */
async function notesOf(cache: string): Promise<string[]> {
  const told: string[] = [];
  using _notes = listenToNotes((sentence) => told.push(sentence));
  for (const folder of ["tokens", "reference"]) {
    const path = join(cache, folder, "a");
    assertEquals(await readCacheFile(path), undefined);
    await keepCacheFile(path, "x");
  }
  return told;
}

test("a cache that is a file is told once", OPTIONS, async () => {
  await using folder = await temporaryFolder();
  const cache = await folder.write("cache", "x");
  const [told, ...more] = await notesOf(cache);
  assert(told!.includes(`"${cache}" is a file`), told);
  assertEquals(more, []);
  assertEquals(await Deno.readTextFile(cache), "x");
});

test("a folder of a cache that is a file is told", OPTIONS, async () => {
  await using folder = await temporaryFolder();
  await Deno.mkdir(folder.file("cache"));
  await folder.write("cache/tokens", "x");
  const [told, ...more] = await notesOf(folder.file("cache"));
  assert(told!.includes(`tokens" is a file`), told);
  assertEquals(more, []);
});

test({
  ...OPTIONS,
  // Deno asks for all rights to make links
  permissions: { read: true, write: true },
  ignore: Deno.build.os === "windows",
  name: "a cache that is a link to nothing is told once",
  async fn() {
    await using folder = await temporaryFolder();
    await Deno.symlink(folder.file("nothing"), folder.file("cache"));
    const [told, ...more] = await notesOf(folder.file("cache"));
    assert(told!.includes("is a link to nothing"), told);
    assertEquals(more, []);
  },
});

test("a disk that is full or read-only is told once", OPTIONS, async () => {
  for (
    const [call, words] of [
      ["open", "No space left on device (os error 28)"],
      ["makeFolder", "Read-only file system (os error 30)"],
      ["rename", "Input/output error (os error 5)"],
    ] as const
  ) {
    await using folder = await temporaryFolder();
    const real = disk();
    const failing = {
      ...real,
      [call]: (path: string) => Promise.reject(new Error(`${words}: ${path}`)),
    };
    using _disk = useDisk(failing);
    assertEquals(await notesOf(folder.file("cache")), [
      `"${
        folder.file("cache")
      }" cannot be written (${words}); the run goes on, and the next one computes it again`,
    ]);
  }
});

test("a folder in place of a file is told and replaced", OPTIONS, async () => {
  await using folder = await temporaryFolder();
  await Deno.mkdir(folder.file("cache/tokens/a/b"), { recursive: true });
  const [told, ...more] = await notesOf(folder.file("cache"));
  assert(told!.includes("is not a file"), told);
  assertEquals(more, []);
  assertEquals(await Deno.readTextFile(folder.file("cache/tokens/a")), "x");
});
