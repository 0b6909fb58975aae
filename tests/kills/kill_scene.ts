/**
 * Four small runs to kill: DPO and packed SFT, each with LoRA (dropout) and on all weights, all
 * with accumulated gradients and a checkpoint after each step. A run of two layers of 16 lies in a
 * folder of its own and trains in a process of its own.
 */
import { join } from "@std/path";
import { writeRandomCheckpoint } from "../../src/model/opening/random_checkpoint.ts";
import {
  CONFIG,
  PAIR,
  project,
  startProgram,
  writeJson,
} from "../tasks/small_project.ts";
import type { TemporaryFolder } from "../temporary_folder.ts";
import type { KillMoment } from "./killing_disk.ts";

const SMALL = {
  ...CONFIG,
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 2,
};

const LORA = { use_peft: true, lora_r: 2, lora_alpha: 4, lora_dropout: 0.2 };
const PACKED = {
  trainer: "sft",
  packing: true,
  max_length: 64,
  columns: { completion: "chosen" },
};

const COMMON = {
  model_name_or_path: "model",
  dataset: "pairs.jsonl",
  output_dir: "output/run",
  per_device_train_batch_size: 1,
  gradient_accumulation_steps: 2,
  learning_rate: 0.01,
  max_steps: 6,
  logging_steps: 1,
  save_strategy: "steps",
  save_steps: 1,
  save_total_limit: 2,
};

/** The recipes of the runs, by their names. */
export const RECIPES: Readonly<Record<string, Record<string, unknown>>> = {
  "LoRA, DPO": { ...COMMON, ...LORA },
  "full, DPO": COMMON,
  "LoRA, packed SFT": { ...COMMON, ...LORA, ...PACKED },
  "full, packed SFT": { ...COMMON, ...PACKED },
};

/** How a process ends. */
export interface Ended {
  readonly killed: boolean;
  readonly code: number;
  /** The lines of its standard error. */
  readonly lines: readonly string[];
  /** Milliseconds. */
  readonly time: number;
}

/** How a process is killed: at a call of its disk, or so many ms after its start. */
export type Kill = KillMoment | { readonly after: number };

/** A folder with a model, rows and one of the recipes. */
export async function killScene(recipe: string): Promise<TemporaryFolder> {
  const folder = await project();
  await writeJson(folder, "model/config.json", SMALL);
  await writeRandomCheckpoint(folder.file("model"), {
    config: SMALL,
    dtype: "float32",
    seed: 1,
  });
  const rows = ["one", "two", "three", "four", "five", "six", "seven"].map(
    (word) => ({ ...PAIR, prompt: `Say ${word}`, chosen: word }),
  );
  const lines = rows.map((row) => JSON.stringify(row) + "\n");
  await folder.write("pairs.jsonl", lines.join(""));
  await writeJson(folder, "recipe.jsonc", RECIPES[recipe]!);
  return folder;
}

/** The folder of the run. */
export const runOf = (folder: TemporaryFolder) => folder.file("output/run");

/** Trains, or goes on from a checkpoint, until the end or until it is killed. */
export async function trainUntil(
  folder: TemporaryFolder,
  kill: Kill | undefined,
): Promise<Ended> {
  const isClock = kill !== undefined && "after" in kill;
  const words = ["recipe.jsonc", await wayOn(runOf(folder))];
  const start = performance.now();
  if (!isClock) {
    await writeJson(folder, "kill.json", kill ?? { at: null, when: "before" });
  }
  const child = isClock
    ? startProgram("tasks/train.ts", folder, words)
    : startProgram("tests/kills/killed_train.ts", folder, words, [
      "--allow-run", // it kills itself
    ]);
  const clock = isClock
    ? setTimeout(() => child.kill("SIGKILL"), kill.after)
    : undefined;
  const { code, signal, stderr } = await child.output();
  clearTimeout(clock);
  const text = new TextDecoder().decode(stderr);
  const lines = text.split("\n").filter((line) => line !== "");
  const time = performance.now() - start;
  return { killed: signal === "SIGKILL", code, lines, time };
}

/** What a user adds after a kill: there may be no checkpoint yet. */
async function wayOn(run: string): Promise<string> {
  const names = await Array.fromAsync(Deno.readDir(run), ({ name }) => name)
    .catch(() => []);
  return names.some((name) => /^checkpoint-\d+$/.test(name))
    ? "--resume_from_checkpoint"
    : "--overwrite_output_dir";
}

/** Files that say when a run began or how it was started, or hold hashes of such files. */
const DATED = /(^|\/)(manifest\.json|options\.json|README\.md)$/;

/** The sha256 of each file of a run, by its path; of dated ones the names alone. */
export async function endOf(
  run: string,
  below = "",
): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { name, isDirectory } of Deno.readDir(join(run, below))) {
    const path = below === "" ? name : `${below}/${name}`;
    if (isDirectory) Object.assign(found, await endOf(run, path));
    else {
      const bytes = DATED.test(path)
        ? new Uint8Array()
        : await Deno.readFile(join(run, path));
      const hash = await crypto.subtle.digest("SHA-256", bytes);
      found[path] = new Uint8Array(hash).toHex();
    }
  }
  return found;
}
