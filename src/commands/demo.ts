/**
 * The command `demo`: the embedded tiny model learns courtesy by DPO on the spot; base and tuned
 * model then answer prompts that were held out, and a rule counts the courteous answers. Prints
 * nothing.
 */
import type { Device } from "../../kernels/device/device.ts";
import { readOptions } from "../base/read_options.ts";
import { readRecords } from "../files/records/records.ts";
import { createSpeaker, type Speaker } from "../generation/answer.ts";
import { answerRows, readQuestions } from "../generation/prompt_rows.ts";
import { openSideBySide } from "../model/opening/open_model.ts";
import { openEncoder } from "../preference/tokens/open_encoder.ts";
import { manner } from "../report/manner.ts";
import type { Compared } from "../report/side_by_side.ts";
import {
  type DemoOptions,
  demoSchema,
} from "../training/options/demo_options.ts";
import type { TrainOptions } from "../training/options/options.ts";
import { trainSchema } from "../training/options/train_schema.ts";
import type { RunStage } from "../training/run/run_hooks.ts";
import { defineCommand } from "./command.ts";
import { openCommandDevice } from "./command_device.ts";
import { readRecipe } from "./read_recipe.ts";
import { type TrainHooks, trainOn } from "./train.ts";

/**
 * `deno task demo`
 *
 * @internal
 */
export const demoCommand = defineCommand({
  name: "demo",
  summary:
    "Trains the embedded tiny model by DPO and compares its answers before and after.",
  schema: demoSchema,
});

const RECIPE = "recipes/tiny-dpo.jsonc";
const PROMPTS = "data/tiny/prompts.jsonl";
const TEMPERATURE = 0.7;

/** What `demo()` takes beside its options. */
export interface DemoHooks extends Omit<TrainHooks, "onProgress" | "reports"> {
  /** What is about to be trained. */
  readonly onBegin?: (start: DemoStart) => void;
  /** Called as a part of the demo goes on; `answer` counts prompts. */
  readonly onProgress?: (
    stage: RunStage | "answer",
    done: number,
    total: number,
  ) => void;
}

/** What the demo is about to train. */
export interface DemoStart {
  /** Folder of the model. */
  readonly model: string;
  /** The recipe's file. */
  readonly recipe: string;
  /** Name of the device. */
  readonly device: string;
}

/** What the demo shows. */
export interface DemoResult {
  /** Folder of the model. */
  readonly model: string;
  /** How freely the answers were drawn. */
  readonly temperature: number;
  /** The prompts with the answers of both models. */
  readonly rows: readonly Compared[];
  /** How many answers of each are courteous, by the rule. */
  readonly courteous: { readonly base: number; readonly tuned: number };
}

/**
 * Trains, asks both models and counts. Run it in the project's folder, where its recipe and its
 * data lie.
 *
 * @throws {Error} In one line
 */
export async function demo(
  { prompts, output_dir }: DemoOptions,
  { onBegin, ...hooks }: DemoHooks = {},
): Promise<DemoResult> {
  const changed = { output_dir, overwrite_output_dir: true };
  const recipe = await readRecipe(RECIPE);
  const { options } = readOptions(trainSchema, [recipe, changed]);
  const { model_name_or_path: model } = options;
  using device = await openCommandDevice();
  onBegin?.({ model, recipe: RECIPE, device: device.description.trim() });
  await trainOn(device, options, hooks);
  const speakers = await openSpeakers(device, options);
  const questions = await readQuestions(readRecords(PROMPTS));
  const rows: Compared[] = [];
  hooks.onProgress?.("answer", 0, prompts);
  const answers = answerRows(questions.slice(0, prompts), speakers, {
    sampling: { temperature: TEMPERATURE, top_k: 0, top_p: 1 },
    maxNewTokens: 48,
    seed: 0,
    batchSize: 50,
  });
  for await (const { prompt, base, tuned } of answers) {
    rows.push({ prompt, base, tuned } as Compared);
    hooks.onProgress?.("answer", rows.length, prompts);
  }
  const courteousOf = (name: "base" | "tuned") =>
    rows.filter((row) => manner(row[name]) === "courteous").length;
  const courteous = { base: courteousOf("base"), tuned: courteousOf("tuned") };
  return { model, temperature: TEMPERATURE, rows, courteous };
}

/** The model before and after the run. */
async function openSpeakers(
  device: Device,
  options: TrainOptions,
): Promise<Speaker[]> {
  const { encoder } = await openEncoder(options);
  const { base, tuned } = await openSideBySide(device, {
    base: options.model_name_or_path,
    tuned: options.output_dir,
  });
  return [
    createSpeaker({ ...base, name: "base", encoder, files: base.folder }),
    createSpeaker({ ...tuned!, name: "tuned", encoder, files: tuned!.folder }),
  ];
}
