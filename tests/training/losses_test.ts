import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertThrows,
} from "@std/assert";
import {
  type LossName,
  lossNames,
  lossRows,
  type PairLogps,
  preferenceLoss,
  type PreferenceLossOptions,
  startingLoss,
} from "../../src/training/losses.ts";
import { batchLoss } from "../../src/training/metrics.ts";
import { compared, referencePath } from "../reference_dir.ts";

const checks = { sanitizeOps: true, sanitizeResources: true } as const;
const pure = { ...checks, permissions: "none" } as const;

interface Case {
  config: Record<string, unknown>;
  input_set: string;
  computed_in: "float64" | "float32";
  per_example: number[];
  loss: number;
  grad_chosen_logps: number[];
  grad_rejected_logps: number[];
}
interface Table {
  inputs: Record<string, Record<string, number[]>>;
  cases: Case[];
}

const path = referencePath("dpo_losses.json");
const table: Table | undefined = path === undefined
  ? undefined
  : JSON.parse(Deno.readTextFileSync(path));

function namesOf({ config }: Case): string[] {
  const { loss_type } = config;
  return Array.isArray(loss_type) ? loss_type : [String(loss_type)];
}

/** Cases of losses and options in our table; TRL ignores label_smoothing where cDPO does not, so those stay out. */
function isServed(one: Case): boolean {
  const { label_smoothing, ...config } = one.config;
  return namesOf(one).every((name) => Object.hasOwn(lossRows, name)) &&
    Object.keys(config).every((key) =>
      ["loss_type", "loss_weights", "beta"].includes(key)
    ) &&
    (label_smoothing === undefined || label_smoothing === 0 ||
      !namesOf(one).includes("sigmoid"));
}

function logpsOf(inputs: Record<string, number[]>): PairLogps {
  const column = (name: string) => Float64Array.from(inputs[name] ?? []);
  return {
    chosen: column("chosen_logps"),
    rejected: column("rejected_logps"),
    referenceChosen: column("ref_chosen_logps"),
    referenceRejected: column("ref_rejected_logps"),
    chosenLengths: column("chosen_lens"),
    rejectedLengths: column("rejected_lens"),
  };
}

function optionsOf(one: Case): PreferenceLossOptions {
  const { beta, label_smoothing, loss_weights } = one.config;
  return {
    loss_type: namesOf(one) as LossName[],
    loss_weights: Array.isArray(loss_weights) ? loss_weights : null,
    beta: Number(beta),
    label_smoothing: Number(label_smoothing ?? 0),
  };
}

function assertClose(
  found: ArrayLike<number>,
  wanted: ArrayLike<number>,
  { tolerance, what }: { tolerance: number; what: string },
): void {
  assertEquals(found.length, wanted.length, what);
  for (let i = 0; i < wanted.length; i++) {
    const want = wanted[i] ?? NaN;
    const error = Math.abs((found[i] ?? NaN) - want);
    assert(
      error <= tolerance * Math.abs(want) + 1e-12,
      `${what}[${i}]: ${found[i]}, wanted ${want}`,
    );
  }
}

const served = table?.cases.filter(isServed) ?? [];

Deno.test({
  name:
    `preferenceLoss() equals TRL in losses and gradients, ${served.length} of ${
      table?.cases.length ?? 0
    } reference cases`,
  ignore: served.length === 0,
  ...pure,
  fn() {
    for (const one of served) {
      const logps = logpsOf(table?.inputs[one.input_set] ?? {});
      const result = preferenceLoss(logps, optionsOf(one));
      const what = `${JSON.stringify(one.config)} on ${one.input_set}`;
      const tolerance = one.computed_in === "float64" ? 1e-6 : 1e-4;
      const pairs = result.losses.length;
      assertClose(result.losses, one.per_example, { tolerance, what });
      assertClose([batchLoss(result)], [one.loss], { tolerance, what });
      // TRL's gradients are of the mean over pairs, ours of the sum
      const mean = (slope: number) => slope / pairs;
      assertClose(result.chosenSlopes.map(mean), one.grad_chosen_logps, {
        tolerance,
        what,
      });
      assertClose(result.rejectedSlopes.map(mean), one.grad_rejected_logps, {
        tolerance,
        what,
      });
      compared("dpo_losses");
    }
  },
});

