/**
 * A small project in a temporary folder, and `deno task train` run in it as a user would: in a
 * process of its own, with the rights that deno.json gives it.
 */
import { fromFileUrl } from "@std/path";
import { writeRandomCheckpoint } from "../../src/model/opening/random_checkpoint.ts";
import {
  CHARACTER_CHAT,
  characterFiles,
} from "../preference/tokens/character_encoder.ts";
import {
  TEMPORARY,
  type TemporaryFolder,
  temporaryFolder,
} from "../temporary_folder.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));
/** What a test may do that runs tasks. */
export const OPTIONS = {
  permissions: { read: [ROOT, TEMPORARY], write: [TEMPORARY], run: ["deno"] },
  sanitizeOps: true,
  sanitizeResources: true,
};

/** A model of some hundred parameters. */
export const CONFIG = {
  model_type: "llama",
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  vocab_size: 80,
};
export const PAIR = { prompt: "Say it", chosen: "yes", rejected: "no" };
/** What the earlier run in `output/old` has. */
export const KEPT = '{"step":1}\n';

/** A folder with a model, three pairs, a recipe, and another run in `output/old`. */
export async function project(): Promise<TemporaryFolder> {
  const folder = await temporaryFolder();
  for (const name of ["model", "output", "output/old"]) {
    await Deno.mkdir(folder.file(name));
  }
  const { tokenizer, config } = characterFiles();
  await writeJson(folder, "model/config.json", CONFIG);
  await writeJson(folder, "model/tokenizer.json", tokenizer);
  await writeJson(folder, "model/tokenizer_config.json", {
    ...config,
    chat_template: CHARACTER_CHAT,
  });
  await writeRandomCheckpoint(folder.file("model"), {
    config: CONFIG,
    dtype: "float32",
    seed: 1,
  });
  await folder.write("pairs.jsonl", `${JSON.stringify(PAIR)}\n`.repeat(3));
  await folder.write("output/old/metrics.jsonl", KEPT);
  await writeJson(folder, "recipe.jsonc", {
    model_name_or_path: "model",
    dataset: "pairs.jsonl",
    output_dir: "output/new",
    learning_rate: 0.01,
    max_steps: 1,
    save_strategy: "no",
  });
  return folder;
}

/** Writes a value as JSON into the folder. */
export async function writeJson(
  folder: TemporaryFolder,
  name: string,
  value: unknown,
): Promise<void> {
  await folder.write(name, JSON.stringify(value));
}

/**
 * Starts a program with the rights that deno.json gives the task `train`, its folders taken from
 * `folder`.
 *
 * @param rights what it may do beside that
 */
export function startProgram(
  program: string,
  folder: TemporaryFolder,
  words: readonly string[],
  rights: readonly string[] = [],
): Deno.ChildProcess {
  return new Deno.Command("deno", {
    args: [
      "run",
      "-q",
      "--no-prompt",
      `--config=${ROOT}deno.json`,
      "--allow-read",
      `--allow-write=${folder.file("output")},${folder.file(".cache")}`,
      "--allow-env=DENO_WEBGPU_BACKEND,XDG_RUNTIME_DIR,LP_NATIVE_VECTOR_WIDTH,LP_NUM_THREADS,MESA_SHADER_CACHE_DIR,NO_COLOR",
      ...rights,
      `${ROOT}${program}`,
      ...words,
    ],
    cwd: folder.path,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Runs a program to its end: exit code, and the lines of its standard error. */
export async function runProgram(
  program: string,
  folder: TemporaryFolder,
  words: readonly string[],
): Promise<{ code: number; lines: string[] }> {
  const { code, stderr } = await startProgram(program, folder, words).output();
  const lines = new TextDecoder().decode(stderr).split("\n");
  return { code, lines: lines.filter((line) => line !== "") };
}

/** Starts the task `train`. */
export function startTrain(
  folder: TemporaryFolder,
  ...words: string[]
): Deno.ChildProcess {
  return startProgram("tasks/train.ts", folder, words);
}

/** Runs the task `train` to its end: exit code, and the lines of its standard error. */
export async function train(
  folder: TemporaryFolder,
  ...words: string[]
): Promise<{ code: number; lines: string[] }> {
  return await runProgram("tasks/train.ts", folder, words);
}
