import { assertAlmostEquals, assertEquals } from "@std/assert";
import { divergenceScore } from "../../../src/training/loss/divergences.ts";
import { divergenceNames } from "../../../src/training/loss/loss_options.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

test(
  "divergenceScore() is 0 with slope 1, or 1/2 for js_divergence, where policy and reference agree",
  pure,
  () => {
    for (const f_divergence_type of divergenceNames) {
      const score = divergenceScore({
        f_divergence_type,
        f_alpha_divergence_coef: 0.5,
      });
      const [value, slope] = score(0);
      assertAlmostEquals(value, 0, 1e-15, f_divergence_type);
      assertEquals(slope, f_divergence_type === "js_divergence" ? 0.5 : 1);
    }
  },
);

test(
  "divergenceScore() of alpha_divergence is reverse_kl at alpha 1, and flat beyond an exponent of 80",
  pure,
  () => {
    const of = (f_alpha_divergence_coef: number) =>
      divergenceScore({
        f_divergence_type: "alpha_divergence",
        f_alpha_divergence_coef,
      });
    assertEquals(of(1)(-7.5), [-7.5, 1]);
    // alpha 3: (exp(2 r) - 1) / 2
    assertAlmostEquals(of(3)(0.25)[0], (Math.exp(0.5) - 1) / 2, 1e-15);
    assertEquals(of(3)(41), [Math.expm1(80) / 2, 0]);
    assertEquals(of(-1)(-50)[1], 0);
  },
);
