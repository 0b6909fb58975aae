/**
 * Tokens a second of a greedy answer, seconds of its prompt, and what base and adapter cost side by
 * side. Run with `deno run -A tests/bench/decode_table.ts FOLDER [--prompt=64] [--new=32]
 * [--rounds=2] [--json]`; `deno task random-model` makes a folder of any shape.
 */
// deno-lint-ignore-file no-console -- a bench prints
import { parseArgs } from "node:util";
import { openDevice } from "../../kernels/device/open_deno.ts";
import { generateAll } from "../../src/generation/generate.ts";
import { likeliest } from "../../src/generation/sampler.ts";
import { PLAIN_ADAPTER } from "../../src/model/adapter/adapter_config.ts";
import { addAdapter } from "../../src/model/adapter/adapter.ts";
import { openModel } from "../../src/model/opening/open_model.ts";
import { cpuSeconds } from "./cpu_seconds.ts";

/** Seconds by the clock, and by processor time over two cores. */
interface Seconds {
  readonly wall: number;
  readonly cpu: number;
}

interface Run {
  readonly prefill: Seconds;
  /** Of one step of all answers. */
  readonly step: Seconds;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    prompt: { type: "string", default: "64" },
    new: { type: "string", default: "32" },
    rounds: { type: "string", default: "2" },
    json: { type: "boolean", default: false },
  },
});
const [promptTokens, newTokens, rounds] = [
  values.prompt,
  values.new,
  values.rounds,
].map(Number) as [number, number, number];

using device = await openDevice();
const { model } = await openModel(
  device,
  positionals[0] ?? "output/qwen2-0.5b-random",
);
addAdapter(model, {
  r: 16,
  lora_alpha: 32,
  lora_dropout: 0,
  ...PLAIN_ADAPTER,
  target_modules: "all-linear",
}, 0);

function now(): Seconds {
  return { wall: performance.now() / 1000, cpu: cpuSeconds() / 2 };
}

function between(from: Seconds, to: Seconds, count = 1): Seconds {
  return {
    wall: (to.wall - from.wall) / count,
    cpu: (to.cpu - from.cpu) / count,
  };
}

/** Answers with and without adapters, side by side. */
async function run(voices: readonly boolean[]): Promise<Run> {
  const promptIds = Array.from(
    { length: promptTokens },
    (_, i) => (i * 7919 + 13) % model.config.vocab_size,
  );
  const began = now();
  let first: Seconds | undefined;
  await generateAll(
    model,
    voices.map((adapters) => ({
      promptIds,
      adapters,
      sampler: likeliest,
      maxNewTokens: newTokens,
      onToken: () => first ??= now(),
    })),
  );
  return {
    prefill: between(began, first!),
    step: between(first!, now(), newTokens - 1),
  };
}

/** The best of each figure: what other programs took is no part of it. */
function best(runs: readonly Run[]): Run {
  const least = (of: (run: Run) => Seconds): Seconds => ({
    wall: Math.min(...runs.map((run) => of(run).wall)),
    cpu: Math.min(...runs.map((run) => of(run).cpu)),
  });
  return {
    prefill: least((run) => run.prefill),
    step: least((run) => run.step),
  };
}

const voices = { base: [false], tuned: [true], both: [false, true] };
const runs: Record<keyof typeof voices, Run[]> = {
  base: [],
  tuned: [],
  both: [],
};
for (let round = 0; round <= rounds; round++) {
  for (const [name, list] of Object.entries(voices)) {
    const measured = await run(list);
    if (round > 0) runs[name as keyof typeof voices].push(measured); // the first compiles
  }
}
const report = {
  adapter: device.description,
  promptTokens,
  newTokens,
  base: best(runs.base),
  tuned: best(runs.tuned),
  both: best(runs.both),
  peakBytes: device.memory.peakBytes,
};

if (values.json) console.log(JSON.stringify(report, null, 2));
else {
  console.log(`${report.adapter}, prompt ${promptTokens}, new ${newTokens}`);
  console.log("           prefill s        tokens/s, each    step to base's");
  console.log("        clock     cpu/2    clock     cpu/2    clock    cpu/2");
  for (const name of ["base", "tuned", "both"] as const) {
    const { prefill, step } = report[name];
    const ratio = between(
      { wall: 0, cpu: 0 },
      {
        wall: step.wall / report.base.step.wall,
        cpu: step.cpu / report.base.step.cpu,
      },
    );
    const cells = [
      prefill.wall,
      prefill.cpu,
      1 / step.wall,
      1 / step.cpu,
      ratio.wall,
      ratio.cpu,
    ];
    const texts = cells.map((cell) => cell.toFixed(2).padStart(8));
    console.log(`${name.padEnd(6)}${texts.join("  ")}`);
  }
}
