/**
 * What writing a checkpoint takes in two folders of the project, without a device: an earlier state
 * (the layout of before manifests) and this one.
 *
 *   deno run -A tests/bench/checkpoint_bench.ts BEFORE ROUNDS KIND TOKENIZER_FOLDER WRITTEN_TO
 *
 * KIND `lora`: an adapter of rank 16 on every linear layer of Qwen2.5-0.5B, with AdamW's moments.
 * `tiny`: all of the tiny model, 3.9 MB, with its moments. `full`: 1.2 GB in tensors of 32 MiB.
 * The two states take turns in one process.
 */
// deno-lint-ignore-file no-console
import { join, resolve, toFileUrl } from "@std/path";
import { writeFolderAtomic } from "../../src/files/disk/atomic.ts";
import type { ExportedTensor } from "../../src/model/saving/export.ts";
import { checkpointFiles } from "../../src/training/checkpoint/checkpoint_files.ts";
import { writeManifested } from "../../src/training/checkpoint/manifested_files.ts";
import type { SaveContext } from "../../src/training/checkpoint/saved_model.ts";
import { FRESH } from "../../src/training/loop/trainer.ts";
import { cpuSeconds } from "./cpu_seconds.ts";
import { meanInterval } from "./mean_interval.ts";

const [before, rounds, kind, tokenizerPath, output] = Deno.args;
if (output === undefined) {
  throw new TypeError(
    "Cannot compare: expected BEFORE ROUNDS lora|tiny|full TOKENIZER_FOLDER WRITTEN_TO",
  );
}
const isLora = kind === "lora";
const shapes = isLora
  ? loraShapes(24, 16)
  : kind === "tiny"
  ? Array(30).fill([256, 128])
  : Array(36).fill([2048, 4096]);
const context = {
  files: { path: tokenizerPath, config: {} },
  tokenizerPath,
  stored: undefined,
  adapter: isLora ? { r: 16, lora_alpha: 32, target_modules: [] } : undefined,
  baseName: "base",
  chatTemplate: undefined,
} as unknown as SaveContext;
const tensors = shapes.map(drawn);
const optimizerTensors = kind !== "full"
  ? ["value", "first", "second"].flatMap((part) =>
    tensors.map((one) => ({ ...one, name: `${part}.${one.name}` }))
  )
  : [];

const writers = [await earlierWriter(resolve(before!)), writeNow];
const taken: { clock: number; processor: number }[][] = [[], []];
await Promise.all(writers.map((write) => write(join(output, "warm"))));
for (let round = 0; round < Number(rounds); round++) {
  for (const [i, write] of writers.entries()) {
    const path = join(output, `checkpoint-${i}`);
    const [clock, processor] = [performance.now(), cpuSeconds()];
    await write(path);
    taken[i]!.push({
      clock: (performance.now() - clock) / 1e3,
      processor: cpuSeconds() - processor,
    });
    await Deno.remove(path, { recursive: true });
  }
}
for (const unit of ["clock", "processor"] as const) {
  const [a, b] = taken.map((list) => list.map((one) => one[unit]));
  const more = meanInterval(b!.map((x, i) => x - a![i]!));
  const ratio = meanInterval(b!.map((x, i) => x / a![i]!));
  console.log(
    `${unit}: before ${meanInterval(a!).mean.toFixed(3)} s, after ${
      meanInterval(b!).mean.toFixed(3)
    } s, ${more.mean.toFixed(3)} ± ${more.half.toFixed(3)} s more, ratio ${
      ratio.mean.toFixed(3)
    } ± ${ratio.half.toFixed(3)}; least ${Math.min(...a!).toFixed(3)} and ${
      Math.min(...b!).toFixed(3)
    } s`,
  );
}

async function writeNow(path: string): Promise<void> {
  const files = checkpointFiles({
    tensors,
    optimizerTensors,
    run: "bench",
    metrics: "",
    state: FRESH,
    context,
    options: {},
    inputs: {},
  });
  await writeFolderAtomic(
    path,
    (folder) =>
      writeManifested(folder, files, { run: "bench", step: 0, metrics: "" }),
  );
}

/** What the earlier state's `writeCheckpoint()` did, by its own parts. */
async function earlierWriter(
  root: string,
): Promise<(path: string) => Promise<void>> {
  const load = (file: string) => import(toFileUrl(join(root, file)).href);
  const atomic = await load("src/files/atomic.ts");
  const save = await load("src/training/save_model.ts");
  return (path) =>
    atomic.writeFolderAtomic(path, async (folder: string) => {
      await save.saveModel(folder, tensors, context);
      const optimizer = join(folder, "optimizer.safetensors");
      await save.writeTensors(optimizer, optimizerTensors);
      await save.writeJson(join(folder, "options.json"), {});
      await save.writeJson(join(folder, "trainer_state.json"), FRESH);
    });
}

/** A and B of each linear layer of Qwen2.5-0.5B. */
function loraShapes(layers: number, rank: number): number[][] {
  const widths: readonly (readonly [number, number])[] = [
    [896, 896],
    [896, 128],
    [896, 128],
    [896, 896],
    [896, 4864],
    [896, 4864],
    [4864, 896],
  ];
  return Array(layers).fill(widths).flat()
    .flatMap(([from, to]) => [[rank, from], [to, rank]]);
}

function drawn(shape: number[], i: number): ExportedTensor {
  const numbers = new Float32Array(shape.reduce((a, b) => a * b))
    .map((_, k) => k * 1e-6 + i);
  return {
    name: `layer.${i}`,
    dtype: "F32",
    shape,
    async *bytes() {
      yield new Uint8Array(numbers.buffer);
    },
  };
}
