import { assertEquals } from "@std/assert";
import { assertClose, seeded, seededIntegers } from "../kernels/numbers.ts";
import {
  tokenLogpsBackwardReference,
  type TokenLogpsProblem,
  tokenLogpsReference,
} from "./token_logps.ts";
import { test } from "../test_case.ts";

const SLOPES = [0.5, -2, 1];

function loss(problem: TokenLogpsProblem): number {
  return tokenLogpsReference(problem)
    .reduce((sum, { logp }, t) => sum + SLOPES[t]! * logp, 0);
}

/** Central differences of the loss with respect to each number of `hidden` or `head`. */
function differences(
  problem: TokenLogpsProblem,
  name: "hidden" | "head" | "bias",
): number[] {
  const step = 1e-5;
  return Array.from(problem[name]!, (x, i) => {
    const moved = (by: number) =>
      loss({
        ...problem,
        [name]: Array.from(problem[name]!, (y, k) => k === i ? x + by : y),
      });
    return (moved(step) - moved(-step)) / (2 * step);
  });
}

for (const options of [{}, { softcap: 1.5, logitScale: 2 }]) {
  test({
    name: `tokenLogpsBackwardReference() agrees with central differences, ${
      JSON.stringify(options)
    }`,
    permissions: "none",
    sanitizeOps: true,
    sanitizeResources: true,
    fn() {
      const [targets, vocabulary, hiddenSize] = [3, 7, 4] as const;
      const problem = {
        hidden: seeded(targets * hiddenSize, 1),
        head: seeded(vocabulary * hiddenSize, 2),
        targetTokens: seededIntegers(targets, 3, vocabulary),
        bias: seeded(vocabulary, 4),
        vocabulary,
        hiddenSize,
        ...options,
      };
      const { dHidden, dHead, dBias } = tokenLogpsBackwardReference(
        problem,
        SLOPES,
      );
      assertClose(dHidden, differences(problem, "hidden"), 1e-7, "dHidden");
      assertClose(dHead, differences(problem, "head"), 1e-7, "dHead");
      assertClose(dBias, differences(problem, "bias"), 1e-7, "dBias");
      assertEquals(dHead.some((d) => d !== 0), true);
    },
  });
}
