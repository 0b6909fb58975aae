/**
 * One batch of four pairs as TRL 1.13 computed it: log-probabilities, loss, metrics and gradients.
 * Three layouts must give them: the prompt once, two full sequences, and one pair at a time.
 */
import { assert, assertEquals } from "@std/assert";
import type { Device } from "../../../kernels/device/device.ts";
import type { Safetensors } from "../../../src/files/safetensors/safetensors.ts";
import {
  type Model,
  parameters,
  trainedWeights,
} from "../../../src/model/decoder/model.ts";
import type { TokenPair } from "../../../src/preference/tokens/token_examples.ts";
import {
  logpsOf,
  recordedLogps,
} from "../../../src/training/loop/batch_logps.ts";
import { methods } from "../../../src/training/method/methods.ts";
import { Optimizer } from "../../../src/training/optimizer/optimizer.ts";
import { FIXTURES } from "../../fixture_path.ts";
import { compared, referenceRoot } from "../../reference_dir.ts";
import { referenceGpuTest } from "../../reference_gpu_test_case.ts";
import { eachCase } from "../../reference_test_case.ts";
import { pairOptions } from "../run/trajectory.ts";
import {
  assertNear,
  BATCH,
  type BatchScene,
  openBatch,
  type Variant,
} from "./dpo_batch_scene.ts";
import { test } from "../../test_case.ts";

function assertColumn(
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  what: string,
): void {
  assertEquals(got.length, want.length, what);
  for (let i = 0; i < want.length; i++) {
    assertNear(got[i], want[i]!, `${what}[${i}]`);
  }
}

/** Chosen and rejected of each pair in turn. */
function inTurn(chosen: readonly number[], rejected: readonly number[]) {
  return chosen.flatMap((value, i) => [value, rejected[i]!]);
}

/** Loss, gradients and log-probabilities with the pairs in one batch or several. */
async function compute(
  device: Device,
  scene: BatchScene,
  variant: Variant,
  batches: readonly (readonly TokenPair[])[],
) {
  const { policy, reference } = await scene.openModels(device);
  const objective = methods.dpo.objective(pairOptions(variant.options));
  const share = { parts: batches.length, targets: 0 };
  let loss = 0;
  const columns = { policy: [], ref: [] } as Record<string, number[]>;
  const sums = { policy: [], ref: [] } as Record<string, number[]>;
  const metrics: Record<string, number>[] = [];
  for (const pairs of batches) {
    const batch = objective.batch(pairs);
    const untouched = await logpsOf(reference, batch);
    const forward = await recordedLogps(policy, batch);
    for (
      const [side, statistics] of [
        ["ref", untouched],
        ["policy", forward.statistics],
      ] as const
    ) {
      columns[side]!.push(...Array.from(statistics.logps));
      sums[side]!.push(...objective.column(batch, statistics));
    }
    const column = Float64Array.from(sums["ref"]!.slice(-batch.sequences));
    const scored = objective.score(batch, forward.statistics, column, share);
    forward.backward(scored.slopes);
    loss += scored.loss;
    metrics.push({ ...scored.metrics, num_tokens: batch.attendedTokens });
  }
  return { policy, loss, columns, sums, metrics };
}

async function check(
  device: Device,
  scene: BatchScene,
  variant: Variant,
  layout: (pairs: readonly TokenPair[]) => readonly (readonly TokenPair[])[],
): Promise<void> {
  const batches = layout(scene.pairs(variant));
  const result = await compute(device, scene, variant, batches);
  const { policy, loss, columns, sums, metrics } = result;
  for (const side of ["policy", "ref"] as const) {
    assertColumn(columns[side]!, await scene.tokenLogps(variant, side), side);
    assertColumn(
      sums[side]!,
      inTurn(
        variant[`${side}_chosen_logps`],
        variant[`${side}_rejected_logps`],
      ),
      `${side} sums`,
    );
  }
  assertNear(loss, variant.loss, "loss", { floor: 0 });
  if (metrics.length === 1) {
    for (const [name, want] of Object.entries(variant.metrics)) {
      const extra = name.startsWith("rewards/") ? 2e-5 : 0;
      assertNear(metrics[0]![name], want, name, { extra });
    }
  }
  const optimizer = new Optimizer(device, trainedWeights(policy), {
    optim: "sgd",
    weight_decay: 0,
    adam_beta1: 0,
    adam_beta2: 0,
    adam_epsilon: 0,
  });
  const norm = await optimizer.gradientNorm();
  assertNear(norm, variant.grad_norm_all_parameters, "gradient norm", {
    floor: 0,
  });
  if (variant.name === "default") {
    await assertGradients(device, policy, await scene.openGradients());
  }
  compared("dpo_batch");
}

async function assertGradients(
  device: Device,
  policy: Model,
  grads: Safetensors,
): Promise<void> {
  const trained = parameters(policy);
  assertEquals(
    trained.map(({ name }) => name).sort(),
    [...grads.tensors.keys()].sort(),
  );
  for (const { name, gradient } of trained) {
    const want = new Float32Array((await grads.read(name)).buffer);
    const got = await device.read(gradient);
    const distance = Math.hypot(...want.map((value, i) => value - got[i]!));
    const norm = Math.hypot(...want);
    assert(
      distance <= 1e-4 * norm,
      `d${name} is off by ${distance} of ${norm}`,
    );
  }
}

type Layout = Parameters<typeof check>[3];

const LAYOUTS: readonly [how: string, onlyDefault: boolean, Layout][] = [
  ["with the prompt once", false, (pairs) => [pairs]],
  [
    "as two full sequences",
    true,
    (pairs) => [pairs.map((pair) => ({ ...pair, sharedLength: 0 }))],
  ],
  ["one pair at a time", true, (pairs) => pairs.map((pair) => [pair])],
];

for (const [how, onlyDefault, layout] of LAYOUTS) {
  await referenceGpuTest(
    `dpo_batch laid out ${how} equals TRL's`,
    (device, context) => {
      const scene = openBatch(referenceRoot(BATCH));
      const served = scene.variants.filter(({ name }) =>
        !onlyDefault || name === "default"
      );
      return eachCase(
        context,
        served,
        (variant) => check(device, scene, variant, layout),
        device,
      );
    },
  );
}

test(
  "the subset of the reference has a variant of each kind of dpo_batch",
  { permissions: { read: [FIXTURES] } },
  () => {
    const names = openBatch(FIXTURES).variants.map(({ name }) => name);
    const kinds = ["default", "ipo", "ld_alpha", "wpo", "rpo", "aot"];
    assertEquals(kinds.filter((one) => !names.includes(one)), []);
    assert(names.some((name) => name.endsWith("keep_end")));
  },
);
