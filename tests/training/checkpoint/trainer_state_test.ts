/** No number of a checkpoint's state is believed that cannot be, manifest or not. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { readState } from "../../../src/training/checkpoint/trainer_state.ts";
import { FRESH } from "../../../src/training/loop/trainer.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";

const OPTIONS = { permissions: { read: [TEMPORARY], write: [TEMPORARY] } };

const METER = {
  tokens: 3,
  sums: { a: 1, b: null },
  counts: { a: 1, b: 1 },
  steps: 1,
  lossSum: 0.5,
  last: { loss: 0.5, grad_norm: 1, learning_rate: 0 },
};

const STATE = { version: 1, ...FRESH, step: 8, meter: METER };

/** Reads `checkpoint-8` with this state. */
async function read(state: unknown) {
  await using folder = await temporaryFolder();
  await Deno.mkdir(folder.file("checkpoint-8"));
  const { good: _, ...rest } = state as typeof STATE;
  await folder.write("checkpoint-8/trainer_state.json", JSON.stringify(rest));
  return await readState(folder.file("checkpoint-8"));
}

test(
  "readState() gives what was written, and NaN where JSON has null",
  OPTIONS,
  async () => {
    const { step, meter, good } = await read(STATE);
    assertEquals(step, 8);
    assertEquals(meter!.sums, { a: 1, b: NaN });
    // a checkpoint that does not say is taken to be good
    assertEquals([good.saved, good.untried], [8, 8]);
  },
);

test(
  "readState() refuses each number that cannot be, by its name",
  OPTIONS,
  async () => {
    const wrong = {
      version: [{ version: 2 }],
      step: [
        { step: 6 },
        { step: "8" },
        { step: 1e9 },
        { step: null },
        { step: 0 },
        { step: 8.5 },
      ],
      guard: [
        { guard: null },
        { guard: [] },
        { guard: {} },
        { guard: { skipped: 100, inARow: 0 } },
        { guard: { skipped: 1, inARow: -1 } },
        { guard: { skipped: null, inARow: 0 } },
      ],
      meter: [
        { meter: "x" },
        { meter: { a: 1 } },
        { meter: { ...METER, tokens: null } },
        { meter: { ...METER, sums: { a: "1" } } },
        { meter: { ...METER, counts: [1] } },
        { meter: { ...METER, last: { loss: null } } },
        { meter: { ...METER, skipped: -1 } },
      ],
      best: [
        { best: { x: 1 } },
        {
          best: {
            best_metric: 1,
            best_global_step: 9,
            early_stopping_patience_counter: 0,
          },
        },
      ],
    };
    for (const [name, cases] of Object.entries(wrong)) {
      for (const one of cases) {
        const { message } = await assertRejects(
          () => read({ ...STATE, ...one }),
          TypeError,
          'checkpoint-8/trainer_state.json": ',
        );
        assert(message.includes(`"${name}`), `${name}: ${message}`);
      }
    }
  },
);
