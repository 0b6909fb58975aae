/**
 * One batch of four pairs as TRL 1.13 computed it: log-probabilities, loss, metrics and gradients. Three layouts must
 * give them: the prompt once, two full sequences, and one pair at a time.
 */
import { assert, assertEquals } from "@std/assert";
import type { Device } from "../../../kernels/device/device.ts";
import { openSafetensors } from "../../../src/files/safetensors/safetensors.ts";
import {
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
import { gpuTest } from "../../kernels/gpu_test_case.ts";
import { compared, referencePath } from "../../reference_dir.ts";
import {
  assertNear,
  goldenTokenLogps,
  openModels,
  sceneFolders,
  type Variant,
  variantPairs,
  variants,
} from "./dpo_batch_scene.ts";

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
  variant: Variant,
  batches: readonly (readonly TokenPair[])[],
) {
  const { policy, reference } = await openModels(device);
  const objective = methods.dpo.objective(variant.options);
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
  variant: Variant,
  layout: (pairs: readonly TokenPair[]) => readonly (readonly TokenPair[])[],
): Promise<void> {
  const result = await compute(device, variant, layout(variantPairs(variant)));
  const { policy, loss, columns, sums, metrics } = result;
  for (const side of ["policy", "ref"] as const) {
    assertColumn(columns[side]!, await goldenTokenLogps(variant, side), side);
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
    ...{ optim: "sgd", weight_decay: 0 },
    ...{ adam_beta1: 0, adam_beta2: 0, adam_epsilon: 0 },
  });
  const norm = await optimizer.gradientNorm();
  assertNear(norm, variant.grad_norm_all_parameters, "gradient norm", {
    floor: 0,
  });
  if (variant.name === "default") await assertGradients(device, policy);
  compared("dpo_batch");
}

async function assertGradients(
  device: Device,
  policy: Parameters<typeof parameters>[0],
): Promise<void> {
  const path = referencePath("dpo_batch/default_grads.safetensors")!;
  const grads = await openSafetensors(path);
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

const onlyDefault = variants.filter(({ name }) => name === "default");

const LAYOUTS = [
  ["with the prompt once", variants, (pairs) => [pairs]],
  [
    "as two full sequences",
    onlyDefault,
    (pairs) => [pairs.map((pair) => ({ ...pair, sharedLength: 0 }))],
  ],
  [
    "one pair at a time",
    onlyDefault,
    (pairs) => pairs.map((pair) => [pair]),
  ],
] as const satisfies readonly (readonly [
  string,
  readonly Variant[],
  Parameters<typeof check>[2],
])[];

for (const [how, served, layout] of LAYOUTS) {
  for (const variant of served) {
    await gpuTest(
      `dpo_batch ${variant.name} laid out ${how} equals TRL's`,
      (device) => check(device, variant, layout),
      { read: sceneFolders },
    );
  }
}

Deno.test({
  name: `dpo_batch gives ${variants.length} variants${
    variants.length === 0 ? " (skipped: no reference)" : ""
  }`,
  ignore: variants.length === 0,
  permissions: "none",
  fn() {
    const names = variants.map(({ name }) => name);
    for (const one of ["default", "ipo", "ld_alpha", "wpo", "rpo", "aot"]) {
      assert(names.includes(one), one);
    }
    assert(names.some((name) => name.endsWith("keep_end")));
  },
});
