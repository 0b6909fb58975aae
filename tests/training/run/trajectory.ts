/**
 * A run of TRL as the reference tells it: its options under our names, its examples as tokens, and
 * what it logged. It knows neither the device nor how a run is replayed.
 */
import {
  type TokenPair,
  tokenPair,
  type TokenSequence,
} from "../../../src/preference/tokens/token_examples.ts";
import type { LossName } from "../../../src/training/loss/losses.ts";
import type { Metrics } from "../../../src/training/method/metrics.ts";
import type { GivenOptions } from "../../../src/training/method/method.ts";
import {
  type OptimizerName,
  optimizerNames,
} from "../../../src/training/optimizer/optimizer_names.ts";
import type {
  ScheduleKwargs,
  ScheduleName,
} from "../../../src/training/optimizer/schedule.ts";

/** What a pair's loss depends on, as TRL has it; what is absent has TRL's default. */
export interface PairHyperparameters {
  readonly beta: number;
  readonly loss_type: LossName | readonly LossName[];
  readonly loss_weights?: readonly number[] | null;
  readonly label_smoothing?: number;
  readonly ld_alpha?: number | null;
  readonly use_weighting?: boolean;
  readonly f_divergence_type?: GivenOptions["f_divergence_type"];
}

/** The options of a run as TRL has them. */
export interface Hyperparameters extends PairHyperparameters {
  readonly learning_rate: number;
  readonly lr_scheduler_type: ScheduleName;
  readonly lr_scheduler_kwargs?: ScheduleKwargs | null;
  readonly warmup_steps: number;
  readonly warmup_steps_resolved: number;
  readonly max_grad_norm: number;
  readonly gradient_accumulation_steps: number;
  readonly per_device_train_batch_size: number;
  readonly max_steps: number;
  readonly optim: string;
  readonly weight_decay: number;
  readonly adam_beta1: number;
  readonly adam_beta2: number;
  readonly adam_epsilon: number;
  readonly sync_ref_model?: boolean;
  readonly ref_model_mixup_alpha?: number;
  readonly ref_model_sync_steps?: number;
}

/** What `trajectory.json` holds. */
export interface Trajectory {
  readonly trainer: "DPO" | "SFT";
  readonly base_model: string;
  readonly lora: Readonly<Record<string, unknown>> | null;
  readonly hyperparameters: Hyperparameters;
  /** Parameters that weight decay is for, and the others. */
  readonly optimizer_groups: readonly { readonly params: readonly string[] }[];
  /** Rows of the dataset as they are, and as tokens; dropped rows have no tokens. */
  readonly dataset: readonly Readonly<Record<string, unknown>>[];
  readonly tokenized: readonly Readonly<Record<string, number[]>>[];
  readonly steps: readonly {
    readonly micro_batches: readonly { readonly examples: number[] }[];
    readonly log: Metrics;
  }[];
}

/** Reads the `trajectory.json` of a run's folder. */
export function readTrajectory(folder: string): Trajectory {
  return JSON.parse(Deno.readTextFileSync(`${folder}/trajectory.json`));
}

/** Losses of TRL that `label_smoothing` changes; in its sigmoid it changes nothing. */
const SMOOTHED: readonly LossName[] = [
  "robust",
  "exo_pair",
  "aot",
  "aot_unpaired",
];

/** The options of DPO under our names. */
export function pairOptions(h: PairHyperparameters): GivenOptions {
  const loss_type = [h.loss_type].flat();
  const smoothed = loss_type.some((name) => SMOOTHED.includes(name));
  return {
    beta: h.beta,
    loss_type,
    loss_weights: h.loss_weights ?? null,
    label_smoothing: smoothed ? h.label_smoothing ?? 0 : 0,
    ld_alpha: h.ld_alpha ?? null,
    use_weighting: h.use_weighting ?? false,
    ...(h.f_divergence_type ? { f_divergence_type: h.f_divergence_type } : {}),
  };
}

/** Our name of the run's optimizer. A fused one computes the same as one that is not fused. */
export function optimizerName({ optim }: Hyperparameters): OptimizerName {
  const plain = optim.replace(/_fused$/, "");
  const name = optimizerNames.find((one) => one === plain);
  if (name !== undefined) return name;
  throw new RangeError(
    `Cannot replay a run: found optimizer "${optim}", expected one of ${optimizerNames}`,
  );
}

function sequence(
  prompt: readonly number[],
  completion: readonly number[],
): TokenSequence {
  return { ids: [...prompt, ...completion], completionStart: prompt.length };
}

/** The examples of a run of DPO. */
export function trajectoryPairs({ tokenized }: Trajectory): TokenPair[] {
  return tokenized.map(({ prompt_ids, chosen_ids, rejected_ids }, line) =>
    tokenPair(
      sequence(prompt_ids!, chosen_ids!),
      sequence(prompt_ids!, rejected_ids!),
      line,
    )
  );
}

/** The examples of a run of SFT. */
export function trajectoryDemonstrations({ tokenized }: Trajectory) {
  return tokenized.map(({ input_ids, labels }, line) => ({
    ids: input_ids!,
    completionStart: labels!.findIndex((label) => label !== -100),
    line,
  }));
}
