/**
 * The command `merge`: an adapter into the weights of its base, checked by their logits. Prints
 * nothing.
 */
import { tellOtherBase } from "../files/folders/named_base.ts";
import { mergeAdapter, type MergeReport } from "../model/saving/merge.ts";
import {
  type MergeOptions,
  mergeSchema,
} from "../model/saving/merge_options.ts";
import { defineCommand } from "./command.ts";
import { openCommandDevice } from "./command_device.ts";

/**
 * `deno task merge`
 *
 * @internal
 */
export const mergeCommand = defineCommand({
  name: "merge",
  summary:
    "Writes a model with an adapter merged into its weights, and checks it by its logits.",
  schema: mergeSchema,
});

/** The parts of the work, in bytes. */
export type MergeStage = "load" | "merge";

/** What `merge()` takes beside its options. */
export interface MergeCommandHooks {
  /** Called as a part of the work goes on. */
  readonly onProgress?:
    | ((stage: MergeStage, done: number, total: number) => void)
    | undefined;
  /** Ends the work with an error once it is aborted; no output is left. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Merges, and compares the logits of the result with those of base and adapter.
 *
 * @throws {Error} In one line; `output_dir` then is as it was
 */
export async function merge(
  options: MergeOptions,
  { onProgress, signal }: MergeCommandHooks = {},
): Promise<MergeReport> {
  await tellOtherBase(
    options.adapter_name_or_path,
    options.model_name_or_path,
  );
  using device = await openCommandDevice();
  return await mergeAdapter(device, options, {
    signal,
    onLoad: (done, total) => onProgress?.("load", done, total),
    onMerge: (done, total) => onProgress?.("merge", done, total),
  });
}
