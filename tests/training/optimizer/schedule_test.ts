import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  makeSchedule,
  resolveWarmupSteps,
  type ScheduleKwargs,
  type ScheduleName,
  scheduleNames,
} from "../../../src/training/optimizer/schedule.ts";
import { compared, referenceEntries } from "../../reference_dir.ts";
import { eachCase, referenceTest } from "../../reference_test_case.ts";
import { readTrajectory } from "../run/trajectory.ts";
import { test } from "../../test_case.ts";

const checks = { sanitizeOps: true, sanitizeResources: true } as const;
const pure = { ...checks, permissions: "none" } as const;

referenceTest(
  "makeSchedule() gives the learning rates of transformers",
  (context) =>
    eachCase(context, referenceEntries("trajectories"), ({ folder }) => {
      const { hyperparameters: h, steps } = readTrajectory(folder);
      const warmupSteps = resolveWarmupSteps(h.max_steps, {
        warmup_steps: h.warmup_steps,
        warmup_ratio: 0,
      });
      assertEquals(warmupSteps, h.warmup_steps_resolved);
      const rate = makeSchedule({
        lr_scheduler_type: h.lr_scheduler_type,
        lr_scheduler_kwargs: h.lr_scheduler_kwargs ?? {},
        learning_rate: h.learning_rate,
        warmupSteps,
        totalSteps: h.max_steps,
      });
      for (const [i, { log }] of steps.entries()) {
        const want = log["learning_rate"]!;
        assertAlmostEquals(rate(i), want, 1e-12 * h.learning_rate);
      }
      compared("schedules");
    }),
);

function rates(
  lr_scheduler_type: ScheduleName,
  lr_scheduler_kwargs: ScheduleKwargs = {},
): number[] {
  const rate = makeSchedule({
    lr_scheduler_type,
    lr_scheduler_kwargs,
    learning_rate: 8,
    warmupSteps: 2,
    totalSteps: 6,
  });
  return [0, 1, 2, 3, 4, 5, 6, 7].map((n) => Number(rate(n).toFixed(6)));
}

test(
  "makeSchedule() rises over warm-up and then follows its row",
  pure,
  () => {
    assertEquals(rates("linear"), [0, 4, 8, 6, 4, 2, 0, 0]);
    // 4 * (1 + cos(pi * progress)), progress 0, 1/4, 1/2, 3/4, 1, 5/4
    assertEquals(rates("cosine"), [
      0,
      4,
      8,
      6.828427,
      4,
      1.171573,
      0,
      1.171573,
    ]);
    assertEquals(rates("constant"), [8, 8, 8, 8, 8, 8, 8, 8]);
    assertEquals(rates("constant_with_warmup"), [0, 4, 8, 8, 8, 8, 8, 8]);
  },
);

test(
  "makeSchedule() keeps the floor of cosine_with_min_lr, given as rate or as share",
  pure,
  () => {
    // 2 + 6 * (1 + cos(pi * progress)) / 2
    const wanted = [0, 4, 8, 7.12132, 5, 2.87868, 2, 2.87868];
    assertEquals(rates("cosine_with_min_lr", { min_lr: 2 }), wanted);
    assertEquals(rates("cosine_with_min_lr", { min_lr_rate: 0.25 }), wanted);
  },
);

test(
  "makeSchedule() bends polynomial by its power and ends at lr_end",
  pure,
  () => {
    // 1 + 7 * (1 - progress)^2
    assertEquals(rates("polynomial", { power: 2, lr_end: 1 }), [
      0,
      4,
      8,
      4.9375,
      2.75,
      1.4375,
      1,
      1,
    ]);
  },
);

test(
  "makeSchedule() starts cosine_with_restarts anew at each cycle and ends at 0",
  pure,
  () => {
    // 4 * (1 + cos(pi * (cycles * progress mod 1))), progress 0, 1/4, 1/2, 3/4
    const wanted = [0, 4, 8, 4, 8, 4, 0, 0];
    assertEquals(rates("cosine_with_restarts", { num_cycles: 2 }), wanted);
    assertEquals(rates("cosine_with_restarts"), [
      ...[0, 4, 8, 6.828427, 4, 1.171573, 0, 0],
    ]);
  },
);

