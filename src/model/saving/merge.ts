/**
 * Merges an adapter into the weights of its base and writes a folder in Hugging Face layout, which
 * other programs load without an adapter. Before the folder gets its name, it is loaded again, and
 * its logits are compared with those of base and adapter.
 */
import { join, relative, resolve } from "@std/path";
import type { Device } from "../../../kernels/device/device.ts";
import { Random } from "../../base/random.ts";
import { openAdapterFolder } from "../../files/folders/adapter_folder.ts";
import {
  isJsonObject,
  type JsonObject,
  readJsonObjectIfThere,
} from "../../files/disk/json_file.ts";
import { writeFileAtomic, writeFolderAtomic } from "../../files/disk/atomic.ts";
import { checkUnlocked, lockOutput } from "../../files/disk/lock.ts";
import type { FloatDtype } from "../../files/safetensors/dtype.ts";
import { localModelFolder } from "../../files/hub/repo_folder.ts";
import type { TensorReader } from "../../files/safetensors/safetensors.ts";
import {
  copyTextFiles,
  replaceTokenizer,
} from "../../files/folders/text_files.ts";
import {
  readTemplates,
  replaceTemplates,
} from "../../files/folders/chat_templates.ts";
import { writeManifest } from "../../files/folders/manifest.ts";
import { findAdapter } from "../../files/folders/tuned_folder.ts";
import { readAdapterConfig } from "../adapter/adapter_config.ts";
import { ownRows } from "../adapter/own_embedding.ts";
import { sequenceLogits } from "../decoder/logits.ts";
import { type ModelConfig, readModelConfig } from "../config/config.ts";
import { headName } from "../config/tensor_names.ts";
import type { MergeOptions } from "./merge_options.ts";
import { type MergeProgress, unties, writeMerged } from "./merge_weights.ts";
import type { Model } from "../decoder/model.ts";
import {
  type OnLoad,
  type OpenedModel,
  openModel,
  putAdapter,
} from "../opening/open_model.ts";
import { LOCK_FILE, MODEL_FILE } from "../../files/file_names.ts";
import { disk, NotFound } from "../../files/disk.ts";

/** How exact a merge is. All numbers are largest differences of logits. */
export interface MergeReport {
  /** The difference between the merged model and the base with its adapter. */
  readonly difference: number;
  /** The largest allowed `difference`. */
  readonly bound: number;
  /** The difference between the base with its adapter and the base without it. */
  readonly effect: number;
}

/** Called as the work proceeds. */
export interface MergeHooks extends MergeProgress {
  /**
   * Called with the bytes of weights that are loaded: first of the base, then of the merged model.
   */
  readonly onLoad?: OnLoad | undefined;
}

/**
 * Merges an adapter and checks the result.
 *
 * @throws {Error} with one line; `output_dir` is then unchanged
 */
export async function mergeAdapter(
  device: Device,
  options: MergeOptions,
  hooks: MergeHooks = {},
): Promise<MergeReport> {
  const { model_name_or_path, output_dir, overwrite_output_dir } = options;
  const path = await findAdapter(options.adapter_name_or_path);
  const base = await localModelFolder(model_name_or_path);
  const check = () =>
    checkOutput(output_dir, overwrite_output_dir, [base, path]);
  await check();
  await using _lock = await lockOutput(output_dir);
  await checkUnlocked(output_dir);
  const { config, weights } = await openAdapterFolder(path);
  const adapter = { config: readAdapterConfig(config), weights };
  const { folder, on, off } = await adaptedLogits(
    device,
    { base, adapter: path },
    hooks,
  );
  let report: MergeReport | undefined;
  await writeFolderAtomic(output_dir, async (temporary) => {
    await writeTexts(temporary, folder.path, path);
    const base = readModelConfig(folder.config);
    const { vocab_size } = base;
    const rows = ownRows(base, weights) ?? vocab_size;
    const untied = unties(adapter, base) || hasOwnHead(folder);
    const isOfCodes = folder.weights.packed !== undefined;
    if (untied || rows !== vocab_size || isOfCodes) {
      const changes = {
        ...(untied ? { tie_word_embeddings: false } : {}),
        ...(rows === vocab_size ? {} : { vocab_size: rows }),
      };
      await writeConfig(temporary, changedConfig(folder.config, base, changes));
    }
    const file = join(temporary, MODEL_FILE.weights);
    await writeMerged(file, folder.weights, adapter, { ...hooks, base });
    using _scope = device.scope();
    const { model } = await openModel(device, temporary, hooks);
    report = {
      difference: largestGap(await probe(model, true), on),
      bound: logitBound(folder.weights, on),
      effect: largestGap(on, off),
    };
    checkReport(output_dir, report);
    await writeManifest(temporary, { run: crypto.randomUUID(), step: 0 });
    // a run may have begun there meanwhile
    await checkUnlocked(output_dir);
    await check();
  });
  return report!;
}

/** Whether the base has a head that its embedding does not serve as. */
function hasOwnHead({ config, weights }: OpenedModel["folder"]): boolean {
  return config["tie_word_embeddings"] === false &&
    weights.tensors.has(headName(readModelConfig(config)));
}

