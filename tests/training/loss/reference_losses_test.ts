/**
 * Losses, gradients and rewards of TRL 1.13: its DPO losses on given log-probabilities, CPO, SimPO,
 * ORPO and KTO.
 */
import { assert, assertEquals } from "@std/assert";
import type { LossOptions } from "../../../src/training/loss/loss_options.ts";
import type { PairLogps } from "../../../src/training/loss/loss_terms.ts";
import { type LossName, lossRows } from "../../../src/training/loss/losses.ts";
import {
  answerMetrics,
  batchLoss,
  implicitRewards,
  type RewardOptions,
} from "../../../src/training/method/metrics.ts";
import {
  answerLoss,
  preferenceLoss,
  type PreferenceLossOptions,
} from "../../../src/training/loss/preference_loss.ts";
import { compared, referenceJson } from "../../reference_dir.ts";
import { referenceTest } from "../../reference_test_case.ts";

type Config = Partial<LossOptions> & {
  readonly beta: number;
  readonly loss_type?: LossName | readonly LossName[];
  readonly loss_weights?: readonly number[];
  readonly alpha?: number;
};

interface DpoCase {
  readonly config: Config;
  readonly input_set: string;
  readonly computed_in: "float64" | "float32";
  readonly per_example: readonly number[];
  readonly loss: number;
  readonly chosen_rewards: readonly number[];
  readonly rejected_rewards: readonly number[];
  readonly grad_chosen_logps: readonly number[];
  readonly grad_rejected_logps: readonly number[];
}

interface CpoCase extends Omit<DpoCase, "input_set" | "computed_in"> {
  readonly chosen_logps: readonly number[];
  readonly rejected_logps: readonly number[];
}

interface OrpoCase
  extends Omit<CpoCase, "per_example" | "chosen_logps" | "rejected_logps"> {
  readonly avg_chosen_logps: readonly number[];
  readonly avg_rejected_logps: readonly number[];
  readonly chosen_nll_loss: number;
  readonly odds_ratio_terms: readonly number[];
}

interface KtoCase {
  readonly config: Config;
  readonly logps: readonly number[];
  readonly ref_logps: readonly number[];
  readonly label: readonly boolean[];
  readonly KL_logps: readonly number[];
  readonly ref_KL_logps: readonly number[];
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly grad_logps: readonly number[];
}

interface DpoTable {
  readonly inputs: Record<string, Record<string, number[]>>;
  readonly cases: readonly DpoCase[];
}

interface OtherTables {
  readonly cpo_simpo: readonly CpoCase[];
  readonly orpo: readonly OrpoCase[];
  readonly kto: readonly KtoCase[];
}

/** Bounds of an error: relative to what is wanted, and absolute. */
interface Bounds {
  readonly tolerance: number;
  readonly floor?: number;
}

function assertClose(
  found: ArrayLike<number>,
  wanted: ArrayLike<number>,
  { tolerance, floor = 1e-12, what }: Bounds & { what: string },
): void {
  assertEquals(found.length, wanted.length, what);
  for (let i = 0; i < wanted.length; i++) {
    const want = wanted[i]!;
    const error = Math.abs(found[i]! - want);
    assert(
      error <= tolerance * Math.abs(want) + floor,
      `${what}[${i}]: ${found[i]}, wanted ${want}`,
    );
  }
}

function columns(
  chosen: readonly number[],
  rejected: readonly number[],
  rest: Partial<
    Record<
      | "ref_chosen_logps"
      | "ref_rejected_logps"
      | "chosen_lens"
      | "rejected_lens",
      number[]
    >
  > = {},
): PairLogps {
  const pairs = chosen.length;
  const column = (values: readonly number[] | undefined, fallback: number) =>
    Float64Array.from(values ?? new Array<number>(pairs).fill(fallback));
  return {
    chosen: column(chosen, 0),
    rejected: column(rejected, 0),
    referenceChosen: column(rest.ref_chosen_logps, 0),
    referenceRejected: column(rest.ref_rejected_logps, 0),
    chosenLengths: column(rest.chosen_lens, 1),
    rejectedLengths: column(rest.rejected_lens, 1),
    text: column(chosen, 0),
    textLengths: column(rest.chosen_lens, 1),
    weights: column(undefined, 1),
  };
}

/**
 * TRL's DPO has no conservative sigmoid: there label_smoothing changes nothing, here it is cDPO.
 */
function optionsOf(
  { loss_type, loss_weights, alpha = 0, ...config }: Config,
  trainer: string,
): PreferenceLossOptions {
  const names = [loss_type ?? "orpo"].flat() as LossName[];
  const ignored = trainer === "dpo" && names.includes("sigmoid");
  return {
    ...config,
    ...(ignored ? { label_smoothing: 0 } : {}),
    ...(alpha === 0 ? {} : {
      f_divergence_type: "alpha_divergence",
      f_alpha_divergence_coef: 1 - alpha,
    }),
    loss_type: names,
    loss_weights: loss_weights ?? null,
  };
}

