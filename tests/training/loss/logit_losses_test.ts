/**
 * TRL's losses from logits to the gradient of the logits: mixtures with `sft`, WPO weights, LD-DPO,
 * sorted losses. The statistics that the device would report are made here in float64.
 */
import { assert, assertEquals } from "@std/assert";
import { openSafetensors } from "../../../src/files/safetensors/safetensors.ts";
import type { Batch } from "../../../src/preference/tokens/batch.ts";
import {
  type TokenPair,
  tokenPair,
} from "../../../src/preference/tokens/token_examples.ts";
import type { LossName } from "../../../src/training/loss/losses.ts";
import type { Metrics } from "../../../src/training/method/metrics.ts";
import type { TargetStatistics } from "../../../src/training/loss/token_sums.ts";
import { methods } from "../../../src/training/method/methods.ts";
import { compared, referenceJson, referencePath } from "../../reference_dir.ts";
import { referenceTest } from "../../reference_test_case.ts";

interface Case {
  readonly config: {
    readonly loss_type: LossName | readonly LossName[];
    readonly loss_weights?: readonly number[];
    readonly beta: number;
    readonly ld_alpha?: number;
    readonly use_weighting?: boolean;
  };
  readonly grad_tensor: string;
  readonly loss: number;
  readonly metrics: Metrics;
}

/** The cases' logits and tokens; rows are chosen of all pairs, then rejected. */
async function openScene() {
  const file = await openSafetensors(
    referencePath("dpo_losses_logit_level.safetensors"),
  );
  const read = async (name: string) => (await file.read(name)).buffer;
  const [rows = 0, width = 0, vocabulary = 0] =
    file.tensors.get("policy_logits")!.shape;
  const ids = new Int32Array(await read("input_ids"));
  const attended = new Int32Array(await read("attention_mask"));
  const trained = new Int32Array(await read("completion_mask"));
  const sequence = (row: number) => {
    const own = (
      column: Int32Array,
    ) => [...column.subarray(row * width, (row + 1) * width)];
    const length = own(attended).filter((x) => x === 1).length;
    return {
      ids: own(ids).slice(0, length),
      completionStart: own(trained).indexOf(1),
    };
  };
  const pairs: TokenPair[] = Array.from(
    { length: rows / 2 },
    (_, i) => tokenPair(sequence(i), sequence(rows / 2 + i), i + 1),
  );
  const logits = async (name: string) => new Float32Array(await read(name));
  return {
    pairs,
    rows,
    width,
    vocabulary,
    policy: await logits("policy_logits"),
    reference: await logits("ref_logits"),
    gradient: logits,
  };
}

type Scene = Awaited<ReturnType<typeof openScene>>;

/** Where the logits that predict each target begin. */
function targetOffsets(
  { targetSequence }: Batch,
  { pairs, rows, width, vocabulary }: Scene,
): number[] {
  const seen = new Map<number, number>();
  return Array.from(targetSequence, (one) => {
    const pair = pairs[one >> 1]!;
    const { completionStart } = one % 2 === 0 ? pair.chosen : pair.rejected;
    const k = seen.get(one) ?? 0;
    seen.set(one, k + 1);
    const row = (one >> 1) + (one % 2) * (rows / 2);
    return (row * width + completionStart - 1 + k) * vocabulary;
  });
}

function probabilities(
  logits: Float32Array,
  offset: number,
  vocabulary: number,
): number[] {
  const own = [...logits.subarray(offset, offset + vocabulary)];
  const most = Math.max(...own);
  const sum = own.reduce((total, x) => total + Math.exp(x - most), 0);
  return own.map((x) => Math.exp(x - most) / sum);
}

function statisticsOf(
  logits: Float32Array,
  batch: Batch,
  scene: Scene,
): TargetStatistics {
  const { vocabulary } = scene;
  const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);
  const offsets = targetOffsets(batch, scene);
  const each = offsets.map((offset, t) => {
    const p = probabilities(logits, offset, vocabulary);
    const target = batch.targetTokens[t]!;
    return {
      logp: Math.log(p[target]!),
      meanLogit: sum([...logits.subarray(offset, offset + vocabulary)]) /
        vocabulary,
      entropy: -sum(p.map((x) => x * Math.log(x))),
      correct: Number(p.indexOf(Math.max(...p)) === target),
      sumSquare: sum(p.map((x) => x * x)),
    };
  });
  return {
    logps: each.map(({ logp }) => logp),
    meanLogits: each.map(({ meanLogit }) => meanLogit),
    entropies: each.map(({ entropy }) => entropy),
    correct: each.map(({ correct }) => correct),
    sumSquares: each.map(({ sumSquare }) => sumSquare),
    targetSequence: batch.targetSequence,
  };
}

/** d loss / d logits: slope * (1[v = target] - p(v)) at each target, 0 elsewhere. */
function logitGradient(
  slopes: Float32Array,
  batch: Batch,
  scene: Scene,
): Float64Array {
  const gradient = new Float64Array(scene.policy.length);
  for (const [t, offset] of targetOffsets(batch, scene).entries()) {
    const p = probabilities(scene.policy, offset, scene.vocabulary);
    for (const [v, share] of p.entries()) {
      const hit = v === batch.targetTokens[t] ? 1 : 0;
      gradient[offset + v]! += slopes[t]! * (hit - share);
    }
  }
  return gradient;
}

function assertNear(got: number | undefined, want: number, what: string): void {
  const bound = 1e-4 * Math.max(Math.abs(want), 0.01);
  assert(
    Math.abs((got ?? NaN) - want) <= bound,
    `${what} is ${got}, expected ${want}`,
  );
}

function check(one: Case, scene: Scene, wanted: Float32Array): void {
  const what = JSON.stringify(one.config);
  const objective = methods.dpo.objective({
    ...one.config,
    loss_type: [one.config.loss_type].flat() as LossName[],
    loss_weights: one.config.loss_weights ?? null,
  });
  const batch = objective.batch(scene.pairs);
  const untouched = statisticsOf(scene.reference, batch, scene);
  const { loss, slopes, metrics } = objective.score(
    batch,
    statisticsOf(scene.policy, batch, scene),
    objective.column(batch, untouched),
    { parts: 1, targets: 0 },
  );
  assertNear(loss, one.loss, `loss of ${what}`);
  const all: Metrics = { ...metrics, num_tokens: batch.attendedTokens };
  for (const [name, want] of Object.entries(one.metrics)) {
    assertNear(all[name], want, `${name} of ${what}`);
  }
  const got = logitGradient(slopes, batch, scene);
  assertEquals(got.length, wanted.length);
  const norm = Math.hypot(...wanted);
  const distance = Math.hypot(...got.map((x, i) => x - wanted[i]!));
  assert(distance <= 1e-4 * norm, `dlogits of ${what}: ${distance} of ${norm}`);
}

referenceTest(
  "methods.dpo equals TRL from logits to their gradient",
  async () => {
    const scene = await openScene();
    const { logit_level_cases } = referenceJson("dpo_losses.json");
    const cases: readonly Case[] = logit_level_cases;
    assert(cases.length > 0);
    for (const one of cases) {
      check(one, scene, await scene.gradient(one.grad_tensor));
      compared("dpo_losses logits");
    }
  },
);