test(
  "makeSchedule() is one step ahead in cosine_warmup_with_min_lr, and rises from warmup_lr_rate",
  pure,
  () => {
    // (n + 1) / 2, then 2 + 6 * (1 + cos(pi * progress)) / 2 with progress 1/4, 1/2, 3/4, 1, 5/4,
    // 3/2
    const name = "cosine_warmup_with_min_lr";
    const falling = [7.12132, 5, 2.87868, 2, 2.87868, 5];
    assertEquals(rates(name, { min_lr: 2 }), [4, 8, ...falling]);
    // 8 * (1/4 + 3/4 * n / (2 - 1))
    assertEquals(rates(name, { min_lr_rate: 0.25, warmup_lr_rate: 0.25 }), [
      ...[2, 8],
      ...falling,
    ]);
  },
);

test(
  "makeSchedule() falls with the root of the step in inverse_sqrt",
  pure,
  () => {
    // 8 / sqrt(n / 2) after two steps of warm-up; with a timescale of 8 it is 8 / sqrt((n + 6) / 8)
    assertEquals(rates("inverse_sqrt"), [
      ...[0, 4, 8, 6.531973, 5.656854, 5.059644, 4.618802, 4.276180],
    ]);
    assertEquals(rates("inverse_sqrt", { timescale: 8 }), [
      ...[0, 4, 8, 7.542472, 7.155418, 6.822423, 6.531973, 6.275716],
    ]);
  },
);

test(
  "makeSchedule() stays high between rise and fall in warmup_stable_decay",
  pure,
  () => {
    const name = "warmup_stable_decay";
    const decay = { num_decay_steps: 2 };
    // two steps up, 6 - 2 - 2 at 8, two down to the floor
    assertEquals(rates(name, decay), [0, 4, 8, 8, 8, 4, 0, 0]);
    const linear = { warmup_type: "linear", decay_type: "linear" } as const;
    // 8 * (1/4 + 3/4 * x) with x 0, 1/2 up and 1, 1/2 down
    assertEquals(rates(name, { ...decay, ...linear, min_lr_ratio: 0.25 }), [
      ...[2, 5, 8, 8, 8, 5, 2, 2],
    ]);
    // 8 * (1 - sqrt(1 - 1/2)) up and 8 * (1 - sqrt(x)) down, x 0, 1/4, 1/2, 3/4
    const root = { warmup_type: "1-sqrt", decay_type: "1-sqrt" };
    assertEquals(
      rates(name, { num_decay_steps: 4, num_stable_steps: 1, ...root }),
      [0, 2.343146, 8, 8, 4, 2.343146, 1.071797, 0],
    );
  },
);

test(
  "makeSchedule() refuses keys and values that the schedule does not take",
  pure,
  () => {
    assertThrows(
      () => rates("linear", { power: 2 }),
      RangeError,
      'Cannot make schedule "linear" of lr_scheduler_kwargs: found "power", expected none',
    );
    assertThrows(
      () => rates("cosine_with_min_lr"),
      RangeError,
      "expected either min_lr or min_lr_rate",
    );
    assertThrows(
      () => rates("polynomial", { lr_end: 9 }),
      RangeError,
      "lr_end 9 is not below learning_rate 8",
    );
    assertThrows(
      () => rates("warmup_stable_decay", { decay_type: "steep" }),
      RangeError,
      'decay_type is "steep", expected linear, cosine, 1-sqrt; num_decay_steps is missing',
    );
    assertThrows(
      () => rates("inverse_sqrt", { timescale: 0 }),
      RangeError,
      "timescale is 0, expected a number above 0",
    );
    assertThrows(
      () => rates("cosine", { num_cycles: "many" }),
      RangeError,
      'num_cycles is "many", expected a number',
    );
  },
);

test(
  "makeSchedule() stays finite with no step beside warm-up",
  pure,
  () => {
    for (const name of scheduleNames) {
      const kwargs: ScheduleKwargs = name.endsWith("min_lr")
        ? { min_lr: 1 }
        : name === "warmup_stable_decay"
        ? { num_decay_steps: 0 }
        : {};
      const rate = makeSchedule({
        lr_scheduler_type: name,
        lr_scheduler_kwargs: kwargs,
        learning_rate: 8,
        warmupSteps: 1,
        totalSteps: 1,
      });
      assertEquals([rate(0), rate(1)].every(Number.isFinite), true, name);
    }
  },
);

test(
  "resolveWarmupSteps() takes a share below 1, rounds up, and lets steps win over the ratio",
  pure,
  () => {
    const resolve = (warmup_steps: number, warmup_ratio: number) =>
      resolveWarmupSteps(21, { warmup_steps, warmup_ratio });
    assertEquals([
      resolve(0, 0),
      resolve(0, 0.1),
      resolve(0.5, 0.1),
      resolve(4, 0.1),
    ], [0, 3, 11, 4]);
  },
);
