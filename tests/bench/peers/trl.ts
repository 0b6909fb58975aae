/**
 * A DPO step of TRL beside ours on the same machine: each run in a process of its own, in turn;
 * seconds per pair over two epochs with the reference's pass counted, and peak memory. Knows no
 * Python: interpreter and script are given. The script takes `CHECKPOINT PAIRS --pairs N --lora R
 * --max-length L --batch B [--tuned]` and prints one line of JSON.
 *
 *     deno run -A tests/bench/peers/trl.ts --python=PATH --script=PATH --model=FOLDER \
 *       --pairs=FILE [--count=6] [--max_length=512] [--lora=16] [--batch=1] [--rounds=1] [--json]
 */
// deno-lint-ignore-file no-console -- a bench prints
import { fromFileUrl } from "@std/path";
import { parseArgs } from "node:util";
import type { StepReport } from "../step_run.ts";

const ROOT = fromFileUrl(new URL("../../../", import.meta.url));
const EPOCHS = 2;

const { values } = parseArgs({
  options: {
    python: { type: "string" },
    script: { type: "string" },
    model: { type: "string" },
    pairs: { type: "string" },
    count: { type: "string", default: "6" },
    max_length: { type: "string", default: "512" },
    lora: { type: "string", default: "16" },
    batch: { type: "string", default: "1" },
    rounds: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
  },
});
const { python, script, model, pairs, count, lora, batch } = values;
if (!python || !script || !model || !pairs) {
  throw new TypeError(
    "Cannot compare: expected --python, --script, --model and --pairs",
  );
}
const [folder, file] = [model, pairs].map((path) => Deno.realPathSync(path));

/** What one run came to. */
interface Run {
  /** By the clock, the reference's pass counted. */
  readonly secondsPerPair: number;
  readonly peakBytes: number;
}

/** The peer's line, as far as it counts. */
interface PeerLine {
  readonly pairs: number;
  readonly setup_s: number;
  readonly s_per_pair_mean: number;
  readonly peak_rss_gb: number;
}

async function outputOf(
  command: string,
  args: string[],
  cwd?: string,
): Promise<string> {
  const { success, stdout } = await new Deno.Command(command, {
    args,
    stdin: "null",
    stderr: "inherit",
    ...(cwd === undefined ? {} : { cwd }),
  }).output();
  if (!success) throw new Error(`Cannot compare: "${command}" failed`);
  return new TextDecoder().decode(stdout).trim();
}

/** Our side of the same run, as a recipe. */
const recipe = {
  model_name_or_path: folder,
  torch_dtype: "bfloat16",
  dataset: file,
  max_length: Number(values.max_length),
  length_policy: "drop",
  learning_rate: 5e-6,
  use_peft: true,
  lora_r: Number(lora),
  lora_alpha: 2 * Number(lora),
  lora_target_modules: ["all-linear"],
  output_dir: "output/none",
  per_device_train_batch_size: Number(batch),
  per_device_eval_batch_size: 1,
};

async function ours(): Promise<Run> {
  const path = await Deno.makeTempFile({ suffix: ".jsonc" });
  await Deno.writeTextFile(path, JSON.stringify(recipe));
  const args = [
    "task",
    "-q",
    "bench",
    path,
    "--json",
    `--max_train_samples=${count}`,
  ];
  const text = await outputOf(Deno.execPath(), args, ROOT);
  const report: StepReport = JSON.parse(text);
  await Deno.remove(path);
  if (report.pairs !== Number(count)) {
    throw new RangeError(
      `Cannot compare: ours kept ${report.pairs} pairs, wanted ${count}`,
    );
  }
  return {
    secondsPerPair: report.average.wall,
    peakBytes: report.peakProcessBytes,
  };
}

async function peer(words: readonly string[]): Promise<PeerLine> {
  const text = await outputOf(python!, [
    script!,
    folder!,
    file!,
    "--pairs",
    count,
    "--lora",
    lora,
    "--max-length",
    values.max_length,
    "--batch",
    batch,
    ...words,
  ]);
  return JSON.parse(text.split("\n").at(-1)!);
}

/**
 * As it ships, each step has the reference's pass; tuned, its constructor computes all of them
 * once.
 */
async function peers(): Promise<{ shipped: Run; tuned: Run }> {
  const shipped = await peer([]);
  const tuned = await peer(["--tuned"]);
  const once = (tuned.setup_s - shipped.setup_s) / tuned.pairs;
  const run = (line: PeerLine, reference: number): Run => ({
    secondsPerPair: line.s_per_pair_mean + reference / EPOCHS,
    peakBytes: line.peak_rss_gb * 2 ** 30,
  });
  return { shipped: run(shipped, 0), tuned: run(tuned, once) };
}

function median(runs: readonly Run[]): Run {
  const middle = (of: (run: Run) => number) =>
    runs.map(of).sort((a, b) => a - b)[runs.length >> 1]!;
  return {
    secondsPerPair: middle((run) => run.secondsPerPair),
    peakBytes: middle((run) => run.peakBytes),
  };
}

const runs: Record<"ours" | "TRL as it ships" | "TRL tuned", Run[]> = {
  ours: [],
  "TRL as it ships": [],
  "TRL tuned": [],
};
for (let round = 0; round < Number(values.rounds); round++) {
  runs.ours.push(await ours());
  const { shipped, tuned } = await peers();
  runs["TRL as it ships"].push(shipped);
  runs["TRL tuned"].push(tuned);
}
const best = median(runs.ours);
const table = Object.entries(runs).map(([name, all]) => {
  const { secondsPerPair, peakBytes } = median(all);
  return {
    name,
    secondsPerPair,
    peakBytes,
    timesOurSeconds: secondsPerPair / best.secondsPerPair,
    timesOurMemory: peakBytes / best.peakBytes,
  };
});
if (values.json) console.log(JSON.stringify(table, null, 2));
else {
  console.log("                 s a pair  / ours   peak GB  / ours");
  for (const row of table) {
    const cells = [
      row.secondsPerPair.toFixed(2).padStart(8),
      row.timesOurSeconds.toFixed(2).padStart(7),
      (row.peakBytes / 1e9).toFixed(2).padStart(9),
      row.timesOurMemory.toFixed(2).padStart(7),
    ];
    console.log(`${row.name.padEnd(16)} ${cells.join(" ")}`);
  }
}
