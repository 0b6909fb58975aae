/**
 * Where a run's reference comes from: a column that the data gives, a column that the model itself
 * or another model computes, or a second set of weights that moves; or there is none. Knows no
 * formula.
 */
import type { Device } from "../../../kernels/device/device.ts";
import { openNamedAdapter } from "../../files/folders/tuned_folder.ts";
import { fileHash } from "../../files/disk/file_hash.ts";
import { quantizationOf } from "../../model/weights/quantization_options.ts";
import type { OpenedEncoder } from "../../preference/tokens/open_encoder.ts";
import { sequenceLogps } from "../loop/batch_logps.ts";
import { givenReference } from "./given_reference.ts";
import {
  type MovingReference,
  movingReference,
} from "../loop/moving_reference.ts";
import {
  checkReferenceTokens,
  findNamedReference,
  isNamedReference,
  namedReferenceColumns,
} from "./named_reference.ts";
import type { Objective } from "../method/objective.ts";
import { frozenDtype, type TrainOptions } from "../options/options.ts";
import { readModelConfig } from "../../model/config/config.ts";
import { checkRowTokens } from "../setup/row_tokens.ts";
import { dataSteps } from "../../preference/tokens/epoch.ts";
import { runLength } from "../setup/run_length.ts";
import { checkStart } from "../setup/preflight.ts";
import {
  type ReferenceHooks,
  referenceLogps,
  type ReferenceOptions,
} from "./reference.ts";
import type { Examples, RunData } from "../setup/run_data.ts";
import type { RunModel } from "../setup/run_model.ts";

/** The reference of a run. */
export interface RunReference<Example> {
  /** It moves; its columns are empty then. */
  readonly moving: MovingReference | undefined;
  /** The column of the examples of a split. */
  readonly columnOf: (examples: readonly Example[]) => Promise<Float64Array>;
  /**
   * Fails unless the policy starts as its reference, where it should; the loss before the first
   * step, if there is one.
   */
  readonly checkStart: (column: Float64Array) => Promise<number | undefined>;
}

/** What a reference is made from. */
export interface ReferenceSources<Example> {
  readonly device: Device;
  readonly options: TrainOptions;
  readonly hooks: ReferenceHooks;
  readonly opened: OpenedEncoder;
  readonly data: RunData<Example>;
  readonly objective: Objective<Example>;
}

const NONE = new Float64Array();

/**
 * Asks another model if one is named; to be called before the policy is read. What it returns wants
 * the policy.
 */
export async function openReference<Example extends Examples>(
  sources: ReferenceSources<Example>,
): Promise<(built: RunModel) => Promise<RunReference<Example>>> {
  const { options, data, objective, opened } = sources;
  if (!objective.needsReference) {
    return () =>
      Promise.resolve({
        moving: undefined,
        columnOf: () => Promise.resolve(NONE),
        checkStart: () => Promise.resolve(undefined),
      });
  }
  checkGiven(options, data.train.examples);
  if (options.sync_ref_model) {
    return (built) => Promise.resolve(movingOf(sources, built));
  }
  if (!isNamedReference(options)) return (built) => ownColumn(sources, built);
  const named = await findNamedReference(options);
  await checkReferenceTokens(named, opened.encoder);
  const { path, config } = named.folder;
  const { vocab_size } = readModelConfig(config);
  checkRowTokens(data, objective, opened.encoder, { path, vocab_size });
  const asked = [data.train.examples, data.evaluation?.examples ?? []]
    .map((examples) => {
      const seen = seenOf(sources, examples);
      const part = seen?.map((i) => examples[i]!) ?? examples;
      return { examples, seen, part };
    });
  const columns = await namedReferenceColumns(
    { ...sources, how: howOf(sources) },
    named,
    asked.map(({ part }) => part),
  );
  return () =>
    Promise.resolve({
      moving: undefined,
      columnOf: (examples) => {
        const found = asked.find((one) => one.examples === examples);
        if (!found) return Promise.resolve(NONE);
        const column = columns.get(found.part)!;
        return columnOfSeen(
          examples,
          found.seen,
          () => Promise.resolve(column),
        );
      },
      checkStart: () => Promise.resolve(undefined), // another model's may differ
    });
}

/** The data's own reference leaves no room for another. */
function checkGiven(
  options: TrainOptions,
  examples: Parameters<typeof givenReference>[0],
): void {
  const name = options.sync_ref_model
    ? "sync_ref_model"
    : isNamedReference(options)
    ? "ref_model_name_or_path"
    : undefined;
  if (name === undefined || givenReference(examples) === undefined) return;
  throw new TypeError(
    `Cannot take the reference from "${name}": the data gives "ref_chosen_logps" and "ref_rejected_logps", expected one of both; leave the option out or the columns`,
  );
}

