/**
 * The last test file, by its name. It says how many cases of the reference the files before it
 * compared; files run side by side, so one of them may not have ended yet. Where `deno test` was
 * given no permissions, its last line says how to run all tests.
 */
import { assert } from "@std/assert";
import { comparedSoFar, REFERENCE, referenceSource } from "./reference_dir.ts";
import { isGranted, test } from "./test_case.ts";

const families = Object.entries(comparedSoFar()).sort();
const total = families.reduce((sum, [, cases]) => sum + cases, 0);
const listed = families.map(([family, cases]) => `${family} ${cases}`);

test(
  total > 0
    ? `at least ${total} reference cases ran (${listed.join(", ")})`
    : "reference cases ran (skipped: no file that compares any ran before)",
  { ignore: total === 0, permissions: { read: REFERENCE } },
  async (context) => {
    assert(families.every(([, cases]) => Number.isInteger(cases) && cases > 0));
    await context.step(`with numbers from ${referenceSource()}`, () => {});
  },
);

if (!isGranted({ read: true })) {
  test(
    "some tests need permissions and were skipped; all of them run by: deno test -P=test",
    { ignore: true },
    () => {},
  );
}
