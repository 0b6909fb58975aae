import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  sweepTemporary,
  writeFileAtomic,
  writeFolderAtomic,
} from "../../../src/files/disk/atomic.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";

const OPTIONS = {
  permissions: { read: [TEMPORARY], write: [TEMPORARY] },
  sanitizeOps: true,
  sanitizeResources: true,
};

const namesIn = (path: string) =>
  [...Deno.readDirSync(path)].map(({ name }) => name).sort();

test(
  "writeFileAtomic() writes and replaces, and makes the folders above",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const path = folder.file("a/b.txt");
    await writeFileAtomic(path, "eins");
    await writeFileAtomic(path, Uint8Array.of(122, 119, 101, 105));
    assertEquals(await Deno.readTextFile(path), "zwei");
    assertEquals(namesIn(folder.file("a")), ["b.txt"]);
  },
);

test(
  "writeFileAtomic() keeps the old file when writing fails",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const path = await folder.write("a.txt", "old");
    await assertRejects(
      () =>
        writeFileAtomic(path, async (file) => {
          await file.write(Uint8Array.of(1, 2, 3));
          throw new Error("disk on fire");
        }),
      Error,
      "disk on fire",
    );
    assertEquals(await Deno.readTextFile(path), "old");
    assertEquals(namesIn(folder.path), ["a.txt"]);
  },
);

test(
  "writeFolderAtomic() shows nothing until it is whole, then replaces the old folder",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const path = folder.file("checkpoint-1");
    await writeFolderAtomic(path, async (temporary) => {
      await Deno.writeTextFile(`${temporary}/old.txt`, "1");
    });
    await writeFolderAtomic(path, async (temporary) => {
      await Deno.mkdir(`${temporary}/deep`);
      await Deno.writeTextFile(`${temporary}/deep/new.txt`, "2");
      assertEquals(namesIn(path), ["old.txt"]); // the reader's view meanwhile
    });
    assertEquals(namesIn(path), ["deep"]);
    assertEquals(namesIn(folder.path), ["checkpoint-1"]);
  },
);

test(
  "writeFolderAtomic() keeps the old folder when filling fails",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const path = folder.file("a");
    await writeFolderAtomic(
      path,
      (temporary) => Deno.writeTextFile(`${temporary}/x`, "1"),
    );
    await assertRejects(
      () =>
        writeFolderAtomic(path, async (temporary) => {
          await Deno.writeTextFile(`${temporary}/half`, "");
          throw new Error("no space");
        }),
      Error,
      "no space",
    );
    assertEquals(namesIn(path), ["x"]);
    assertEquals(namesIn(folder.path), ["a"]);
  },
);

test(
  "writeFileAtomic() names the folder that cannot be made",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const file = await folder.write("file", "");
    const error = await assertRejects(
      () => writeFileAtomic(`${file}/below/a.txt`, ""),
      Deno.errors.PermissionDenied,
    );
    assert(
      error.message.startsWith(`Cannot make folder "${file}/below"`),
      error.message,
    );
  },
);

test(
  "sweepTemporary() removes what killed programs left, and gives back what was put aside",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const stay = [".checkpoint-1.tmp", ".other.01234567.tmp", "a.01234567.tmp"];
    const go = [".a.01234567.tmp", "..a.01234567.tmp.89abcdef.tmp"];
    for (const name of [...stay, ...go]) await folder.write(name, "");
    for (const name of [".b.01234567.tmp", ".b.01234567.old"]) {
      await Deno.mkdir(folder.file(name));
      await folder.write(`${name}/x`, name);
    }
    await folder.write("a", "newer");
    await folder.write(".a.00000000.old", "older");
    await sweepTemporary(folder.path, (name) => ["a", "b"].includes(name));
    assertEquals(namesIn(folder.path), [...stay, "a", "b"].sort());
    assertEquals(await Deno.readTextFile(folder.file("a")), "newer");
    assertEquals(
      await Deno.readTextFile(folder.file("b/x")),
      ".b.01234567.old",
    );
  },
);
