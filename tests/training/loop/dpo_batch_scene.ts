/**
 * The batch of TRL's golden numbers: raw pairs through our text pipeline, policy and reference on
 * the device.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import type { Device } from "../../../kernels/device/device.ts";
import { openModelFolder } from "../../../src/files/folders/model_folder.ts";
import {
  openSafetensors,
  type Safetensors,
} from "../../../src/files/safetensors/safetensors.ts";
import { readModelConfig } from "../../../src/model/config/config.ts";
import { loadModel } from "../../../src/model/weights/load.ts";
import type { Model } from "../../../src/model/decoder/model.ts";
import { PREFERENCE_FORMATS } from "../../../src/preference/formats/preference_formats.ts";
import { readRow } from "../../../src/preference/formats/format.ts";
import {
  fitPair,
  type LengthPolicy,
} from "../../../src/preference/tokens/length.ts";
import type { TokenPair } from "../../../src/preference/tokens/token_examples.ts";
import {
  type Encoder,
  tokenizePreference,
} from "../../../src/preference/tokens/tokenize.ts";
import type { Row } from "../../../src/preference/formats/turns.ts";
import type { Metrics } from "../../../src/training/method/metrics.ts";
import { referenceEncoder } from "../../preference/tokens/reference_encoder.ts";
import type { PairHyperparameters } from "../run/trajectory.ts";

/** What TRL did with the batch under some options. */
export interface Variant {
  readonly name: string;
  readonly options: PairHyperparameters & {
    readonly max_length: number;
    readonly truncation_mode: LengthPolicy;
  };
  readonly kept_examples: readonly number[];
  readonly policy_chosen_logps: readonly number[];
  readonly policy_rejected_logps: readonly number[];
  readonly ref_chosen_logps: readonly number[];
  readonly ref_rejected_logps: readonly number[];
  readonly loss: number;
  readonly grad_norm_all_parameters: number;
  readonly metrics: Metrics;
}

/** `dpo_batch.json` */
interface Golden {
  /** Folder of the model under the root of the reference. */
  readonly model: string;
  readonly policy_weights: string;
  readonly pairs: readonly Row[];
  readonly variants: readonly Variant[];
}

/** Where the batch lies in a reference folder. */
export const BATCH = "dpo_batch/dpo_batch.json";

/** The batch of one reference folder. */
export interface BatchScene {
  /** What TRL did, under each set of options. */
  readonly variants: readonly Variant[];
  /** The variant's pairs as tokens, cut as it says. */
  pairs(variant: Variant): TokenPair[];
  /** The policy, trained, and the untouched reference. */
  openModels(device: Device): Promise<{ policy: Model; reference: Model }>;
  /** Log-probabilities of the trained tokens, pair after pair, chosen first. */
  tokenLogps(variant: Variant, side: "policy" | "ref"): Promise<number[]>;
  /** The gradients of the variant `default`. */
  openGradients(): Promise<Safetensors>;
}

/** Opens the batch in a reference folder. */
export function openBatch(root: string): BatchScene {
  const golden: Golden = JSON.parse(Deno.readTextFileSync(join(root, BATCH)));
  const open = (name: string) => openSafetensors(join(root, name));
  return {
    variants: golden.variants,
    pairs: (variant) => variantPairs(golden, variant, referenceEncoder(root)),
    async openModels(device) {
      const folder = await openModelFolder(join(root, golden.model));
      const config = readModelConfig(folder.config);
      const tuned = await open(golden.policy_weights);
      const reader = { ...tuned, files: [tuned.path] };
      return {
        policy: await loadModel(device, config, reader, { trained: true }),
        reference: await loadModel(device, config, folder.weights),
      };
    },
    tokenLogps: async (variant, side) =>
      await tokenLogps(
        await open("dpo_batch/dpo_batch.safetensors"),
        variant,
        side,
      ),
    openGradients: () => open("dpo_batch/default_grads.safetensors"),
  };
}

function variantPairs(
  { pairs }: Golden,
  { options, kept_examples }: Variant,
  encoder: Encoder,
): TokenPair[] {
  const { max_length: maxLength, truncation_mode: policy } = options;
  const fitted = pairs.map((row, i) => {
    const preference = readRow(row, i, PREFERENCE_FORMATS);
    const { tokens } = tokenizePreference(preference, encoder);
    return fitPair(tokens, { maxLength, policy });
  });
  const kept = fitted.flatMap((one) => "kept" in one ? [one.kept] : []);
  assertEquals(kept.map(({ line }) => line), [...kept_examples]);
  return kept;
}

async function tokenLogps(
  file: Safetensors,
  { name, kept_examples }: Variant,
  side: "policy" | "ref",
): Promise<number[]> {
  const read = async (tensor: string) =>
    (await file.read(`${name}.${tensor}`)).buffer;
  const mask = new Int32Array(await read("completion_mask"));
  const logps = new Float32Array(await read(`${side}_token_logps`));
  const pairs = kept_examples.length;
  const width = mask.length / (2 * pairs);
  const row = (r: number) =>
    Array.from({ length: width - 1 }, (_, t) => t).filter((t) =>
      mask[r * width + t + 1] === 1
    ).map((t) => logps[r * (width - 1) + t]!);
  return Array.from(
    { length: pairs },
    (_, pair) => [...row(pair), ...row(pairs + pair)],
  ).flat();
}

/**
 * Fails unless `|got - want|` is at most 1e-4 of `|want|`, or of `floor` where that is more, plus
 * `extra`.
 */
export function assertNear(
  got: number | undefined,
  want: number,
  what: string,
  { floor = 0.01, extra = 0 } = {},
): void {
  const bound = 1e-4 * Math.max(Math.abs(want), floor) + extra;
  const gap = Math.abs((got ?? NaN) - want);
  assert(gap <= bound, `${what} is ${got}, expected ${want} within ${bound}`);
}
