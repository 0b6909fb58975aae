/**
 * Whole training runs on a small model, in a folder of their own that goes when the tests are over.
 */
import { join } from "@std/path";
import type { Device } from "../../../kernels/device/device.ts";
import type { DeviceKind } from "../../../kernels/device/device_options.ts";
import { readOptions } from "../../../src/base/read_options.ts";
import { openSafetensors } from "../../../src/files/safetensors/safetensors.ts";
import type { TrainOptions } from "../../../src/training/options/options.ts";
import { trainSchema } from "../../../src/training/options/train_schema.ts";
import { runTraining } from "../../../src/training/run/run.ts";
import type { RunHooks } from "../../../src/training/run/run_hooks.ts";
import type { RunResult } from "../../../src/training/run/sink.ts";
import { gpuTest } from "../../kernels/gpu_test_case.ts";
import { fixturePath } from "../../fixture_path.ts";
import { makeTemporary, TEMPORARY } from "../../temporary_folder.ts";

/** Folder of the model that all runs start from. */
export const MODEL: string = fixturePath("models/qwen2");
/** Folder of another tokenizer that fits the model. */
export const TOKENIZER: string = fixturePath("tokenizer_bos");

const turn = (role: string, content: string) => [{ role, content }];
const ANSWERS = [
  ["Yes, with pleasure.", "No."],
  ["It is late.", "Go away, now."],
  ["Tea, please.", "Nothing."],
  ["Blue.", "I do not know."],
  ["Two and two are four.", "Five."],
  ["Of course.", "Never ask again."],
] as const;

/** Six short pairs. */
export const PAIRS = ANSWERS.map(([chosen, rejected], i) => ({
  prompt: turn("user", `Question ${i}?`),
  chosen: turn("assistant", chosen),
  rejected: turn("assistant", rejected),
}));

/** Recipe keys, as a file would have them. */
export type Recipe = Readonly<Record<string, unknown>>;

/** Under these a few steps move the loss well. */
export const LORA: Recipe = {
  use_peft: true,
  lora_r: 4,
  lora_alpha: 8,
  learning_rate: 1e-2,
};

const DEFAULTS: Recipe = {
  model_name_or_path: MODEL,
  per_device_train_batch_size: 1,
  gradient_accumulation_steps: 2,
  learning_rate: 1e-3,
  lr_scheduler_type: "cosine",
  logging_steps: 1,
  save_strategy: "no",
};

/** One test's folder, and how to train in it. */
export interface Scene {
  readonly device: Device;
  readonly path: (...names: string[]) => string;
  /** Options of a run into folder `run`. */
  readonly options: (run: string, recipe: Recipe) => TrainOptions;
  readonly train: (
    run: string,
    recipe: Recipe,
    hooks?: RunHooks,
  ) => Promise<RunResult>;
}

/** Writes rows as JSON lines. */
export function writeRows(path: string, rows: readonly unknown[]): void {
  const lines = rows.map((row) => JSON.stringify(row) + "\n");
  Deno.writeTextFileSync(path, lines.join(""));
}

function scene(device: Device): Scene {
  const folder = makeTemporary();
  const path = (...names: string[]) => join(folder, ...names);
  writeRows(path("pairs.jsonl"), PAIRS);
  const options: Scene["options"] = (run, recipe) => {
    const given = {
      ...DEFAULTS,
      dataset: path("pairs.jsonl"),
      output_dir: path(run),
    };
    return readOptions(trainSchema, [{ ...given, ...recipe }]).options;
  };
  return {
    device,
    path,
    options,
    train: (run, recipe, hooks) =>
      runTraining(device, options(run, recipe), hooks),
  };
}

/** Tests whole runs; by default on the kernels that a CPU adapter takes. */
export async function runTest(
  name: string,
  body: (scene: Scene) => Promise<void>,
  { kinds = ["cpu"], long = false, read = [] }: {
    kinds?: readonly DeviceKind[];
    long?: boolean;
    read?: readonly string[];
  } = {},
): Promise<void> {
  await gpuTest(name, (device) => body(scene(device)), {
    read: [TEMPORARY, MODEL, TOKENIZER, ...read],
    write: [TEMPORARY],
    kinds,
    long,
  });
}

/** The rows of a run's metrics.jsonl. */
export function readMetrics(folder: string): Record<string, number>[] {
  const text = Deno.readTextFileSync(join(folder, "metrics.jsonl"));
  return text.trimEnd().split("\n").map((line) => JSON.parse(line));
}

/** The numbers of an f32 file, by tensor. */
export async function readNumbers(
  path: string,
): Promise<Record<string, Float32Array>> {
  const file = await openSafetensors(path);
  const numbers: Record<string, Float32Array> = {};
  for (const name of file.tensors.keys()) {
    numbers[name] = new Float32Array((await file.read(name)).buffer);
  }
  return numbers;
}
