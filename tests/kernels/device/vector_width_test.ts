import { assertEquals } from "@std/assert";
import { toFileUrl } from "@std/path";
import { lanesOf } from "../../../kernels/device/lanes.ts";
import { wantedVectorWidth } from "../../../kernels/device/vector_width.ts";

const OPTIONS = {
  permissions: { read: true, write: true },
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

Deno.test(
  "wantedVectorWidth() is what the file says, and nothing without a file or with another word in it",
  OPTIONS,
  async () => {
    const path = await Deno.makeTempFile();
    const file = toFileUrl(path);
    for (
      const [text, wanted] of [["512\n", "512"], ["", undefined], [
        "1024",
        undefined,
      ]] as const
    ) {
      await Deno.writeTextFile(path, text);
      assertEquals(wantedVectorWidth(file), wanted);
    }
    await Deno.remove(path);
    assertEquals(wantedVectorWidth(file), undefined);
  },
);

Deno.test(
  "wantedVectorWidth() asks for nothing where it may not read",
  { ...OPTIONS, permissions: "none" },
  () => assertEquals(wantedVectorWidth(), undefined),
);

Deno.test("lanesOf() reads the width from the adapter's name", OPTIONS, () => {
  const lanes = (description: string) => lanesOf({ description });
  assertEquals(lanes("llvmpipe (LLVM 15.0.6, 512 bits)"), 16);
  assertEquals(lanes("llvmpipe (LLVM 15.0.6, 256 bits)"), 8);
  assertEquals(lanes("NVIDIA GeForce RTX 4090"), 8);
});
