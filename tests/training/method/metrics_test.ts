import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertThrows,
} from "@std/assert";
import { Meter } from "../../../src/training/loop/meter.ts";
import {
  answerTokenMetrics,
  batchLoss,
  evaluationMetrics,
  preferenceMetrics,
  supervisedMetrics,
} from "../../../src/training/method/metrics.ts";
import {
  pairLogps,
  sumBySequence,
} from "../../../src/training/loss/token_sums.ts";
import { compared, referenceJson } from "../../reference_dir.ts";
import { referenceTest } from "../../reference_test_case.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

// two pairs: chosen of pair 0, rejected of pair 0, chosen of pair 1, rejected of pair 1
const tokens = {
  targetSequence: Uint32Array.of(0, 0, 1, 2, 3, 3),
  logps: Float32Array.of(-1, -2, -4, -0.5, -3, -1),
  meanLogits: Float32Array.of(1, 2, 3, 6, 5, 7),
  entropies: Float32Array.of(1, 1, 2, 2, 3, 3),
  correct: Uint8Array.of(1, 0, 1, 1, 0, 0),
  sumSquares: new Float32Array(6).fill(0.5),
};

function twoPairs() {
  const reference = Float64Array.of(-4, -4, -1, -6);
  return pairLogps(sumBySequence(tokens, 4), reference);
}

test(
  "preferenceMetrics() gives TRL's names with means over pairs and over tokens",
  pure,
  () => {
    // rewards: chosen 0.5 * (-3+4, -0.5+1), rejected 0.5 * (-4+4, -4+6)
    assertEquals(preferenceMetrics(twoPairs(), tokens, { beta: 0.5 }), {
      "rewards/chosen": (0.5 + 0.25) / 2,
      "rewards/rejected": (0 + 1) / 2,
      "rewards/accuracies": 0.5,
      "rewards/margins": (0.5 - 0.75) / 2,
      "logps/chosen": (-3 - 0.5) / 2,
      "logps/rejected": -4,
      "logits/chosen": (1 + 2 + 6) / 3, // over tokens, not over pairs
      "logits/rejected": (3 + 5 + 7) / 3,
      "entropy": 12 / 6,
      "mean_token_accuracy": 2 / 3, // chosen tokens alone
    });
  },
);

test("preferenceMetrics() counts a tie as no win", pure, () => {
  const { sums, lengths } = sumBySequence(tokens, 4);
  const same = pairLogps({ sums, lengths }, sums);
  const metrics = preferenceMetrics(same, tokens, { beta: 0.1 });
  assertEquals([metrics["rewards/accuracies"], metrics["rewards/margins"]], [
    0,
    0,
  ]);
});

test("supervisedMetrics() averages over all trained tokens", pure, () => {
  assertEquals(supervisedMetrics(tokens), {
    entropy: 2,
    mean_token_accuracy: 3 / 6,
  });
});

interface LossCase {
  config: { beta: number };
  input_set: string;
  metrics: Record<string, number>;
}
interface LossTable {
  inputs: Record<string, Record<string, number[]>>;
  cases: LossCase[];
}

function checkLossCase(one: LossCase, { inputs }: LossTable): void {
  const column = (name: string) =>
    Float64Array.from(inputs[one.input_set]![name]!);
  const inTurn = (name: string) => {
    const [chosen, rejected] = [`chosen_${name}`, `rejected_${name}`];
    return Array.from(column(chosen), (x, i) => [x, column(rejected)[i]!])
      .flat();
  };
  const sums = { sums: inTurn("logps"), lengths: inTurn("lens") };
  const logps = {
    ...pairLogps(sums, new Float64Array()),
    referenceChosen: column("ref_chosen_logps"),
    referenceRejected: column("ref_rejected_logps"),
  };
  const noTokens = {
    logps: [],
    meanLogits: [],
    entropies: [],
    correct: [],
    sumSquares: [],
    targetSequence: [],
  };
  const { beta } = one.config;
  const found = preferenceMetrics(logps, noTokens, { beta });
  for (const [name, want] of Object.entries(one.metrics)) {
    if (!/^(rewards|logps)/.test(name)) continue;
    const bound = 1e-6 * Math.abs(want) + 1e-7;
    assertAlmostEquals(found[name] ?? NaN, want, bound, name);
  }
  compared("dpo_losses metrics");
}

