/**
 * Starts last, by its name, and says how many cases of the reference the files before it compared. Files run side by
 * side, so one of them may not have ended yet.
 */
import { assert } from "@std/assert";
import { comparedSoFar, referenceSource } from "./reference_dir.ts";

const families = Object.entries(comparedSoFar()).sort();
const total = families.reduce((sum, [, cases]) => sum + cases, 0);
const listed = families.map(([family, cases]) => `${family} ${cases}`);

Deno.test({
  name: total > 0
    ? `at least ${total} reference cases ran (${
      listed.join(", ")
    }), from ${referenceSource()}`
    : "reference cases ran (skipped: this file ran alone)",
  ignore: total === 0,
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
  fn() {
    assert(families.every(([, cases]) => Number.isInteger(cases) && cases > 0));
  },
});
