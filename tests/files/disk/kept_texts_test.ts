import { assertEquals } from "@std/assert";
import { useDisk } from "../../../src/files/disk.ts";
import { keptTexts } from "../../../src/files/disk/kept_texts.ts";
import { memoryDisk } from "../memory_disk.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

test(
  "keptTexts() keeps a text in a file of the folder",
  pure,
  async () => {
    const memory = memoryDisk();
    using _memory = useDisk(memory);
    const texts = keptTexts("kept");
    assertEquals(await texts.read("a"), undefined);
    await texts.write("a", "one");
    await texts.write("a", "two");
    assertEquals(await texts.read("a"), "two");
    assertEquals(memory.paths(), ["/kept/a.json"]);
  },
);

test(
  "keptTexts() does without where it has no permission",
  pure,
  async () => {
    const texts = keptTexts("/nowhere/kept");
    await texts.write("a", "one");
    assertEquals(await texts.read("a"), undefined);
  },
);
