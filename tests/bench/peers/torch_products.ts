/**
 * The matrix products of a Qwen2-0.5B step beside torch's, by the clock, in interleaved rounds:
 * torch as it is, and held to AVX2, the vector width of software Vulkan. Knows no Python: the
 * interpreter is given, and must have torch.
 *
 *     deno run -A tests/bench/peers/torch_products.ts --python=PATH \
 *       [--threads=2] [--rounds=5] [--json]
 */
// deno-lint-ignore-file no-console -- a bench prints
import { parseArgs } from "node:util";
import type { Device } from "../../../kernels/device/device.ts";
import { openDevice } from "../../../kernels/device/open_deno.ts";
import { linear, linearDw, linearDx } from "../../../kernels/matmul/linear.ts";
import { tuneProducts } from "../../../kernels/matmul/tune_products.ts";
import { seeded } from "../../kernels/numbers.ts";
import { drawnMatrix } from "../drawn_matrix.ts";
import { type Answering, startLines } from "./line_process.ts";
import { CACHE_FOLDER } from "../../../src/files/file_names.ts";
import { keptTexts } from "../../../src/files/disk/kept_texts.ts";

const { values } = parseArgs({
  options: {
    python: { type: "string" },
    threads: { type: "string", default: String(navigator.hardwareConcurrency) },
    rounds: { type: "string", default: "5" },
    json: { type: "boolean", default: false },
  },
});
if (!values.python) throw new TypeError("Cannot compare: expected --python");

/** Times `forward 512 896 4864 3`, three products, and answers with the seconds of one. */
const PRODUCTS = `
import sys, time, torch
torch.set_num_threads(int(sys.argv[1]))
size, made = None, None
for line in sys.stdin:
    kind, *numbers = line.split()
    t, c, r, n = map(int, numbers)
    if size != (t, c, r): size, made = (t, c, r), (torch.randn(t, c), torch.randn(r, c), torch.randn(t, r))
    x, w, dy = made
    product = {"forward": lambda: x @ w.T, "dx": lambda: dy @ w, "dw": lambda: dy.T @ x}[kind]
    product()
    start = time.perf_counter()
    for _ in range(n): product()
    print((time.perf_counter() - start) / n, flush=True)
`;
const AVX2 = { ATEN_CPU_CAPABILITY: "avx2", MKL_ENABLE_INSTRUCTIONS: "AVX2" };

/**
 * Waiting for the device takes 10 ms, once a step of seconds in training: some seventy times that a
 * round.
 */
const OPERATIONS_PER_ROUND = 50e9;
const SHAPES = [
  [512, 896, 896],
  [512, 896, 4864],
  [512, 4864, 896],
] as const;
const VOCABULARY = [256, 896, 151_936] as const;

type Kind = "forward" | "dx" | "dw";
type Shape = readonly [tokens: number, cols: number, rows: number];

interface Row {
  readonly name: string;
  /** 1e9 operations a second. */
  readonly ours: number;
  readonly torch: number;
  readonly torchAvx2: number;
}

/**
 * Launches of ours; its weights are of 16 bits, as a checkpoint's, but for the gradient of weights,
 * which has none.
 */
function launcher(device: Device, kind: Kind, [tokens, cols, rows]: Shape) {
  const tensor = (width: number, seed: number) =>
    device.upload(seeded(tokens * width, seed), [tokens, width]);
  if (kind === "dw") {
    const [dy, x] = [tensor(rows, 3), tensor(cols, 2)];
    return () => linearDw(device, dy, x);
  }
  const w = drawnMatrix(device, rows, cols, "bf16");
  const given = tensor(kind === "forward" ? cols : rows, 2);
  return kind === "forward"
    ? () => linear(device, given, w)
    : () => linearDx(device, given, w);
}

async function ourSeconds(
  device: Device,
  launch: () => void,
  launches: number,
): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < launches; i++) {
    using _scope = device.scope();
    launch();
  }
  await device.finish();
  return (performance.now() - start) / 1e3 / launches;
}

async function compare(
  device: Device,
  [plain, narrow]: readonly [Answering, Answering],
  kind: Kind,
  shape: Shape,
): Promise<Row> {
  const operations = 2 * shape[0] * shape[1] * shape[2];
  const launches = Math.ceil(OPERATIONS_PER_ROUND / operations);
  const question = [kind, ...shape, launches].join(" ");
  const launch = launcher(device, kind, shape);
  await ourSeconds(device, launch, 1); // compiles
  const times: number[][] = [[], [], []];
  for (let round = 0; round < Number(values.rounds); round++) {
    times[0]!.push(await ourSeconds(device, launch, launches));
    times[1]!.push(Number(await plain.ask(question)));
    times[2]!.push(Number(await narrow.ask(question)));
  }
  const [ours, torch, torchAvx2] = times.map((seconds) =>
    operations / seconds.sort((a, b) => a - b)[seconds.length >> 1]! / 1e9
  ) as [number, number, number];
  return { name: `${kind} ${shape.join(" x ")}`, ours, torch, torchAvx2 };
}

using device = await openDevice();
await tuneProducts(device, {
  store: keptTexts(CACHE_FOLDER.kernels),
});
const args = ["-c", PRODUCTS, values.threads];
await using plain = startLines(values.python, args, {});
await using narrow = startLines(values.python, args, AVX2);
// an interpreter that still loads torch takes the processor from what is timed
for (const peer of [plain, narrow]) await peer.ask("forward 1 1 1 1");
const rows: Row[] = [];
for (const shape of SHAPES) {
  for (const kind of ["forward", "dx", "dw"] as const) {
    using _scope = device.scope();
    rows.push(await compare(device, [plain, narrow], kind, shape));
  }
}
rows.push(await compare(device, [plain, narrow], "forward", VOCABULARY));
if (values.json) console.log(JSON.stringify(rows, null, 2));
else {
  console.log(device.description);
  console.log(`${"".padEnd(30)} ours  torch  ratio  AVX2  ratio   (GF/s)`);
  for (const { name, ours, torch, torchAvx2 } of rows) {
    const cells = [
      ours.toFixed(1).padStart(6),
      torch.toFixed(1).padStart(6),
      (ours / torch).toFixed(2).padStart(5),
      torchAvx2.toFixed(1).padStart(6),
      (ours / torchAvx2).toFixed(2).padStart(5),
    ];
    console.log(`${name.padEnd(28)} ${cells.join(" ")}`);
  }
}
