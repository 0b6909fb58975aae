/**
 * Tests that compare with numbers of the reference. Their names begin with "reference: ", by which
 * `deno task test:reference` finds them. What the reference holds is known only while a test runs,
 * so each model, adapter or run is a step of its test.
 */
import type { Device } from "../kernels/device/device.ts";
import { realDataPath, REFERENCE } from "./reference_dir.ts";
import { test, type TestBody } from "./test_case.ts";

/** The name by which a test that compares with the reference is found. */
export const referenceName = (name: string): string => `reference: ${name}`;

/** Registers a test that may read the reference. */
export function referenceTest(
  name: string,
  fn: TestBody,
  { read = [] }: { readonly read?: readonly (string | URL)[] } = {},
): void {
  const permissions = { read: [...REFERENCE, ...read] };
  test({ name: referenceName(name), permissions, fn });
}

/**
 * Runs a step for each of `cases`, at least one; what it allocates on the device goes at its end.
 */
export async function eachCase<Case extends { readonly name: string }>(
  context: Deno.TestContext,
  cases: readonly Case[],
  body: (one: Case) => void | Promise<void>,
  device?: Device,
): Promise<void> {
  if (cases.length === 0) {
    throw new RangeError(
      "Cannot compare with the reference: found no case, expected one or more",
    );
  }
  for (const one of cases) {
    await context.step(one.name, async () => {
      using _scope = device?.scope();
      await body(one);
    });
  }
}

/** Runs a step on real data beside the reference; it is skipped by its name where there is none. */
export async function onRealData(
  context: Deno.TestContext,
  name: string,
  body: (path: string) => void | Promise<void>,
): Promise<void> {
  const path = realDataPath(name);
  await context.step({
    name: path === undefined
      ? `${name} (skipped: not beside the reference)`
      : name,
    ignore: path === undefined,
    fn: async () => await body(path!),
  });
}
