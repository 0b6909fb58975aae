import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { drawCurves, type MetricsRow } from "../../src/report/curves.ts";
import { test } from "../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

/** Rows of a run that never was. */
export function madeUpRows(steps: number): MetricsRow[] {
  return Array.from({ length: steps }, (_, i) => i + 1).flatMap((step) => {
    const t = step / steps;
    const wave = 0.05 * Math.sin(step * 1.7) * Math.cos(step * 0.6);
    const loss = 0.12 + 0.57 * Math.exp(-3 * t);
    const row = {
      step,
      loss: loss + wave,
      learning_rate: 1e-5 * (1 - t),
      "rewards/margins": 4 * t + 8 * wave,
      "rewards/accuracies": Math.min(1, 0.5 + 0.6 * t + wave),
    };
    const evaluation = {
      step,
      eval_loss: loss + 0.03,
      "eval_rewards/margins": 3.5 * t,
      "eval_rewards/accuracies": Math.min(1, 0.5 + 0.5 * t),
    };
    return step % 25 === 0 ? [row, evaluation] : [row];
  });
}

test(
  "drawCurves() draws four panels under the run's name without any permission",
  pure,
  async () => {
    const svg = await drawCurves(madeUpRows(100), { title: "my <run>" });
    assert(svg.startsWith("<svg "));
    assertStringIncludes(svg, "my &lt;run&gt;");
    for (
      const title of [
        "Loss (nats)",
        "Reward margin",
        "Pairs with",
        "Learning rate",
      ]
    ) {
      assertStringIncludes(svg, title);
    }
    for (const series of ["train", "eval"]) {
      assertStringIncludes(
        svg,
        `>${series}<`,
      );
    }
  },
);

test("drawCurves() shows a run of one row as points", pure, async () => {
  const svg = await drawCurves([{ step: 1, loss: 0.69 }], { title: "short" });
  assertStringIncludes(svg, "mark-symbol");
  assertEquals(svg.includes("NaN"), false);
  assertEquals(svg.includes(">eval<"), false, "no legend without evaluations");
});

test(
  "drawCurves() draws token accuracy in place of rewards for supervised fine-tuning",
  pure,
  async () => {
    const rows = [1, 2, 3].map((step) => ({
      step,
      loss: 3 / step,
      mean_token_accuracy: step / 4,
      learning_rate: 1,
    }));
    const svg = await drawCurves(rows, { title: "sft" });
    assertStringIncludes(svg, "Tokens guessed right");
    assertEquals(svg.includes("Reward margin"), false);
  },
);

test("drawCurves() refuses rows with nothing to draw", pure, async () => {
  await assertRejects(
    () => drawCurves([{ step: 1 }], { title: "x" }),
    RangeError,
    'Cannot draw the curves of "x": found 1 rows',
  );
});
