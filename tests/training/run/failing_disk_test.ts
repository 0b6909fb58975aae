/**
 * What a failing disk leaves of a run, a merge and an export: each writing call fails in turn, and
 * each file's first, second, middle and last read. All of it on a disk in memory.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Device } from "../../../kernels/device/device.ts";
import { listenToNotes } from "../../../src/base/notes.ts";
import { readOptions } from "../../../src/base/read_options.ts";
import { useDisk } from "../../../src/files/disk.ts";
import { listCheckpoints } from "../../../src/files/folders/checkpoints.ts";
import { exportGguf } from "../../../src/model/gguf/export_gguf.ts";
import { mergeAdapter } from "../../../src/model/saving/merge.ts";
import { writeRandomCheckpoint } from "../../../src/model/opening/random_checkpoint.ts";
import { trainSchema } from "../../../src/training/options/train_schema.ts";
import { runTraining } from "../../../src/training/run/run.ts";
import {
  type DiskFault,
  type FailingDisk,
  failingDisk,
  type PlannedFault,
} from "../../files/failing_disk.ts";
import { type MemoryDisk, memoryDisk } from "../../files/memory_disk.ts";
import { gpuTest } from "../../kernels/gpu_test_case.ts";
import {
  CHARACTER_CHAT,
  characterFiles,
} from "../../preference/tokens/character_encoder.ts";
import { PAIRS } from "./run_scene.ts";

/** Two layers of width 16. */
const CONFIG = {
  model_type: "llama",
  vocab_size: 80,
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  max_position_embeddings: 256,
  rms_norm_eps: 1e-5,
  tie_word_embeddings: true,
};

type Files = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

/** All files of a disk. */
async function filesOf(disk: MemoryDisk): Promise<Files> {
  const found = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const path of disk.paths()) found.set(path, await disk.readFile(path));
  return found;
}

function diskOf(files: Files): MemoryDisk {
  const disk = memoryDisk();
  for (const [path, bytes] of files) disk.put(path, bytes.slice());
  return disk;
}

/** A piece of work on files, as a user starts it. */
interface Task {
  readonly name: string;
  /** What is there before. */
  readonly before: Files;
  /** Does it, or goes on with what an earlier start left. */
  readonly run: () => Promise<unknown>;
  /** The files that must be the same in the end, however it came there. */
  readonly ends: RegExp;
}

const text = (value: unknown) =>
  new TextEncoder().encode(
    typeof value === "string" ? value : JSON.stringify(value),
  );

async function baseFiles(): Promise<Files> {
  const disk = memoryDisk();
  using _disk = useDisk(disk);
  const { tokenizer, config } = characterFiles();
  disk.put("base/tokenizer.json", text(tokenizer));
  disk.put("base/tokenizer_config.json", text(config));
  disk.put("base/chat_template.jinja", text(CHARACTER_CHAT));
  const rows = PAIRS.map((pair) => JSON.stringify(pair) + "\n").join("");
  disk.put("pairs.jsonl", text(rows));
  await writeRandomCheckpoint("base", {
    config: CONFIG,
    dtype: "float32",
    seed: 3,
  });
  return await filesOf(disk);
}

/** The model once more, with a tokenizer of bytes, which GGUF has a name for. */
function withBytes(files: Files): Files {
  const { tokenizer } = characterFiles();
  const pre_tokenizer = { type: "ByteLevel", add_prefix_space: false };
  const copied = [...files].map(([path, bytes]) =>
    [
      path.replace(/^\/base/, "/bytes"),
      path.endsWith("tokenizer.json")
        ? text({ ...tokenizer, pre_tokenizer })
        : bytes,
    ] as const
  );
  return new Map([...files, ...copied]);
}

/** Three steps with a checkpoint after each, of which the last stays. */
function trainer(device: Device, recipe: Record<string, unknown> = {}) {
  return async (signal?: AbortSignal, onProgress?: (step: number) => void) => {
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
      resume_from_checkpoint: isBegun,
      overwrite_output_dir: !isBegun,
      ...recipe,
    }]);
    return await runTraining(device, options, {
      cacheFolder: "cache",
      ...signal && { signal },
      onProgress: (stage, done) => {
        if (stage === "train") onProgress?.(done);
      },
    });
  };
}

async function tasksOf(device: Device): Promise<Task[]> {
  const before = await baseFiles();
  const train = trainer(device);
  const broken = diskOf(before);
  const whole = diskOf(before);
  {
    using _disk = useDisk(broken);
    const stop = new AbortController();
    await train(stop.signal, (step) => step === 2 && stop.abort());
  }
  {
    using _disk = useDisk(whole);
    await train();
  }
  const done = await filesOf(whole);
  const run = /^\/run\/(adapter_|metrics|checkpoint-3\/(adapter_|optimizer))/;
  return [
    { name: "train", before, run: () => train(), ends: run },
    {
      name: "resume",
      before: await filesOf(broken),
      run: () => train(),
      ends: run,
    },
    {
      name: "merge",
      before: done,
      run: () =>
        mergeAdapter(device, {
          model_name_or_path: "base",
          adapter_name_or_path: "run",
          output_dir: "merged",
          overwrite_output_dir: true,
        }),
      ends: /^\/merged\/(?!manifest)/,
    },
    {
      name: "export-gguf",
      before: withBytes(before),
      run: () =>
        exportGguf(undefined, {
          model_name_or_path: "bytes",
          adapter_name_or_path: null,
          output: "out/x.gguf",
          type: "f16",
          overwrite_output: true,
        }),
      ends: /^\/out\/x\.gguf$/,
    },
  ];
}