referenceTest("preferenceMetrics() equals TRL's rewards and logps", () => {
  const table: LossTable = referenceJson("dpo_losses.json");
  assert(table.cases.length > 0);
  for (const one of table.cases) checkLossCase(one, table);
});

test(
  "answerTokenMetrics() splits answers by label and leaves mismatched ones out",
  pure,
  () => {
    // row 0 is sequences 0 and 1, row 1 is 2 and 3
    assertEquals(answerTokenMetrics(tokens, Uint8Array.of(1, 0)), {
      "logits/chosen": (1 + 2) / 2,
      "logits/rejected": 6,
      "entropy": (1 + 1 + 2) / 3,
    });
    assertEquals(answerTokenMetrics(tokens, Uint8Array.of(0, 0)), {
      "logits/rejected": (1 + 2 + 6) / 3,
      "entropy": (1 + 1 + 2) / 3,
    });
  },
);

test(
  "Meter averages a name over the micro-batches that have it",
  pure,
  () => {
    const meter = new Meter();
    meter.addMicroBatch({ kl: 1, "rewards/chosen": 5 }, 1);
    meter.addMicroBatch({ kl: 3 }, 1);
    meter.addStep({ loss: 0.5, grad_norm: 3, learning_rate: 0 });
    const row = meter.take({ step: 1, epoch: 1 });
    assertEquals([row.kl, row["rewards/chosen"]], [2, 5]);
  },
);

test(
  "Meter averages micro-batches alike, losses over steps, and keeps the running token count",
  pure,
  () => {
    const meter = new Meter();
    meter.addMicroBatch({ "rewards/margins": 1 }, 10);
    meter.addMicroBatch({ "rewards/margins": 2 }, 20);
    meter.addStep({ loss: 0.5, grad_norm: 3, learning_rate: 0 });
    meter.addMicroBatch({ "rewards/margins": 6 }, 5);
    meter.addStep({ loss: 0.7, grad_norm: 4, learning_rate: 0.1 });
    assertEquals(meter.take({ step: 2, epoch: 0.5 }), {
      step: 2,
      epoch: 0.5,
      loss: 0.6,
      grad_norm: 4,
      learning_rate: 0.1,
      "rewards/margins": 3,
      num_tokens: 35,
    });
    meter.addMicroBatch({ "rewards/margins": 7 }, 1);
    meter.addStep({ loss: 1, grad_norm: 1, learning_rate: 1 });
    const row = meter.take({ step: 3, epoch: 0.75 });
    assertEquals([row["rewards/margins"], row["num_tokens"], row["loss"]], [
      7,
      36,
      1,
    ]);
  },
);

test(
  "Meter goes on exactly from its state after a trip through JSON",
  pure,
  () => {
    const run = (stop: boolean) => {
      let meter = new Meter();
      meter.addMicroBatch({ entropy: 0.1 }, 3);
      meter.addStep({ loss: 0.1, grad_norm: 1, learning_rate: 1 });
      if (stop) meter = new Meter(JSON.parse(JSON.stringify(meter.state)));
      meter.addMicroBatch({ entropy: 0.2 }, 4);
      meter.addStep({ loss: 0.2, grad_norm: 2, learning_rate: 2 });
      return meter.take({ step: 2, epoch: 1 });
    };
    assertEquals(run(true), run(false));
  },
);

test("Meter refuses a line without a step", pure, () => {
  assertThrows(
    () => new Meter().take({ step: 1, epoch: 0 }),
    RangeError,
    "Cannot log step 1",
  );
});

test(
  "evaluationMetrics() weights the loss by batch size and nothing else",
  pure,
  () => {
    assertEquals(
      evaluationMetrics([
        {
          size: 3,
          loss: 1,
          metrics: { "rewards/margins": 1 },
          attendedTokens: 5,
        },
        {
          size: 1,
          loss: 5,
          metrics: { "rewards/margins": 2 },
          attendedTokens: 2,
        },
      ]),
      { eval_loss: 2, "eval_rewards/margins": 1.5, eval_num_tokens: 7 },
    );
    assertThrows(() => evaluationMetrics([]), RangeError, "found no batch");
    assertEquals(batchLoss({ losses: Float64Array.of(1, 2) }), 1.5);
  },
);
