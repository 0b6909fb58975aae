/** What verify says of things that are whole, and of each kind that is damaged. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { verify } from "../../src/commands/verify.ts";
import { manifestJson } from "../../src/files/folders/manifest.ts";
import { writeSafetensors } from "../../src/files/safetensors/safetensors_writer.ts";
import { TEMPORARY, temporaryFolder } from "../temporary_folder.ts";
import { test } from "../test_case.ts";

const OPTIONS = { permissions: { read: [TEMPORARY], write: [TEMPORARY] } };

test("verify() compares a download with its record", OPTIONS, async () => {
  await using folder = await temporaryFolder();
  const bytes = new TextEncoder().encode("abc");
  const sha256 = // of "abc", FIPS 180-2, B.1
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  const files = { "a.txt": { size: 3, sha256 } };
  const record = { repo: "owner/name", files, complete: true };
  await folder.write(".tiebreak.json", JSON.stringify(record));
  await folder.write("a.txt", bytes);
  assertEquals((await verify(folder.path)).map((one) => one.isWhole), [true]);
  await folder.write("a.txt", "abd");
  const [found] = await verify(folder.path);
  assert(!found!.isWhole && found!.line.includes('"a.txt"'), found!.line);
  assert(found!.line.includes("download owner/name again"), found!.line);
});

test("verify() names the damaged checkpoint of a run", OPTIONS, async () => {
  await using folder = await temporaryFolder();
  await Deno.mkdir(folder.file("checkpoint-4"));
  const files = { "x": { size: 1, sha256: "0" } };
  const manifest = manifestJson({ run: "r", step: 4, files });
  await folder.write("checkpoint-4/manifest.json", JSON.stringify(manifest));
  const [found] = await verify(folder.path);
  assert(!found!.isWhole, found!.line);
  assert(found!.line.includes('checkpoint-4" is damaged: "x" is missing'));
});

test(
  "verify() reads the headers of files and says what it cannot check",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const path = folder.file("a.safetensors");
    const tensor = { name: "t", dtype: "F32", shape: [2] } as const;
    await writeSafetensors(path, [tensor], () => new Uint8Array(8));
    assertEquals((await verify(path)).map((one) => one.isWhole), [true]);
    await Deno.truncate(path, 70);
    assertEquals((await verify(path)).map((one) => one.isWhole), [false]);
    const gguf = await folder.write("b.gguf", "GGUX");
    assertEquals((await verify(gguf)).map((one) => one.isWhole), [false]);
    await Deno.remove(gguf);
    await Deno.remove(path);
    await assertRejects(() => verify(folder.path), Error, "Cannot verify");
  },
);