function howOf<Example>(
  { options, hooks, device }: ReferenceSources<Example>,
): Omit<ReferenceOptions, "weightsKey"> {
  return {
    device: device.description,
    batchSize: options.per_device_eval_batch_size,
    maxTokens: options.max_tokens_per_batch,
    cacheFolder: hooks.cacheFolder,
    onProgress: hooks.onReference,
    signal: hooks.signal,
  };
}

/** The examples on which the start is checked. */
function firstOf<Example>(
  { options, data }: ReferenceSources<Example>,
): readonly Example[] {
  const count = options.per_device_train_batch_size;
  return data.train.examples.slice(0, count);
}

async function ownColumn<Example extends Examples>(
  sources: ReferenceSources<Example>,
  built: RunModel,
): Promise<RunReference<Example>> {
  const { options, objective } = sources;
  const { model } = built;
  const how: ReferenceOptions = {
    ...howOf(sources),
    weightsKey: await weightsKey(sources, built),
    model: options.model_name_or_path,
    adapters: options.adapter_name_or_path !== null,
  };
  const first = firstOf(sources);
  const firstSequences = first.flatMap(objective.sequences).length;
  // another model's may differ
  const checks = givenReference(first) === undefined;
  return {
    moving: undefined,
    columnOf: (examples) => {
      const given = givenReference(examples);
      return given === undefined
        ? columnOfSeen(
          examples,
          seenOf(sources, examples),
          (seen) =>
            referenceLogps(() => Promise.resolve(model), seen, objective, how),
        )
        : Promise.resolve(given);
    },
    checkStart: (column) => {
      const part = column.subarray(0, firstSequences);
      return checks
        ? checkStart(model, first, part, objective)
        : Promise.resolve(undefined);
    },
  };
}

/** The numbers of the examples that the run meets; undefined: all of them. */
function seenOf<Example extends Examples>(
  { options, data }: ReferenceSources<Example>,
  examples: readonly Example[],
): number[] | undefined {
  if (examples !== data.train.examples || examples.length === 0) {
    return undefined;
  }
  const { order, totalSteps, stepsPerEpoch } = runLength(
    options,
    data.train.examples,
  );
  if (totalSteps >= stepsPerEpoch) return undefined;
  const steps = dataSteps(order).take(totalSteps);
  const met = steps.flatMap(({ microBatches }) => microBatches.flat());
  const first = Math.min(options.per_device_train_batch_size, examples.length);
  // the start is checked on the first ones
  return [...new Set([...Array(first).keys(), ...met])].sort((a, b) => a - b);
}

/** A column of all examples, in which those that are not met have no number. */
async function columnOfSeen<Example>(
  examples: readonly Example[],
  seen: readonly number[] | undefined,
  columnOf: (examples: readonly Example[]) => Promise<Float64Array>,
): Promise<Float64Array> {
  if (seen === undefined) return await columnOf(examples);
  const part = await columnOf(seen.map((i) => examples[i]!));
  const width = part.length / seen.length;
  const column = new Float64Array(width * examples.length).fill(NaN);
  for (const [k, i] of seen.entries()) {
    column.set(part.subarray(width * k, width * (k + 1)), width * i);
  }
  return column;
}

function movingOf<Example extends Examples>(
  sources: ReferenceSources<Example>,
  { model }: RunModel,
): RunReference<Example> {
  const { options, objective } = sources;
  const moving = movingReference(model, options);
  const first = firstOf(sources);
  return {
    moving,
    columnOf: () => Promise.resolve(NONE),
    async checkStart() {
      const { column } = objective;
      const batches = [objective.batch(first)];
      const start = await sequenceLogps(moving.model, batches, { column });
      return await checkStart(model, first, start, objective);
    },
  };
}

/** What names the reference's weights, for the cache of what they give; "" without a cache. */
async function weightsKey<Example>(
  { options, hooks: { cacheFolder }, opened }: ReferenceSources<Example>,
  { stored, adapter }: RunModel,
): Promise<string> {
  if (cacheFolder === undefined) return "";
  const quantization = quantizationOf(options);
  const hashes: string[] = [];
  const start = options.adapter_name_or_path === null
    ? undefined
    : await openNamedAdapter(options.adapter_name_or_path);
  const used = [...stored?.files ?? [], ...start?.weights.files ?? []];
  for (const path of used) hashes.push(await fileHash(path, cacheFolder));
  return [
    ...hashes,
    adapter ? frozenDtype(options) : trainedKey(options),
    ...(quantization ? [JSON.stringify(quantization)] : []),
    JSON.stringify(opened.files.config),
    stored ? "" : options.seed,
    ...(start ? [JSON.stringify(start.config)] : []),
  ].join(" ");
}

/** The types of the weights if some of them are trained: the trained ones are in float32. */
function trainedKey(options: TrainOptions): string {
  const { unfrozen_parameters, freeze_trainable_layers } = options;
  const chosen = [unfrozen_parameters, freeze_trainable_layers];
  return chosen.every((one) => one === null)
    ? "trained, so float32"
    : `${frozenDtype(options)} but for ${JSON.stringify(chosen)}`;
}
