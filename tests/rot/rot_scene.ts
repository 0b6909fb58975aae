/**
 * What rots: the files of a checkpoint, of caches, of a finished run, of a merged model and of
 * downloads, each with the work that reads them and the numbers that it must give. The model has
 * two layers of 16, so that a case takes a fraction of a second.
 */
import { dirname, join } from "@std/path";
import type { Device } from "../../kernels/device/device.ts";
import { listenToNotes } from "../../src/base/notes.ts";
import { readOptions } from "../../src/base/read_options.ts";
import { disk, useDisk } from "../../src/files/disk.ts";
import { Checksum } from "../../src/files/hub/checksum.ts";
import { MANIFEST } from "../../src/files/hub/repo_record.ts";
import { sequenceLogits } from "../../src/model/decoder/logits.ts";
import { openModel } from "../../src/model/opening/open_model.ts";
import { writeRandomCheckpoint } from "../../src/model/opening/random_checkpoint.ts";
import { mergeAdapter } from "../../src/model/saving/merge.ts";
import { trainSchema } from "../../src/training/options/train_schema.ts";
import { runTraining } from "../../src/training/run/run.ts";
import { fixturePath } from "../fixture_path.ts";
import { makeTemporary } from "../temporary_folder.ts";
import {
  LORA,
  PAIRS,
  type Recipe,
  writeRows,
} from "../training/run/run_scene.ts";
import { rootedDisk } from "./rooted_disk.ts";
import { type Snapshot, takeSnapshot } from "./snapshot.ts";

/** Something that is stored, and the work that reads it. */
export interface Stage {
  readonly name: string;
  /** All files before the work. */
  readonly before: Snapshot;
  /** Files of the same names that something older left. */
  readonly older: Snapshot;
  /** Paths of the files that rot. */
  readonly files: readonly string[];
  /** Works, and gives the bytes that must not differ silently. */
  readonly work: () => Promise<readonly Uint8Array[]>;
}

/** The folder in which everything lies, and its stages. */
export interface RotScene extends AsyncDisposable {
  readonly root: string;
  readonly stages: readonly Stage[];
}

const RECIPE: Recipe = {
  ...LORA,
  lora_r: 1,
  lora_dropout: 0.1,
  per_device_train_batch_size: 1,
  gradient_accumulation_steps: 2,
  logging_steps: 1,
  lr_scheduler_type: "cosine",
};

/** The texts of the fixture's tokenizer, with weights of two small layers. */
async function writeModel(folder: string): Promise<void> {
  const from = fixturePath("models/qwen2");
  const text = await Deno.readTextFile(join(from, "config.json"));
  await Deno.mkdir(folder, { recursive: true });
  for (
    const name of [
      "tokenizer.json",
      "tokenizer_config.json",
      "generation_config.json",
    ]
  ) await Deno.copyFile(join(from, name), join(folder, name));
  const small = {
    hidden_size: 16,
    intermediate_size: 32,
    num_attention_heads: 2,
    num_key_value_heads: 1,
  };
  const config = { ...JSON.parse(text), ...small };
  await writeRandomCheckpoint(folder, { config, dtype: "float32", seed: 3 });
}

/** Writes the record that a download leaves of all files of a folder. */
function writeRecord(folder: string): void {
  const files = Object.fromEntries(
    [...Deno.readDirSync(folder)].filter(({ isFile }) => isFile)
      .map(({ name }) => {
        const bytes = Deno.readFileSync(join(folder, name));
        const checksum = new Checksum(bytes.length);
        checksum.update(bytes);
        const { size, sha256, gitOid } = checksum.finish();
        const isLarge = name.endsWith(".safetensors");
        return [name, isLarge ? { size, sha256 } : { size, gitOid }];
      }),
  );
  const record = { source: "huggingface", kind: "model", repo: "a/b", files };
  Deno.writeTextFileSync(join(folder, MANIFEST), JSON.stringify(record));
}

/** A folder, and how to work in it. */
interface Workshop {
  readonly device: Device;
  readonly root: string;
  readonly path: (...names: string[]) => string;
  readonly train: (run: string, recipe: Recipe) => Promise<void>;
  /** The bytes of files of a folder; none for one that is not there. */
  readonly read: (folder: string, ...names: string[]) => Uint8Array[];
}

function workshop(device: Device): Workshop {
  const root = makeTemporary();
  const path = (...names: string[]) => join(root, ...names);
  return {
    device,
    root,
    path,
    async train(run, recipe) {
      const { options } = readOptions(trainSchema, [{
        model_name_or_path: path("model"),
        dataset: path("data", "train.jsonl"),
        output_dir: path(run),
        save_strategy: "no",
        ...RECIPE,
        ...recipe,
      }]);
      using _scope = device.scope();
      await runTraining(device, options, { cacheFolder: ".cache/reference" });
    },
    read(folder, ...names) {
      const there = [...Deno.readDirSync(path(folder))].map((e) => e.name);
      return names.map((name) =>
        there.includes(name)
          ? Deno.readFileSync(path(folder, name))
          : new Uint8Array()
      );
    },
  };
}

/** A snapshot of which some files are left out. */
const without = (snapshot: Snapshot, isOut: (name: string) => boolean) =>
  new Map([...snapshot].filter(([name]) => !isOut(name)));