const five: PairLogps = {
  chosen: Float64Array.of(-31.2, -4.1, -12.5, -60.25, -8.3),
  rejected: Float64Array.of(-35.1, -9.7, -11.25, -50.5, -8.2),
  referenceChosen: Float64Array.of(-30.3, -6.2, -13.1, -55.75, -8.1),
  referenceRejected: Float64Array.of(-30.9, -9.1, -12.7, -58.5, -8.9),
  chosenLengths: Float64Array.of(12, 3, 5, 21, 2),
  rejectedLengths: Float64Array.of(11, 4, 9, 17, 2),
};

for (const name of lossNames) {
  for (const label_smoothing of [0, 0.2]) {
    Deno.test(
      `lossRows.${name} has the slopes of its central differences at label_smoothing ${label_smoothing}`,
      pure,
      () => {
        const options = { beta: 0.3, label_smoothing };
        const step = 1e-5;
        const { chosenSlopes, rejectedSlopes } = lossRows[name].compute(
          five,
          options,
        );
        const sum = (key: "chosen" | "rejected", i: number, by: number) => {
          const moved = five[key].with(i, (five[key][i] ?? NaN) + by);
          return lossRows[name].compute({ ...five, [key]: moved }, options)
            .losses
            .reduce((a, b) => a + b);
        };
        for (let i = 0; i < 5; i++) {
          for (
            const [key, slopes] of [["chosen", chosenSlopes], [
              "rejected",
              rejectedSlopes,
            ]] as const
          ) {
            const slope = (sum(key, i, step) - sum(key, i, -step)) / (2 * step);
            assertAlmostEquals(
              slopes[i] ?? NaN,
              slope,
              1e-7 * (1 + Math.abs(slope)),
            );
          }
        }
      },
    );
  }
}

Deno.test(
  "lossRows says of each loss truly whether label_smoothing changes it",
  pure,
  () => {
    for (const name of lossNames) {
      const at = (
        label_smoothing: number,
      ) => [
        ...lossRows[name].compute(five, { beta: 0.1, label_smoothing }).losses,
      ];
      const changed = JSON.stringify(at(0)) !== JSON.stringify(at(0.25));
      assertEquals(changed, lossRows[name].smooths, name);
    }
  },
);

Deno.test(
  "lossRows.sigmoid at label_smoothing 1/2 is least at margin 0",
  pure,
  () => {
    const loss = (margin: number) =>
      lossRows.sigmoid.compute({
        ...five,
        chosen: five.referenceChosen.map((x) => x + margin),
        rejected: five.referenceRejected,
      }, { beta: 1, label_smoothing: 0.5 }).losses[0] ?? NaN;
    assertAlmostEquals(loss(0), Math.LN2, 1e-15);
    assert(loss(0) < loss(0.1) && loss(0) < loss(-0.1));
  },
);

Deno.test(
  "lossRows.sigmoid stays finite where exp would overflow",
  pure,
  () => {
    const far = (x: number) =>
      lossRows.sigmoid.compute({ ...five, chosen: five.chosen.map(() => x) }, {
        beta: 1,
        label_smoothing: 0,
      });
    assert(far(-5000).losses.every((x) => Number.isFinite(x) && x > 4000));
    assert(far(-5000).chosenSlopes.every((x) => Math.abs(x + 1) < 1e-12));
    assert(far(5000).losses.every((x) => x === 0));
  },
);

Deno.test(
  "startingLoss() is ln 2 for sigmoid, 1/(2 beta)^2 for ipo and 1 for hinge",
  pure,
  () => {
    const start = (
      loss_type: LossName[],
      loss_weights: number[] | null = null,
    ) =>
      startingLoss({ loss_type, loss_weights, beta: 0.1, label_smoothing: 0 });
    assertEquals(start(["sigmoid"]), Math.LN2);
    assertEquals(start(["ipo"]), 25);
    assertEquals(start(["hinge"]), 1);
    assertAlmostEquals(
      start(["sigmoid", "hinge"], [0.5, 2]),
      0.5 * Math.LN2 + 2,
      1e-15,
    );
  },
);

Deno.test("preferenceLoss() refuses arrays of different lengths", pure, () => {
  assertThrows(
    () =>
      preferenceLoss({ ...five, rejected: Float64Array.of(1) }, {
        loss_type: ["sigmoid"],
        loss_weights: null,
        beta: 0.1,
        label_smoothing: 0,
      }),
    RangeError,
    "Cannot compute the loss: found arrays of 5, 1, 5, 5, 5, 5 pairs, expected one length",
  );
});
