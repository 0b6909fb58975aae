/** The reference's column as the data gives it: on all rows or none, and never a score. */
import {
  assertAlmostEquals,
  assertEquals,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { givenReference } from "../../../src/training/reference/given_reference.ts";
import {
  LORA,
  PAIRS,
  readMetrics,
  runTest,
  writeRows,
} from "../run/run_scene.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;
const row = (line: number) => ({
  line,
  referenceLogps: { chosen: -line, rejected: -line - 0.5 },
});

test(
  "givenReference() takes the column of all rows, of none, and refuses the column of some",
  pure,
  () => {
    assertEquals(
      givenReference([row(1), row(2)]),
      Float64Array.of(-1, -1.5, -2, -2.5),
    );
    assertEquals(givenReference([{ line: 1 }, { line: 2 }]), undefined);
    assertEquals(givenReference([]), undefined);
    assertThrows(
      () => givenReference([row(1), { line: 2 }]),
      TypeError,
      "the row of line 2 has no",
    );
  },
);

await runTest(
  "runTraining() takes no score for a log-probability, and names the row",
  async ({ path, train }) => {
    const rows = PAIRS.map((pair, i) => ({
      ...pair,
      ref_chosen_logps: i === 2 ? 7.5 : -7,
      ref_rejected_logps: -3.5,
    }));
    writeRows(path("scores.jsonl"), rows);
    const dataset = path("scores.jsonl");
    await assertRejects(
      () => train("scores", { ...LORA, dataset, max_steps: 1 }),
      Error,
      `"${dataset}" line 3: "ref_chosen_logps" is 7.5, expected a log-probability of at most 0`,
    );
  },
);

await runTest(
  "runTraining() refuses two references at once",
  async ({ path, train }) => {
    const rows = PAIRS.map((pair) => ({
      ...pair,
      ref_chosen_logps: -7,
      ref_rejected_logps: -3.5,
    }));
    writeRows(path("given.jsonl"), rows);
    const dataset = path("given.jsonl");
    await assertRejects(
      () => train("two", { ...LORA, dataset, sync_ref_model: true }),
      TypeError,
      'Cannot take the reference from "sync_ref_model": the data gives',
    );
  },
);

await runTest(
  "runTraining() trains against the reference that the data gives",
  async ({ path, train }) => {
    const given = PAIRS.map((pair) => ({
      ...pair,
      ref_chosen_logps: -7,
      ref_rejected_logps: -3.5,
    }));
    writeRows(path("given.jsonl"), given);
    const dataset = path("given.jsonl");
    await train("given", { ...LORA, dataset, max_steps: 1, beta: 0.1 });
    const [row] = readMetrics(path("given"));
    const logps = row!["logps/chosen"]! - row!["logps/rejected"]!;
    const margin = 0.1 * (logps - (-7 + 3.5));
    assertAlmostEquals(row!["rewards/margins"]!, margin, 1e-5);
  },
);
