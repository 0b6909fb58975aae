/**
 * Each target of the fuzzer for a moment, with a seed that is always the same and one that is new
 * at each run: a fault names the command that brings it back. Each in a process of its own, since
 * memory is bounded by process.
 */
import { assert } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { test } from "../test_case.ts";
import { TARGETS } from "./targets.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));
const OPTIONS = {
  permissions: { read: [ROOT], run: ["deno"] },
  sanitizeOps: true,
  sanitizeResources: true,
};
/** The seed of every run of the suite. */
const FIXED = 19;
const SECONDS = 0.5;

/** What the task printed. */
async function fuzzed(target: string, seed: number): Promise<string> {
  const { stdout, stderr } = await new Deno.Command("deno", {
    args: [
      "run",
      "-q",
      "--no-prompt",
      "-P=fuzz",
      "tests/fuzz/main.ts",
      target,
      `--seed=${seed}`,
      `--seconds=${SECONDS}`,
    ],
    cwd: ROOT,
  }).output();
  const decoder = new TextDecoder();
  return decoder.decode(stdout) + decoder.decode(stderr);
}

for (const target of Object.keys(TARGETS)) {
  test(
    `deno task fuzz ${target} finds no fault in half a second`,
    OPTIONS,
    async () => {
      for (
        const seed of [FIXED, crypto.getRandomValues(new Uint32Array(1))[0]!]
      ) {
        const printed = await fuzzed(target, seed);
        assert(/, 0 faults$/m.test(printed), `deno task fuzz ${printed}`);
        assert(/: [1-9]\d* inputs in /.test(printed), printed);
      }
    },
  );
}
