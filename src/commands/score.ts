/**
 * The command `score`: the lines of a file with the log-probabilities of their tokens. Prints
 * nothing.
 */
import { tellOtherBase } from "../files/folders/named_base.ts";
import type { ScoreOptions } from "../scoring/score_options.ts";
import { scoreFile } from "../scoring/score_file.ts";
import { scoreSchema } from "../scoring/score_options.ts";
import { defineCommand } from "./command.ts";
import {
  type DeviceHooks,
  openCommandDevice,
  productTuner,
} from "./command_device.ts";

/**
 * `deno task score`
 *
 * @internal
 */
export const scoreCommand = defineCommand({
  name: "score",
  summary:
    "Writes each line of a file with the log-probabilities of its tokens, in nats.",
  schema: scoreSchema,
});

/** The parts of the work: bytes of weights, lines, sequences whose logits are written. */
export type ScoreStage = "load" | "score" | "logits";

/** What `score()` takes beside its options. */
export interface ScoreCommandHooks extends DeviceHooks {
  /** Called as a part of the work goes on. */
  readonly onProgress?:
    | ((stage: ScoreStage, done: number, total: number) => void)
    | undefined;
  /** Ends the work with an error once it is aborted; no output is left. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Scores the lines of `input` into `output`.
 *
 * @returns How many lines there are
 * @throws {Error} In one line; the output appears whole or not at all
 */
export async function score(
  options: ScoreOptions,
  { onProgress, onTuned, signal }: ScoreCommandHooks = {},
): Promise<number> {
  const { retune } = options;
  await tellOtherBase(
    options.adapter_name_or_path,
    options.model_name_or_path,
  );
  using device = await openCommandDevice();
  return await scoreFile(device, options, {
    signal,
    tune: productTuner(device, { retune, onTuned }),
    onLoad: (done, total) => onProgress?.("load", done, total),
    onScore: (done, total) => onProgress?.("score", done, total),
    onLogits: (done, total) => onProgress?.("logits", done, total),
  });
}
