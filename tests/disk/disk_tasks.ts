/**
 * The tasks that write files, each ready to start on a disk in memory: a model of two layers, three
 * steps, and files of an earlier run in the place of what is written.
 */
import type { Device } from "../../kernels/device/device.ts";
import { readOptions } from "../../src/base/read_options.ts";
import { cache, cacheCommand } from "../../src/commands/cache.ts";
import { importRecipe } from "../../src/commands/import_recipe.ts";
import { randomModel } from "../../src/commands/random_model.ts";
import { useDisk } from "../../src/files/disk.ts";
import { listCheckpoints } from "../../src/files/folders/checkpoints.ts";
import { downloadRepo } from "../../src/files/hub/download_repo.ts";
import { isThere } from "../../src/files/hub/repo_folder.ts";
import { uploadRepo } from "../../src/files/hub/upload_repo.ts";
import { exportGguf } from "../../src/model/gguf/export_gguf.ts";
import type { ExportGgufOptions } from "../../src/model/gguf/export_gguf_options.ts";
import { writeRandomCheckpoint } from "../../src/model/opening/random_checkpoint.ts";
import { mergeAdapter } from "../../src/model/saving/merge.ts";
import { sinksOf } from "../../src/report/sinks.ts";
import { scoreFile } from "../../src/scoring/score_file.ts";
import { scoreSchema } from "../../src/scoring/score_options.ts";
import { ollamaModelfile } from "../../src/text/ollama_modelfile.ts";
import { trainSchema } from "../../src/training/options/train_schema.ts";
import { runTraining } from "../../src/training/run/run.ts";
import { type FakeFile, startFakeHub } from "../files/hub/fake_hub.ts";
import { startFakeUploadHub, TOKEN } from "../files/hub/fake_upload_hub.ts";
import {
  CHARACTER_CHAT,
  characterFiles,
} from "../preference/tokens/character_encoder.ts";
import { PAIRS } from "../training/run/run_scene.ts";
import { diskOf, type DiskTask, type Files } from "./disk_sweep.ts";
import { poweredDisk } from "./powered_disk.ts";

/** Makes a task; what it starts for that, it puts on the stack. */
type MakeTask = (
  device: Device,
  stack: AsyncDisposableStack,
) => Promise<DiskTask>;

/** Two layers of width 16; GGUF has types with blocks of 32 and 256 numbers of a row. */
const config = (width: number, inner: number) => ({
  model_type: "llama",
  vocab_size: 80,
  hidden_size: width,
  intermediate_size: inner,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  max_position_embeddings: 256,
  rms_norm_eps: 1e-5,
  tie_word_embeddings: true,
});

const text = (value: unknown) =>
  new TextEncoder().encode(
    typeof value === "string" ? value : JSON.stringify(value),
  );

/** A model, and pairs. A tokenizer of bytes is one that GGUF has a name for. */
async function baseFiles(
  [width, inner]: readonly [number, number] = [16, 24],
  isOfBytes = false,
): Promise<Files> {
  const disk = poweredDisk();
  using _disk = useDisk(disk);
  const { tokenizer, config: tokenizerConfig } = characterFiles();
  const pre_tokenizer = { type: "ByteLevel", add_prefix_space: false };
  disk.put(
    "base/tokenizer.json",
    text(isOfBytes ? { ...tokenizer, pre_tokenizer } : tokenizer),
  );
  disk.put("base/tokenizer_config.json", text(tokenizerConfig));
  disk.put("base/chat_template.jinja", text(CHARACTER_CHAT));
  const rows = PAIRS.map((pair) => JSON.stringify(pair) + "\n").join("");
  disk.put("pairs.jsonl", text(rows));
  await writeRandomCheckpoint("base", {
    config: config(width, inner),
    dtype: "float32",
    seed: 3,
  });
  return disk.files();
}

/** The files that work leaves on a disk. */
async function after(before: Files, work: () => Promise<unknown>) {
  const disk = diskOf(before);
  using _disk = useDisk(disk);
  await work();
  return disk.files();
}

/** How a run of three steps is started. */
interface Start {
  readonly recipe?: Record<string, unknown>;
  readonly sinks?: Parameters<typeof sinksOf>[1];
  /** Ends it after this step. */
  readonly until?: number;
}

/** Goes on with the last checkpoint, if there is one. */
async function train(device: Device, { recipe, sinks, until }: Start = {}) {
  const isBegun = (await listCheckpoints("run")).length > 0;
  const { options } = readOptions(trainSchema, [{
    model_name_or_path: "base",
    dataset: "pairs.jsonl",
    output_dir: "run",
    per_device_train_batch_size: 2,
    max_steps: 3,
    logging_steps: 1,
    save_strategy: "steps",
    save_steps: 1,
    save_total_limit: 1,
    use_peft: true,
    lora_r: 2,
    lora_target_modules: ["q_proj"],
    resume_from_checkpoint: isBegun,
    overwrite_output_dir: !isBegun,
    ...recipe,
  }]);
  const stop = new AbortController();
  return await runTraining(device, options, {
    cacheFolder: "cache",
    sinks: sinksOf("run", sinks ?? ["card"]),
    signal: stop.signal,
    onProgress: (stage, done) => {
      if (stage === "train" && done === until) stop.abort();
    },
  });
}