/** The files that lie right in some folders. */
const filesIn = (snapshot: Snapshot, ...folders: string[]) =>
  [...snapshot.keys()].filter((name) =>
    folders.includes(dirname(name)) && !name.endsWith(".lock")
  ).sort();

/** A snapshot that has the files of one folder under the names of another. */
const renamed = (snapshot: Snapshot, from: string, to: string) =>
  new Map(
    [...snapshot].map(([name, bytes]) => [
      name,
      snapshot.get(name.replace(to, from)) ?? bytes,
    ]),
  );

const SAVING = { max_steps: 3, save_strategy: "steps", save_steps: 1 };
const TRAINED = ["adapter_model.safetensors", "metrics.jsonl"];

/** The tokens, log-probabilities and hashes that a run left; another begins. */
function cacheStage(shop: Workshop, finished: Snapshot, older: Snapshot) {
  return {
    name: "caches",
    before: without(finished, (name) => name.startsWith("run")),
    older,
    files: filesIn(finished, ".cache/tokens", ".cache/reference"),
    async work() {
      await shop.train("again", { max_steps: 2 });
      return shop.read("again", ...TRAINED);
    },
  } satisfies Stage;
}

/** A run that was killed after its second checkpoint goes on. */
function checkpointStages(
  { train, read }: Workshop,
  finished: Snapshot,
  older: Snapshot,
): Stage[] {
  const ends = ["run/manifest.json", "run/adapter_model.safetensors"];
  const before = without(
    finished,
    (name) => name.startsWith("run/checkpoint-3") || ends.includes(name),
  );
  const files = filesIn(before, "run/checkpoint-2");
  const work = async () => {
    await train("run", { ...SAVING, resume_from_checkpoint: true });
    return read("run", ...TRAINED);
  };
  return [{
    name: "checkpoint",
    before,
    older: renamed(before, "checkpoint-1", "checkpoint-2"),
    files: [...files, "run/metrics.jsonl", "run/options.json"],
    work,
  }, { name: "checkpoint beside another run's", before, older, files, work }];
}

/** The adapter of a finished run is merged. */
function finishedStage(
  { device, path, read }: Workshop,
  before: Snapshot,
  older: Snapshot,
): Stage {
  return {
    name: "finished run",
    before,
    older,
    files: filesIn(before, "run").filter((name) =>
      !/\.(jsonl|svg)$|options\.json/.test(name)
    ),
    async work() {
      using _scope = device.scope();
      await mergeAdapter(device, {
        model_name_or_path: path("model"),
        adapter_name_or_path: path("run"),
        output_dir: path("merged"),
        overwrite_output_dir: false,
      });
      const texts = ["tokenizer.json", "config.json", "generation_config.json"];
      return read("merged", "model.safetensors", ...texts);
    },
  };
}

/** A merged model is asked for its logits. */
function mergedStage({ device, path }: Workshop, before: Snapshot): Stage {
  return {
    name: "merged model",
    before,
    older: renamed(before, "model", "merged"),
    files: filesIn(before, "merged"),
    async work() {
      using _scope = device.scope();
      const { folder, model } = await openModel(device, path("merged"));
      const rows = await Array.fromAsync(sequenceLogits(model, [5, 6, 7]));
      const { weights: _, ...texts } = folder;
      const told = new TextEncoder().encode(JSON.stringify(texts));
      return [...rows.map(({ buffer }) => new Uint8Array(buffer)), told];
    },
  };
}

/** A model and rows with the records of their downloads are trained on. */
function downloadStage({ root, path, train, read }: Workshop): Stage {
  for (const name of ["model", "data"]) writeRecord(path(name));
  const all = takeSnapshot(root);
  const texts = ["tokenizer.json", "generation_config.json"];
  return {
    name: "download",
    before: without(all, (name) => !/^(model|data)\//.test(name)),
    older: new Map(),
    files: filesIn(all, "model", "data"),
    async work() {
      await train("fresh", { max_steps: 2 });
      return read("fresh", ...TRAINED, ...texts);
    },
  };
}

/** Makes everything; what undamaged files give is left to do. */
export async function makeRotScene(device: Device): Promise<RotScene> {
  const shop = workshop(device);
  const { root, path } = shop;
  const inUse = useDisk(rootedDisk(disk(), root));
  using _notes = listenToNotes(() => {});
  await writeModel(path("model"));
  await Deno.mkdir(path("data"));
  writeRows(path("data", "train.jsonl"), PAIRS);
  await shop.train("run", { ...SAVING, seed: 1 });
  const older = takeSnapshot(root);
  await Deno.remove(path("run"), { recursive: true });
  await shop.train("run", SAVING);
  const finished = takeSnapshot(root);
  const merging = finishedStage(shop, finished, older);
  await merging.work();
  const stages = [
    cacheStage(shop, finished, older),
    ...checkpointStages(shop, finished, older),
    merging,
    mergedStage(shop, takeSnapshot(root)),
    downloadStage(shop),
  ];
  return {
    root,
    stages,
    [Symbol.asyncDispose]() {
      inUse[Symbol.dispose]();
      return Deno.remove(root, { recursive: true });
    },
  };
}
