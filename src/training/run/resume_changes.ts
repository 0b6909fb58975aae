/**
 * What a resumed run has other than the run that it goes on from: options by their names, base
 * weights and rows by their hashes. Knows no device and no step.
 */
import { join } from "@std/path";
import { optionsOf } from "../../base/schema.ts";
import { NotFound } from "../../files/disk.ts";
import { readJsonObject } from "../../files/disk/json_file.ts";
import { CHECKPOINT_FILE } from "../../files/file_names.ts";
import { bestOptions } from "../options/best_options.ts";
import { dataOptions } from "../options/input_options.ts";
import type { TrainOptions } from "../options/options.ts";
import { trainSchema } from "../options/train_schema.ts";
import type { RunInputs } from "./run_inputs.ts";

/** Something that differs, by its name. */
export interface Change {
  /** An option, or what was compared by its hash. */
  readonly name: string;
  /** As the run had it. */
  readonly before: unknown;
  /** As it is asked for. */
  readonly now: unknown;
  /** Whether every run may change it; it is told all the same. */
  readonly isFree: boolean;
}

/** Options that no weight depends on. */
const FREE = [
  "output_dir",
  "overwrite_output_dir",
  "dry_run",
  "resume_from_checkpoint",
  "resume_with_changes",
  "restarts",
  "step_timeout",
  "eval_strategy",
  "eval_steps",
  "eval_dataset",
  "eval_packing",
  "max_eval_samples",
  "per_device_eval_batch_size",
  "save_strategy",
  "save_steps",
  "save_total_limit",
  "logging_steps",
  "logging_first_step",
  "memory_limit",
  "cache_limit",
  "gradient_checkpointing",
  "max_tokens_per_batch",
  "retune",
  "download",
  "model_source",
  "model_revision",
  ...Object.keys(bestOptions),
];

/** They say how long a run is. A run may be made longer, though its schedule follows. */
const LENGTH = ["max_steps", "num_train_epochs"];

/** Options that show in the rows' tokens, which are compared themselves where they are known. */
const SHOWN_BY_ROWS = [
  ...Object.keys(dataOptions),
  "tokenizer_name_or_path",
  "chat_template",
].filter((name) => !["shuffle", "group_by_length"].includes(name));

/** Options that show in the base weights. */
const SHOWN_BY_WEIGHTS = ["model_name_or_path", "adapter_name_or_path"];

/** What a checkpoint was made with. */
export interface EarlierRun {
  /** The folder of the checkpoint. */
  readonly path: string;
  /** Undefined if the checkpoint does not say. */
  readonly options: Readonly<Record<string, unknown>> | undefined;
  /** Undefined if the checkpoint does not say, as those before they were kept. */
  readonly inputs: RunInputs | undefined;
}

/** Reads what a checkpoint was made with. */
export async function readEarlierRun(path: string): Promise<EarlierRun> {
  const [options, inputs] = await Promise.all(
    [CHECKPOINT_FILE.options, CHECKPOINT_FILE.inputs].map((file) =>
      readJsonObject(join(path, file)).catch((error) => {
        if (error instanceof NotFound) return undefined;
        throw error;
      })
    ),
  );
  return { path, options, inputs: inputs as RunInputs | undefined };
}

/**
 * The options that differ. An option that the earlier run did not know counts as its default.
 *
 * @param inputs of the resumed run; undefined: not known yet, and what they decide is left out
 * @param formerly what was done before an option was there, if that is not its default
 */
export function changesOf(
  { options: before, inputs: earlier }: EarlierRun,
  options: TrainOptions,
  { inputs, formerly = {} }: {
    readonly inputs?: RunInputs | undefined;
    readonly formerly?: Readonly<Record<string, unknown>> | undefined;
  } = {},
): Change[] {
  const shown = earlier === undefined ? [] : [
    ...inputs?.rows === earlier.rows || !inputs ? SHOWN_BY_ROWS : [],
    ...inputs?.weights === earlier.weights || !inputs ? SHOWN_BY_WEIGHTS : [],
  ];
  const skipped = new Set([...FREE, ...shown]);
  const now: Readonly<Record<string, unknown>> = { ...options };
  const changes: Change[] = [];
  for (const [name, { fallback }] of optionsOf(trainSchema)) {
    if (skipped.has(name) || before === undefined) continue;
    const was = [before, formerly, { [name]: fallback }]
      .find((values) => Object.hasOwn(values, name))?.[name];
    if (JSON.stringify(was) === JSON.stringify(now[name])) continue;
    const isFree = LENGTH.includes(name);
    changes.push({ name, before: was, now: now[name], isFree });
  }
  if (!earlier || !inputs) return changes;
  const hashes = [
    { name: "rows", before: earlier.rows, now: inputs.rows },
    { name: "base weights", before: earlier.weights, now: inputs.weights },
  ].filter(({ before, now }) => before !== now);
  return [...changes, ...hashes.map((one) => ({ ...one, isFree: false }))];
}

/**
 * Refuses changes that every further step would depend on, unless they are wanted.
 *
 * @throws {TypeError} naming each with both values
 */
export function checkChanges(
  { path }: Pick<EarlierRun, "path">,
  changes: readonly Change[],
  { resume_with_changes }: Pick<TrainOptions, "resume_with_changes">,
): void {
  const refused = changes.filter(({ isFree }) => !isFree);
  if (refused.length === 0 || resume_with_changes) return;
  throw new TypeError(
    `Cannot resume from "${path}": ${
      refused.map(changeText).join("; ")
    }; give the earlier values, or set resume_with_changes to go on with the new ones`,
  );
}

/** `"beta" was 0.1 and is 0.3`. */
export function changeText({ name, before, now }: Change): string {
  return `"${name}" was ${JSON.stringify(before)} and is ${
    JSON.stringify(now)
  }`;
}

/**
 * Refuses a length that the earlier run has passed, and changes that no step is left for: the
 * weights would not have been trained with what the run's record then says.
 *
 * @throws {RangeError} in one line
 */
export function checkStepsLeft(
  { path }: Pick<EarlierRun, "path">,
  changes: readonly Change[],
  { step, totalSteps }: { readonly step: number; readonly totalSteps: number },
): void {
  if (step > totalSteps) {
    throw new RangeError(
      `Cannot resume from "${path}": ${step} steps are done, but max_steps and num_train_epochs ask for ${totalSteps}; give at least ${step}, or resume from an earlier checkpoint`,
    );
  }
  const refused = changes.filter(({ isFree }) => !isFree);
  if (step < totalSteps || refused.length === 0) return;
  throw new RangeError(
    `Cannot resume from "${path}": all ${totalSteps} steps are done, so there is nothing left to train with other options (${
      refused.map(changeText).join("; ")
    }); start a run in another output_dir`,
  );
}