/** Writes the base's texts, or the adapter's own tokenizer, templates and generation config. */
async function writeTexts(
  output: string,
  base: string,
  adapter: string,
): Promise<void> {
  await copyTextFiles(base, output);
  await copyTextFiles(adapter, output, [MODEL_FILE.generationConfig]);
  const replaced = await replaceTokenizer(adapter, output);
  const own = await readTemplates(adapter);
  // those of the base may lie in the tokenizer's config, which is the adapter's now
  const has = own.chatTemplate !== undefined ||
    own.namedTemplates !== undefined;
  if (has || replaced) {
    await replaceTemplates(output, has ? own : await readTemplates(base));
  }
}

/** A config with other values; the text half of a larger model has them too. */
function changedConfig(
  { _text_names, ...config }: JsonObject,
  { family: { part } }: ModelConfig,
  changes: JsonObject,
): JsonObject {
  const inner = part && config[part.key];
  return {
    ...config,
    ...changes,
    ...(part && isJsonObject(inner)
      ? { [part.key]: { ...inner, ...changes } }
      : {}),
  };
}

/**
 * Writes a config unless the folder's own says the same: a number that is written anew loses its
 * ".0", and transformers 5.18 takes 15 for no float.
 */
async function writeConfig(folder: string, config: JsonObject): Promise<void> {
  const own = await readJsonObjectIfThere(join(folder, MODEL_FILE.config));
  if (JSON.stringify(own) === JSON.stringify(config)) return;
  const text = JSON.stringify(config, null, 2) + "\n";
  await writeFileAtomic(join(folder, MODEL_FILE.config), text);
}

/** The logits with and without the adapter. The model's memory is released afterwards. */
async function adaptedLogits(
  device: Device,
  paths: { readonly base: string; readonly adapter: string },
  hooks: MergeHooks,
): Promise<
  { folder: OpenedModel["folder"]; on: Float32Array; off: Float32Array }
> {
  using _scope = device.scope();
  // a merged model has floats, whatever its base has
  const how = { ...hooks, dequantize: true };
  const { folder, model } = await openModel(device, paths.base, how);
  const adapted = await putAdapter(model, paths.adapter);
  const on = await probe(adapted, true);
  return { folder, on, off: await probe(adapted, false) };
}

const PROBES = 3;
const PROBE_TOKENS = 16;

/** The logits of a few sequences of random tokens, which are always the same. */
async function probe(model: Model, adapters: boolean): Promise<Float32Array> {
  const { vocab_size, max_position_embeddings } = model.config;
  const random = new Random(0);
  const length = Math.min(PROBE_TOKENS, max_position_embeddings);
  const values = new Float32Array(PROBES * length * vocab_size);
  let at = 0;
  for (let i = 0; i < PROBES; i++) {
    const ids = Array.from({ length }, () => random.below(vocab_size));
    for await (const piece of sequenceLogits(model, ids, { adapters })) {
      values.set(piece, at);
      at += piece.length;
    }
  }
  return values;
}

/** The largest difference between two lists of the same length; NaN if any difference is NaN. */
function largestGap(a: Float32Array, b: Float32Array): number {
  let gap = 0;
  for (let i = 0; i < a.length; i++) {
    const distance = Math.abs(a[i]! - b[i]!);
    if (!(distance <= gap)) gap = distance;
    if (Number.isNaN(gap)) return gap;
  }
  return gap;
}

/** The relative rounding error of each type: half the distance between neighbouring numbers. */
const ROUNDING: Readonly<Record<FloatDtype, number>> = {
  F32: 2 ** -24,
  F16: 2 ** -11,
  BF16: 2 ** -8,
};

/** The error of arithmetic in f32, relative to the size of the logits. */
const ARITHMETIC = 2e-5;

/**
 * How many rounding errors of a weight the logits may differ by. The errors of single weights are
 * random and add up like a random walk over the layers: 1 to 2 were measured on two layers, which
 * makes about 10 on eighty.
 */
const ROUNDINGS = 16;

/** The largest expected difference, since merged weights are rounded to the stored type. */
function logitBound(stored: TensorReader, logits: Float32Array): number {
  const coarsest = Math.max(
    ...[...stored.tensors.values()].map(({ dtype }) =>
      ROUNDING[dtype as FloatDtype] ?? 0
    ),
  );
  const size = logits.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  return size * (ARITHMETIC + ROUNDINGS * coarsest);
}

function checkReport(
  output: string,
  { difference, bound, effect }: MergeReport,
): void {
  if (difference <= bound) return;
  throw new RangeError(
    `Cannot merge into "${output}": the logits of the merged model differ by ${
      difference.toPrecision(3)
    } from those of base and adapter, expected at most ${
      bound.toPrecision(3)
    } (the adapter moves them by ${effect.toPrecision(3)})`,
  );
}

/** Fails if the output exists and may not be replaced, or if it holds what is to be merged. */
async function checkOutput(
  output: string,
  overwrite: boolean,
  sources: readonly string[],
): Promise<void> {
  const holds = sources.find((source) => {
    const inside = relative(resolve(output), resolve(source));
    return !inside.startsWith("..");
  });
  if (holds !== undefined) {
    throw new TypeError(
      `Cannot merge into "${output}": it holds "${holds}", which is merged; choose another output_dir`,
    );
  }
  const found = await Array.fromAsync(disk().list(output), ({ name }) => name)
    .catch((error) => {
      if (error instanceof NotFound) return [];
      throw error;
    });
  const names = found.filter((name) => name !== LOCK_FILE);
  if (names.length === 0 || overwrite) return;
  throw new TypeError(
    `Cannot merge into "${output}": it holds "${
      names.sort().slice(0, 5).join('", "')
    }"; choose another output_dir or set overwrite_output_dir`,
  );
}