const ADAPTER_RUN =
  /^\/run\/(adapter_|metrics|curves|checkpoint-3\/(adapter_|optimizer))/;

/** A run whose checkpoint after the second step is there, and one after the other. */
async function resumed(device: Device): Promise<DiskTask> {
  const how = { sinks: ["card", "curves"] } as const;
  const before = await baseFiles();
  return {
    before: await after(before, () => train(device, { ...how, until: 2 })),
    run: () => train(device, how),
    ends: ADAPTER_RUN,
    free: /^\/(cache\/|\.cache\/|run\/(README|curves))/,
    grows: /metrics\.jsonl$/,
    replaced: {
      old: /^\/run\/checkpoint-2\//,
      by: /^\/run\/checkpoint-3\/(adapter_|optimizer|trainer)/,
    },
  };
}

/** What a run that is started over another one may remove from the start. */
const OVERWRITTEN = /^\/(run|cache|\.cache)\//;

async function overwritten(
  device: Device,
  recipe: Record<string, unknown>,
  ends: RegExp,
): Promise<DiskTask> {
  const over = {
    resume_from_checkpoint: false,
    overwrite_output_dir: true,
    save_strategy: "no",
    ...recipe,
  };
  const before = await baseFiles();
  return {
    before: await after(before, () => train(device, { recipe: { seed: 7 } })),
    run: () => train(device, { recipe: over }),
    ends,
    free: OVERWRITTEN,
  };
}

/** A merged model in the place of another one. */
async function merged(device: Device): Promise<DiskTask> {
  const base = await baseFiles();
  const merge = () =>
    mergeAdapter(device, {
      model_name_or_path: "base",
      adapter_name_or_path: "run",
      output_dir: "merged",
      overwrite_output_dir: true,
    });
  const trained = await after(base, () => train(device));
  const earlier = await after(base, async () => {
    await train(device, { recipe: { seed: 7 } });
    await merge();
  });
  const old = [...earlier].filter(([path]) => path.startsWith("/merged/"));
  return {
    before: new Map([...trained, ...old]),
    run: merge,
    ends: /^\/merged\/(?!manifest)/,
    free: /manifest\.json$/, // it holds the time
  };
}

/** A GGUF file in the place of another one. */
async function exported(
  device: Device,
  type: ExportGgufOptions["type"],
  adapter: string | null = null,
): Promise<DiskTask> {
  const write = (options: Partial<ExportGgufOptions>) =>
    exportGguf(device, {
      model_name_or_path: "base",
      adapter_name_or_path: adapter,
      output: "out/x.gguf",
      type,
      overwrite_output: true,
      ...options,
    }, { modelfile: ollamaModelfile });
  const sizes = [32, /_k/.test(type) ? 256 : 32] as const;
  const before = await after(await baseFiles(sizes, true), async () => {
    if (adapter !== null) await train(device);
    const other = type === "f32" ? "f16" : "f32";
    await write({ type: other, adapter_name_or_path: null });
  });
  return { before, run: () => write({}), ends: /^\/out\/x\./ };
}

async function random(): Promise<DiskTask> {
  const options = {
    config: "base",
    output_dir: "random",
    dtype: "float32",
    seed: 2,
    tokenizer_name_or_path: null,
  } as const;
  return {
    before: await baseFiles(),
    run: async () => {
      // a model that is there is refused, and must be whole
      if (!await isThere("random/model.safetensors")) {
        await randomModel(options);
      }
    },
    ends: /^\/random\//,
  };
}

async function scored(device: Device): Promise<DiskTask> {
  const { options } = readOptions(scoreSchema, [{
    model_name_or_path: "base",
    input: "pairs.jsonl",
    output: "output/scores.jsonl",
    logits: "output/logits.safetensors",
  }]);
  const before = await baseFiles();
  return {
    before: new Map([
      ...before,
      ["/output/scores.jsonl", text("earlier\n")],
      ["/output/logits.safetensors", text("earlier")],
    ]),
    run: () => scoreFile(device, options),
    ends: /^\/output\//,
  };
}

const WEIGHTS = Uint8Array.from({ length: 5000 }, (_, i) => i & 255);

