import { assertEquals } from "@std/assert";
import { openOutputFile } from "../../../src/files/disk/output_file.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";

test("openOutputFile() has each text on the disk when append() is done", {
  permissions: { read: [TEMPORARY], write: [TEMPORARY] },
  sanitizeOps: true,
  sanitizeResources: true,
}, async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("a/b.jsonl");
  {
    using file = await openOutputFile(path);
    await file.append("one\n");
    assertEquals(Deno.readTextFileSync(path), "one\n");
    await file.append("zwölf\n");
    assertEquals(Deno.readTextFileSync(path), "one\nzwölf\n");
  }
  using again = await openOutputFile(path);
  assertEquals(again.path, path);
  assertEquals(Deno.readTextFileSync(path), "");
});
