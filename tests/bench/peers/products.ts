/**
 * A product of 512 x 896 by 896 x 4,864 in float32 here and in other WebGPU libraries, each in a
 * process of its own on the same adapter: operations a second by the clock and by processor time,
 * and how many times faster ours is. By hand, since the suite installs no peer; Deno fetches them
 * from npm:
 *
 *     deno run -A --no-lock tests/bench/peers/products.ts
 */
// deno-lint-ignore-file no-console
import { openDevice } from "../../../kernels/device/open_deno.ts";
import { linear } from "../../../kernels/matmul/linear.ts";
import { tuneProducts } from "../../../kernels/matmul/tune_products.ts";
import { seeded } from "../../kernels/numbers.ts";
import { uploadMatrix } from "../../kernels/upload_matrix.ts";
import { cpuSeconds } from "../cpu_seconds.ts";
import { CACHE_FOLDER } from "../../../src/files/file_names.ts";
import { keptTexts } from "../../../src/files/disk/kept_texts.ts";

/** Seconds of one product. */
interface Seconds {
  readonly wall: number;
  readonly cpu: number;
}

const [ROWS, LENGTH, COLS] = [512, 896, 4864] as const;
const OPERATIONS = 2 * ROWS * LENGTH * COLS;
const ROUNDS = 5;
/** Of a round: waiting for the device takes 10 ms, a sixth of what one launch takes. */
const LAUNCHES = 12;

const PEERS = [
  {
    name: "tfjs 4.22.0",
    file: "product_tfjs.mjs",
    packages: [
      "npm:@tensorflow/tfjs-core@4.22.0",
      "npm:@tensorflow/tfjs-backend-webgpu@4.22.0",
    ],
  },
  {
    name: "jax-js 0.1.25",
    file: "product_jax_js.mjs",
    packages: ["npm:@jax-js/jax@0.1.25"],
  },
  {
    name: "onnxruntime-web 1.30.0",
    file: "product_onnxruntime_web.mjs",
    packages: ["npm:onnxruntime-web@1.30.0/webgpu"],
  },
] as const;

/** Ours, the median of rounds. */
async function ours(): Promise<Seconds> {
  using device = await openDevice();
  await tuneProducts(device, {
    store: keptTexts(CACHE_FOLDER.kernels),
  });
  const w = uploadMatrix(device, seeded(COLS * LENGTH, 1), [COLS, LENGTH]);
  const x = device.upload(seeded(ROWS * LENGTH, 2), [ROWS, LENGTH]);
  const rounds: Seconds[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    using _scope = device.scope();
    const began = { wall: performance.now(), cpu: cpuSeconds() };
    for (let i = 0; i < LAUNCHES; i++) linear(device, x, w);
    await device.finish();
    const wall = (performance.now() - began.wall) / 1e3 / LAUNCHES;
    const cpu = (cpuSeconds() - began.cpu) / LAUNCHES;
    if (round > 0) rounds.push({ wall, cpu });
  }
  const median = (key: keyof Seconds) =>
    rounds.map((seconds) => seconds[key]).sort((a, b) => a - b)[ROUNDS >> 1]!;
  return { wall: median("wall"), cpu: median("cpu") };
}

/** A peer's, or the error with which it ended. */
async function peer(
  { file, packages }: typeof PEERS[number],
): Promise<Seconds | string> {
  const path = new URL(file, import.meta.url).pathname;
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "-q", "--no-config", "--no-lock", path, ...packages],
    env: { DENO_WEBGPU_BACKEND: "vulkan", XDG_RUNTIME_DIR: "/tmp" },
  }).output();
  const text = new TextDecoder().decode(success ? stdout : stderr).trim();
  return success ? JSON.parse(text.split("\n").at(-1)!) : text;
}

function rates({ wall, cpu }: Seconds): string {
  const rate = (seconds: number) =>
    (OPERATIONS / seconds / 1e9).toFixed(2).padStart(7);
  return `${rate(wall)} GF/s by the clock ${
    rate(cpu / navigator.hardwareConcurrency)
  } by processor time`;
}

const best = await ours();
console.log(`${"ours".padEnd(24)} ${rates(best)}`);
for (const one of PEERS) {
  const found = await peer(one);
  if (typeof found === "string") {
    console.log(`${one.name.padEnd(24)} does not run in Deno: ${found}`);
    continue;
  }
  const ratio = [found.wall / best.wall, found.cpu / best.cpu].map((times) =>
    times.toFixed(1)
  );
  console.log(
    `${one.name.padEnd(24)} ${rates(found)}   ours is ${ratio[0]} and ${
      ratio[1]
    } times faster`,
  );
}