/** A repository of which one file changed, one is new, one went and one is as it was. */
async function downloaded(
  source: "huggingface" | "modelscope",
  stack: AsyncDisposableStack,
): Promise<DiskTask> {
  const from = (files: Record<string, FakeFile>) => {
    const { endpoint } = stack.use(startFakeHub({ files }));
    return () =>
      downloadRepo({ source, kind: "model", name: "owner/name" }, {
        endpoint,
        folder: "hub",
        parallel: 1,
        retries: 2,
        delay: () => Promise.resolve(),
      });
  };
  const tokenizer = { data: text('{"a":1}') };
  const weights = { lfs: true, redirected: true };
  const before = await after(
    new Map([["/hub/notes.txt", text("of the user")]]),
    from({
      "config.json": { data: text('{"old":1}') },
      "tokenizer.json": tokenizer,
      "special_tokens_map.json": { data: text("{}") },
      "model.safetensors": { data: WEIGHTS.toReversed(), ...weights },
    }),
  );
  return {
    before,
    run: from({
      "config.json": { data: text("{}") },
      "generation_config.json": { data: text('{"b":1}') },
      "tokenizer.json": tokenizer,
      "model.safetensors": { data: WEIGHTS, ...weights },
    }),
    ends: /^\/hub\//,
    // its words change with each step; what it means is seen by the next start
    free: /\/\.tiebreak\.json$/,
  };
}

/** An upload, which writes nothing here: its hub has the files in the end. */
function uploaded(stack: AsyncDisposableStack): Promise<DiskTask> {
  const hub = stack.use(startFakeUploadHub({ exists: true }));
  const content = {
    "README.md": text("# a card"),
    "model.safetensors": WEIGHTS,
  };
  const files = Object.entries(content).map(([path, { length: size }]) => ({
    path,
    local: `run/${path}`,
    size,
  }));
  const run = async () => {
    await uploadRepo({ source: "modelscope", name: "owner/name" }, files, {
      endpoint: hub.endpoint,
      token: TOKEN,
      isPrivate: false,
      message: "Upload",
      retries: 2,
      delay: () => Promise.resolve(),
    });
    const wrong = Object.entries(content).find(([path, bytes]) =>
      hub.files.get(path)?.toHex() !== bytes.toHex()
    );
    if (wrong) throw new Error(`the hub has another ${wrong[0]}`);
    hub.files.clear();
  };
  const before = new Map(
    Object.entries(content).map(([path, bytes]) => [`/run/${path}`, bytes]),
  );
  return Promise.resolve({ before, run, ends: /^\/run\// });
}

/** Caches of runs of which one model is gone. */
async function pruned(device: Device): Promise<DiskTask> {
  const { options } = readOptions(cacheCommand.schema, [{ prune: true }]);
  const trained = await after(await baseFiles(), () => train(device));
  const kept = [...trained].filter(([path]) => !path.startsWith("/run/"));
  return {
    before: new Map([
      ...kept,
      ["/.cache/tokens/damaged.tokens", text("damaged")],
      ["/.cache/tokens/damaged_too.tokens", text("damaged")],
    ]),
    run: () => cache(options, ".cache"),
    // what goes may come back after a power cut, and goes again
    ends: /^\/(base|cache|pairs)/,
    free: /^\/\.cache/,
  };
}

function imported(): Promise<DiskTask> {
  const recipe = "model_name_or_path: base\nbeta: 0.2\n";
  const output = "recipe.jsonc";
  return Promise.resolve({
    before: new Map([["/trl.yaml", text(recipe)]]),
    run: async () => {
      if (await isThere(output)) return; // it is refused, and must be whole
      await importRecipe("trl.yaml", { output, dataset_dir: null });
    },
    ends: /^\/recipe/,
  });
}

/** All tasks that write files, by name. */
export const DISK_TASKS: Readonly<Record<string, MakeTask>> = {
  train: async (device) => ({
    before: await baseFiles(),
    run: () => train(device),
    ends: ADAPTER_RUN,
  }),
  resume: resumed,
  "train over a run": (device) => overwritten(device, {}, ADAPTER_RUN),
  "train all weights": (device) =>
    overwritten(device, { use_peft: false }, /^\/run\/(model|config|metrics)/),
  merge: merged,
  "export-gguf f32": (device) => exported(device, "f32"),
  "export-gguf f16": (device) => exported(device, "f16"),
  "export-gguf bf16": (device) => exported(device, "bf16"),
  "export-gguf q8_0": (device) => exported(device, "q8_0"),
  "export-gguf q4_0": (device) => exported(device, "q4_0"),
  "export-gguf q4_k_m": (device) => exported(device, "q4_k_m"),
  "export-gguf of an adapter": (device) => exported(device, "f16", "run"),
  "random-model": random,
  "import-recipe": imported,
  score: scored,
  "cache --prune": pruned,
  "download from Hugging Face": (_, stack) => downloaded("huggingface", stack),
  "download from ModelScope": (_, stack) => downloaded("modelscope", stack),
  upload: (_, stack) => uploaded(stack),
};
