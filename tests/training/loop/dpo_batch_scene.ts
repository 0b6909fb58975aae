/** The batch of TRL's golden numbers: raw pairs through our text pipeline, policy and reference on the device. */
import { assert, assertEquals } from "@std/assert";
import { dirname } from "@std/path";
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
import { tokenizePreference } from "../../../src/preference/tokens/tokenize.ts";
import type { Row } from "../../../src/preference/formats/turns.ts";
import type { Metrics } from "../../../src/training/method/metrics.ts";
import type { GivenOptions } from "../../../src/training/method/method.ts";
import { referenceEncoder } from "../../preference/tokens/reference_encoder.ts";
import { referencePath } from "../../reference_dir.ts";

/** What TRL did with the batch under some options. */
export interface Variant {
  readonly name: string;
  readonly options: GivenOptions & {
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

interface Golden {
  readonly pairs: readonly Row[];
  readonly variants: readonly Variant[];
}

const path = referencePath("dpo_batch/dpo_batch.json");
const weights = referencePath("dpo_batch/policy.safetensors");
const base = referencePath("models/qwen2/model.safetensors");
const complete = path !== undefined && weights !== undefined &&
  base !== undefined;
const golden: Golden | undefined = complete
  ? JSON.parse(Deno.readTextFileSync(path))
  : undefined;

/** What the tests may read. */
export const sceneFolders: string[] = complete
  ? [
    dirname(path),
    dirname(base),
    ...["tokenizer"].flatMap((name) => referencePath(name) ?? []),
  ]
  : [];

/** TRL's variants of the batch; none without the reference. */
export const variants: readonly Variant[] = golden?.variants ?? [];

/** The variant's pairs as tokens, cut as it says. */
export function variantPairs({ options, kept_examples }: Variant): TokenPair[] {
  const encoder = referenceEncoder();
  const { max_length: maxLength, truncation_mode: policy } = options;
  const fitted = golden!.pairs.map((row, i) => {
    const preference = readRow(row, i, PREFERENCE_FORMATS);
    const { tokens } = tokenizePreference(preference, encoder);
    return fitPair(tokens, { maxLength, policy });
  });
  const kept = fitted.flatMap((one) => "kept" in one ? [one.kept] : []);
  assertEquals(kept.map(({ line }) => line), [...kept_examples]);
  return kept;
}

/** The policy, trained, and the untouched reference. */
export async function openModels(
  device: Device,
): Promise<{ policy: Model; reference: Model }> {
  const folder = await openModelFolder(dirname(base!));
  const config = readModelConfig(folder.config);
  const tuned = await openSafetensors(weights!);
  const reader = { ...tuned, files: [tuned.path] };
  return {
    policy: await loadModel(device, config, reader, { trained: true }),
    reference: await loadModel(device, config, folder.weights),
  };
}

/** Fails unless `|got - want|` is at most 1e-4 of `|want|`, or of `floor` where that is more, plus `extra`. */
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

/** Golden log-probabilities of the trained tokens, pair after pair, chosen first. */
export async function goldenTokenLogps(
  { name, kept_examples }: Variant,
  side: "policy" | "ref",
): Promise<number[]> {
  const file: Safetensors = await openSafetensors(
    referencePath("dpo_batch/dpo_batch.safetensors")!,
  );
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
