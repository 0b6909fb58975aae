/** The lines that a run begins and ends with. */
import { assertEquals } from "@std/assert";
import { dataLines, endLines } from "../../src/report/run_lines.ts";
import { test } from "../test_case.ts";

const RESULT = {
  step: 4,
  totalSteps: 4,
  interrupted: false,
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