const KINDS: readonly DiskFault[] = ["ENOSPC", "EIO", "EACCES", "short"];

/** What became of one try. */
interface Tried {
  readonly disk: FailingDisk;
  readonly memory: MemoryDisk;
  /** Undefined if the work ended well. */
  readonly message: string | undefined;
  readonly told: readonly string[];
}

async function attempt(task: Task, fault?: PlannedFault): Promise<Tried> {
  const memory = diskOf(task.before);
  const disk = failingDisk(memory, fault);
  const told: string[] = [];
  using _notes = listenToNotes((sentence) => told.push(sentence));
  using _disk = useDisk(disk);
  const message = await task.run().then(
    () => undefined,
    (error: Error) => error.message,
  );
  return { disk, memory, message, told };
}

/** The files that the work is about, without those that say when it ran. */
function endsOf(files: Files, { ends }: Task): Record<string, string> {
  return Object.fromEntries(
    [...files].filter(([path]) => ends.test(path)).map((
      [path, bytes],
    ) => [path, bytes.toHex()]),
  );
}

async function assertHolds(
  task: Task,
  fault: PlannedFault,
  wanted: Record<string, string>,
): Promise<void> {
  const { disk, memory, message, told } = await attempt(task, fault);
  const where = `${task.name} ${JSON.stringify(fault)}: ${disk.failed}`;
  if (disk.failed === undefined) return; // another way was taken, as after a damaged cache
  if (message !== undefined) {
    assertMatch(message, /^Cannot [^\n]*"[^"]+"[^\n]*$/, where);
    const isWrite = disk.failed.startsWith("write");
    if (fault.kind === "ENOSPC") {
      assertMatch(message, /free space there/, where);
      if (isWrite) assertMatch(message, /\d+ bytes were to be/, where);
    }
  } else if (fault.kind !== "short") {
    // it went on: it may not be silent, unless what failed was tidying up or nobody's loss
    const isSaid = told.length > 0 || !/^(write|open)/.test(disk.failed);
    assert(isSaid, `${where}: nothing was told`);
  }
  const left = await filesOf(memory);
  for (const [path, bytes] of task.before) {
    if (!/^\/(base|pairs)/.test(path)) continue;
    assertEquals(left.get(path), bytes, `${where}: ${path} changed`);
  }
  const again = diskOf(left);
  {
    using _disk = useDisk(again);
    await task.run().catch((error) => {
      throw new Error(`${where}: the next start: ${error.message}`);
    });
  }
  assertEquals(endsOf(await filesOf(again), task), wanted, where);
}

/** So many of a list, evenly, with the first and the last. */
function some<T>(all: readonly T[], count: number): T[] {
  if (all.length <= count) return [...all];
  return Array.from(
    { length: count },
    (_, i) => all[Math.round(i * (all.length - 1) / (count - 1))]!,
  );
}

/** The faults of a task: of each writing call, and of four reads of each file. */
function faultsOf({ disk }: Tried, count: number): PlannedFault[] {
  const writes = disk.calls.map((_, at): PlannedFault => ({
    at,
    kind: KINDS[at % KINDS.length]!,
  }));
  const reads = [...disk.reads].flatMap(([readOf, number]) =>
    [...new Set([0, 1, number >> 1, number - 1])].filter((at) => at < number)
      .map((at): PlannedFault => ({ at, kind: "EIO", readOf }))
  );
  return [...some(writes, count), ...some(reads, count >> 1)];
}

for (const [long, count] of [[false, 3], [true, Infinity]] as const) {
  await gpuTest(
    long
      ? "a disk of which every writing call fails in turn loses nothing, and the next start goes on"
      : "a disk of which one call fails loses nothing, and the next start goes on",
    async (device) => {
      for (const task of await tasksOf(device)) {
        const healthy = await attempt(task);
        assertEquals(healthy.message, undefined);
        const wanted = endsOf(await filesOf(healthy.memory), task);
        assert(Object.keys(wanted).length > 0, task.name);
        const faults = faultsOf(healthy, count);
        for (const fault of faults) await assertHolds(task, fault, wanted);
        if (!long) continue;
        // deno-lint-ignore no-console
        console.log(
          `${task.name}: ${healthy.disk.calls.length} writing calls, ${healthy.disk.reads.size} files read, ${faults.length} faults`,
        );
      }
    },
    { kinds: ["cpu"], long },
  );
}
