import { assertEquals, assertNotEquals } from "@std/assert";
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

test(
  "fileHash() does not read a file again that has its size and time of change",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const cache = folder.file("cache");
    const time = new Date("2024-01-01");
    const path = await folder.write("weights", "abc");
    await Deno.utime(path, time, time);
    await fileHash(path, cache);
    await Deno.writeTextFile(path, "xyz");
    await Deno.utime(path, time, time);
    assertEquals(await fileHash(path, cache), ABC);
  },
);

test(
  "fileHash() reads a file again that was changed, or whose note is damaged",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const cache = folder.file("cache");
    const path = await folder.write("weights", "abc");
    await fileHash(path, cache);
    for await (const { name } of Deno.readDir(cache)) {
      await folder.write(`cache/${name}`, "torn");
    }
    assertEquals(await fileHash(path, cache), ABC);
    await Deno.writeTextFile(path, "abcd");
    assertNotEquals(await fileHash(path, cache), ABC);
  },
);
