/**
 * Scores a file: opens the model, reads the lines, scores them, and writes each line with its
 * scores to another file.
 */
import { dirname, join } from "@std/path";
import type { Device } from "../../kernels/device/device.ts";
import { formatJsonLine } from "../base/json_lines.ts";
import { writeFileAtomic } from "../files/disk/atomic.ts";
import { lockOutput } from "../files/disk/lock.ts";
import { readJsonObjectIfThere } from "../files/disk/json_file.ts";
import { findAdapter } from "../files/folders/tuned_folder.ts";
import { tokenOperations } from "../model/decoder/token_operations.ts";
import { quantizationOf } from "../model/weights/quantization_options.ts";
import { type OnLoad, openScorer } from "../model/opening/open_model.ts";
import { openEncoder } from "../preference/tokens/open_encoder.ts";
import type { Encoder } from "../preference/tokens/tokenize.ts";
import { scoreRows } from "./score.ts";
import { checkLogitsSize, writeLogits } from "./score_logits.ts";
import type { ScoreOptions } from "./score_options.ts";
import { readScoreRows, type ScoreRow, sequencesOf } from "./score_rows.ts";
import { RUN_FILE } from "../files/file_names.ts";
import { writeAll } from "../files/disk/whole_file.ts";

/** Called as the work proceeds; all are optional. */
export interface ScoreHooks {
  /** Called with the bytes of weights that are loaded, and all of their bytes. */
  readonly onLoad?: OnLoad;
  /** Called before the first line with an estimate of the operations of all products. */
  readonly tune?: (operations: number) => Promise<void>;
  /** Called with the number of scored lines, and of all. */
  readonly onScore?: (done: number, total: number) => void;
  /** Called with the number of sequences whose logits are written, and of all. */
  readonly onLogits?: (done: number, total: number) => void;
  /** Stops the work with an error when it is aborted; no output is left then. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Scores a file.
 *
 * @returns the number of scored lines
 * @throws {Error} with one line; the output is then not written at all
 */
export async function scoreFile(
  device: Device,
  options: ScoreOptions,
  hooks: ScoreHooks = {},
): Promise<number> {
  await using _lock = await lockOutput(options.output);
  await using _logits = options.logits === null
    ? undefined
    : await lockOutput(options.logits);
  const adapter = options.adapter_name_or_path === null
    ? undefined
    : await findAdapter(options.adapter_name_or_path);
  const { onLoad } = hooks;
  const { model } = await openScorer(device, options.model_name_or_path, {
    adapter,
    quantization: quantizationOf(options),
    dequantize: options.dequantize,
    onLoad,
  });
  const rows = await readScoreRows(options.input, {
    openEncoder: () => openScoreEncoder(options, adapter),
    columns: options.columns,
    ignoreUnserved: options.ignore_unserved,
    limits: model.config,
  });
  if (options.logits !== null && model.score) {
    throw new TypeError(
      `Cannot write logits of "${options.model_name_or_path}": it is a reward model, which has none; leave logits out`,
    );
  }
  if (options.logits !== null) checkLogitsSize(rows, model.config.vocab_size);
  await hooks.tune?.(tokenOperations(model.config) * tokensOf(rows));
  const beta = adapter === undefined
    ? undefined
    : options.beta ?? await betaOf(adapter) ?? DEFAULT_BETA;
  const how = {
    beta,
    batchTokens: options.batch_tokens,
    signal: hooks.signal,
  };
  await writeFileAtomic(options.output, async (file) => {
    let done = 0;
    hooks.onScore?.(done, rows.length);
    for await (const { row, score } of scoreRows(model, rows, how)) {
      const line = formatJsonLine({ ...row.value, ...score });
      await writeAll(file, new TextEncoder().encode(line));
      hooks.onScore?.(++done, rows.length);
    }
  });
  if (options.logits !== null) {
    const { onLogits: onProgress, signal } = hooks;
    await writeLogits(options.logits, model, rows, { onProgress, signal });
  }
  return rows.length;
}

function tokensOf(rows: readonly ScoreRow[]): number {
  return rows.flatMap(sequencesOf)
    .reduce((sum, { ids }) => sum + ids.length, 0);
}

const DEFAULT_BETA = 0.1;

/** Opens the encoder; an adapter has the template that it was trained with in its folder. */
async function openScoreEncoder(
  options: ScoreOptions,
  adapter: string | undefined,
): Promise<Encoder> {
  return (await openEncoder({ ...options, adapter })).encoder;
}

/**
 * The beta that an adapter was trained with, from the options in its folder or, for a checkpoint,
 * in the folder of its run.
 */
async function betaOf(adapter: string): Promise<number | undefined> {
  for (const folder of [adapter, dirname(adapter)]) {
    const run = await readJsonObjectIfThere(join(folder, RUN_FILE.options));
    if (typeof run?.["beta"] === "number") return run["beta"];
  }
  return undefined;
}
