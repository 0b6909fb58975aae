/** The lines that a run begins and ends with. */
import { assertEquals } from "@std/assert";
import { dataLines, endLines, rowLine } from "../../src/report/run_lines.ts";
import { test } from "../test_case.ts";

const RESULT = {
  step: 4,
  totalSteps: 4,
  interrupted: false,
  skippedAtEnd: 0,
  stoppedEarly: false,
  weightsOf: 4,
  rows: [],
  wreck: undefined,
  peakBytes: 0,
};
const WRECK = { step: 2, signs: ["loss 9.8 is above"] };
const LINE =
  "wrecked at step 2: loss 9.8 is above; lower learning_rate, or look at the data";

test("endLines() calls a run done unless its last rows are wrecked", () => {
  assertEquals(endLines(RESULT, "output/a"), ["done: output/a"]);
  const wreck = { first: WRECK, last: WRECK };
  assertEquals(endLines({ ...RESULT, wreck }, "output/a"), [
    LINE,
    "ended wrecked: output/a",
  ]);
  const passed = { first: WRECK, last: undefined };
  assertEquals(endLines({ ...RESULT, wreck: passed }, "output/a"), [
    `${LINE}; its last rows are sound again`,
    "done: output/a",
  ]);
});

test("endLines() tells of the steps that were skipped last", () => {
  assertEquals(endLines({ ...RESULT, skippedAtEnd: 2 }, "output/a"), [
    "the last 2 steps were skipped; lower learning_rate, or look at the data",
    "done: output/a",
  ]);
});

test("dataLines() counts examples where rows hold several", () => {
  const none = { count: 0, where: [] };
  const report = {
    sources: [],
    formats: {},
    beyond: 0,
    dropped: {},
    told: {},
    unread: [],
    moved: none,
    cut: none,
    lengths: {},
    tokens: { full: 0, computed: 0 },
  };
  const first = (kept: number) =>
    dataLines("training", { ...report, rows: 2, kept })[0];
  assertEquals(first(2), "training: 2 of 2 rows kept");
  assertEquals(first(12), "training: 12 examples of 2 rows kept");
});

test(
  "dataLines() tells what was left out, decided, held out and not read",
  () => {
    const none = { count: 0, where: [] };
    const at = (...lines: number[]) => ({
      count: lines.length,
      where: lines.map((line) => `"a.jsonl" line ${line}`),
    });
    const lines = dataLines("training", {
      sources: [{ path: "a.jsonl", rows: 20, taken: 18 }],
      formats: { "explicit prompt": 18 },
      rows: 18,
      kept: 16,
      beyond: 0,
      dropped: { "answers equal as tokens": at(3, 5) },
      told: { "no_common_prompt, trained without a prompt": at(7) },
      limited: { rows: 2, of: 20, wanted: 100 },
      unread: ["id", "source"],
      moved: none,
      cut: none,
      lengths: {},
      tokens: { full: 0, computed: 0 },
    });
    assertEquals(lines, [
      "training: 16 of 18 rows kept",
      "  dropped, answers equal as tokens: 2 (line 3, line 5)",
      "  no_common_prompt, trained without a prompt: 1 (line 7)",
      "  kept for evaluation: 2 of 20 rows, not 100: the file is small",
      '  columns not read: "id", "source"',
    ]);
  },
);

test("rowLine() leaves out what does not fit into the columns", () => {
  const row = { step: 4, epoch: 0.5, loss: 0.25, grad_norm: 1.5 };
  const whole = "step 4  epoch 0.50  loss 0.25  grad_norm 1.5";
  assertEquals(rowLine(row), whole);
  assertEquals(rowLine(row, whole.length), whole);
  assertEquals(rowLine(row, 40), "step 4  epoch 0.50  loss 0.25");
});