function check(
  logps: PairLogps,
  options: PreferenceLossOptions,
  { per_example, loss, ...one }: Omit<
    DpoCase,
    "input_set" | "config" | "computed_in"
  >,
  { bounds, rewardOptions = options }: {
    readonly bounds: Bounds;
    readonly rewardOptions?: RewardOptions;
  },
): void {
  const result = preferenceLoss(logps, options);
  // TRL's gradients are of the mean, ours of the sum
  const mean = (slope: number) => slope / result.losses.length;
  const close = (
    found: ArrayLike<number>,
    wanted: ArrayLike<number>,
    name: string,
  ) =>
    assertClose(found, wanted, {
      ...bounds,
      what: `${name} of ${JSON.stringify(options)}`,
    });
  close(result.losses, per_example, "loss");
  close([batchLoss(result)], [loss], "mean loss");
  close(result.chosenSlopes.map(mean), one.grad_chosen_logps, "dchosen");
  close(result.rejectedSlopes.map(mean), one.grad_rejected_logps, "drejected");
  const rewards = implicitRewards(logps, rewardOptions);
  close(rewards.chosen, one.chosen_rewards, "chosen reward");
  close(rewards.rejected, one.rejected_rewards, "rejected reward");
}

/** Registers a test of all cases of a table, at least one. */
function otherTest<Kind extends keyof OtherTables>(
  name: string,
  kind: Kind,
  body: (one: OtherTables[Kind][number]) => void,
): void {
  referenceTest(name, () => {
    const tables: OtherTables = referenceJson("other_losses.json");
    const cases = tables[kind];
    assert(cases.length > 0);
    for (const one of cases) {
      body(one);
      compared("other_losses");
    }
  });
}

function checkDpo(one: DpoCase, { inputs }: DpoTable): void {
  const { chosen_logps, rejected_logps, ...rest } = inputs[one.input_set]!;
  const logps = columns(chosen_logps!, rejected_logps!, rest);
  const options = optionsOf(one.config, "dpo");
  const exact = one.computed_in === "float64";
  // TRL has exo_pair's logarithms of label_smoothing in float32, and all of it where the case is
  const floor = options.loss_type.includes("exo_pair")
    ? exact ? 1e-7 : 1e-6
    : 1e-12;
  const bounds = { tolerance: exact ? 1e-6 : 1e-4, floor };
  // the rewards are of plain log-ratios, whatever the divergence
  const rewardOptions = { beta: options.beta };
  check(logps, options, one, { bounds, rewardOptions });
}

function checkKto(one: KtoCase): void {
  const options = optionsOf(one.config, "kto");
  const needsKl = options.loss_type.some((name) => lossRows[name].couples);
  const kl = (values: readonly number[]) =>
    Float64Array.from(values, (x) => needsKl ? x : 0);
  const logps = {
    answer: Float64Array.from(one.logps),
    referenceAnswer: Float64Array.from(one.ref_logps),
    mismatched: kl(one.KL_logps),
    referenceMismatched: kl(one.ref_KL_logps),
    desirable: Uint8Array.from(one.label, Number),
  };
  const result = answerLoss(logps, options);
  const what = JSON.stringify(one.config);
  const close = (found: ArrayLike<number>, wanted: ArrayLike<number>) =>
    assertClose(found, wanted, { tolerance: 1e-6, what });
  close([batchLoss(result)], [one.loss]);
  const slopes = result.slopes.map((slope) => slope / one.logps.length);
  close(slopes, one.grad_logps);
  const metrics = answerMetrics(logps, options);
  assertEquals(Object.keys(metrics).sort(), Object.keys(one.metrics).sort());
  for (const [name, want] of Object.entries(one.metrics)) {
    close([metrics[name]!], [want]);
  }
}

referenceTest(
  "preferenceLoss() equals TRL's DPO in losses, gradients and rewards",
  () => {
    const table: DpoTable = referenceJson("dpo_losses.json");
    assert(table.cases.length > 0);
    for (const one of table.cases) {
      checkDpo(one, table);
      compared("dpo_losses");
    }
  },
);

otherTest(
  "preferenceLoss() equals TRL's CPO, SimPO and AlphaPO",
  "cpo_simpo",
  (one) => {
    const logps = columns(one.chosen_logps, one.rejected_logps);
    const bounds = { tolerance: 1e-6 };
    check(logps, optionsOf(one.config, "cpo"), one, { bounds });
  },
);

otherTest("preferenceLoss() equals TRL's ORPO", "orpo", (one) => {
  const logps = columns(one.avg_chosen_logps, one.avg_rejected_logps);
  const per_example = one.odds_ratio_terms.map((term) => -term);
  const loss = one.loss - one.chosen_nll_loss;
  const wanted = { ...one, per_example, loss };
  const bounds = { tolerance: 1e-4 };
  check(logps, optionsOf(one.config, "orpo"), wanted, { bounds });
});

otherTest(
  "answerLoss() equals TRL's KTO in loss, gradients and metrics",
  "kto",
  checkKto,
);
