import { assert, assertEquals } from "@std/assert";
import { freeMemory } from "../../kernels/device/open_deno.ts";
import { budgetOf } from "../../src/commands/command_device.ts";
import { test } from "../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

test(
  "budgetOf() is the limit in GB, else nine tenths of the free memory, else no bound",
  pure,
  () => {
    assertEquals(budgetOf(2, 1000), 2e9);
    assertEquals(budgetOf(null, 1000), 900);
    assertEquals(budgetOf(null, undefined), Infinity);
  },
);

test("freeMemory() asks only where it may", pure, () => {
  assertEquals(freeMemory(), undefined);
});

test("freeMemory() tells bytes", {
  permissions: { sys: ["systemMemoryInfo"] },
  sanitizeOps: true,
  sanitizeResources: true,
}, () => {
  const { total } = Deno.systemMemoryInfo();
  const free = freeMemory()!;
  assert(free > 0 && free <= total, `${free} of ${total}`);
});
