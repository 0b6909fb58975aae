import { assertEquals } from "@std/assert";
import { lanesOf } from "../../../kernels/device/lanes.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

test("lanesOf() reads the width from the device's name", pure, () => {
  const lanes = (description: string) => lanesOf({ description });
  assertEquals(lanes("llvmpipe (LLVM 15.0.6, 512 bits)"), 16);
  assertEquals(lanes("llvmpipe (LLVM 15.0.6, 256 bits)"), 8);
  assertEquals(lanes("NVIDIA GeForce RTX 4090"), 8);
});
