/**
 * Chooses the tile of the matrix products that is fastest on this device, once: the choice is kept
 * in a file.
 *
 * All candidates sum in one order, so they give the same bits. This is checked: one may
 * win only if its products agree with float64 ones of the CPU and are, bit for bit, those of the
 * first candidate. So the choice, and losing its file, changes no number of a run.
 */
import { Random } from "../../src/base/random.ts";
import type { Device } from "../device/device.ts";
import { lanesOf } from "../device/lanes.ts";
import { readsTextures } from "../device/paths.ts";
import { COPIES, type KernelTime } from "../device/launch_profile.ts";
import { linear, linearDx } from "./linear.ts";
import {
  createMatrix,
  type Matrix,
  releaseMatrix,
  writeMatrixRows,
} from "../matrix/matrix.ts";
import { cpuTileOutputs, cpuTileShapes } from "./cpu/cpu_tile.ts";
import { matmulCpuShader } from "./cpu/matmul_cpu.ts";
import { gpuTileName, gpuTileSizes } from "./gpu/gpu_tile.ts";
import { matmulGpuShader } from "./gpu/matmul_gpu.ts";
import { chooseProduct, chosenProduct } from "./matmul.ts";
import type { Tensor } from "../device/tensor.ts";
import {
  readTuning,
  tuningKey,
  type TuningStore,
  writeTuning,
} from "./tuning_store.ts";

/** How to tune. */
export interface TuningOptions {
  /** Where results are kept; without it nowhere. */
  readonly store?: TuningStore;
  /** Measure even if a result is kept, and however little work there is. */
  readonly retune?: boolean;
  /**
   * Operations of the products that are to follow: for less than some trillions measuring costs
   * more than it brings, and only what is known is used. Default: without end, so that it always
   * measures.
   */
  readonly operations?: number;
  /** Sizes of the product that is timed; default: what takes some milliseconds. */
  readonly probe?: Probe;
}

/** Sizes `[tokens, cols]` by `[rows, cols]`. */
export interface Probe {
  /** Rows of the activations. */
  readonly tokens: number;
  /** Rows of the weight. */
  readonly rows: number;
  /** Columns of both, the length of the sums. */
  readonly cols: number;
}

/** The tile that is in use, and where the choice comes from. */
export interface Tuning {
  /** The candidate in use by the outputs of a workgroup, such as `16x128`. */
  readonly chosen: string;
  /** Measured just now, known from a file, or neither. */
  readonly origin: "measured" | "known" | "untuned";
}

interface Candidate {
  readonly name: string;
  /** Its kernels' texts. */
  readonly texts: readonly string[];
}

/**
 * About two minutes of work on a CPU, which takes ten seconds to compile and time the candidates.
 */
const FEWEST_OPERATIONS = 4e12;
const PROBES: Record<Device["kind"], Probe> = {
  cpu: { tokens: 192, rows: 896, cols: 896 },
  gpu: { tokens: 1024, rows: 2048, cols: 2048 },
};
/**
 * Many, since a shared machine's speed changes within a second, and the best moment of each
 * candidate counts.
 */
const ROUNDS = 16;
/** Of a round by the clock. */
const LAUNCHES = 3;
/**
 * Another candidate than the first must be faster by this factor, so that chance seldom chooses.
 */
const CLEARLY = 1.03;
const SAMPLES = 32;

/**
 * Chooses the candidate that is used for the products of `device` from now on; takes seconds, once
 * per device.
 *
 * @throws {Error} if the device's products are wrong
 */
export async function tuneProducts(
  device: Device,
  { store, retune = false, operations = Infinity, probe }: TuningOptions = {},
): Promise<Tuning> {
  const candidates = candidatesOf(device);
  const key = await tuningKey(
    device.description,
    candidates.flatMap(({ texts }) => texts),
  );
  const known = store && !retune ? await readTuning(store, key) : undefined;
  const found = candidates.findIndex(({ name }) => name === known);
  if (found < 0 && !retune && operations < FEWEST_OPERATIONS) {
    const { name } = candidates[chosenProduct(device)]!;
    return { chosen: name, origin: "untuned" };
  }
  const chosen = found >= 0
    ? found
    : await fastest(device, candidates, probe ?? PROBES[device.kind]);
  chooseProduct(device, chosen);
  const { name } = candidates[chosen]!;
  if (found >= 0) return { chosen: name, origin: "known" };
  if (store) {
    await writeTuning(store, key, { device: device.description, name });
  }
  return { chosen: name, origin: "measured" };
}

function candidatesOf(device: Device): Candidate[] {
  const modes = ["nt", "nn"] as const;
  if (!readsTextures(device)) {
    return gpuTileSizes(device).map((size) => ({
      name: gpuTileName(size),
      texts: modes.map((mode) => matmulGpuShader.text({ ...size, mode })),
    }));
  }
  return cpuTileShapes(lanesOf(device)).map((shape) => ({
    name: cpuTileOutputs(shape).join("x"),
    texts: modes.map((mode) =>
      matmulCpuShader.text({
        ...shape,
        mode,
        dtype: "bf16",
        vectors: "columns",
        adds: false,
      })
    ),
  }));
}

async function fastest(
  device: Device,
  candidates: readonly Candidate[],
  probe: Probe,
): Promise<number> {
  using _scope = device.scope();
  const before = chosenProduct(device);
  const operands = makeOperands(device, probe);
  const fit: number[] = [];
  let first: Products | undefined;
  for (const i of candidates.keys()) {
    chooseProduct(device, i);
    const [y, dx] = await device.readAll(multiply(device, operands));
    const made = { y: y!, dx: dx! };
    first ??= made;
    const isSame = sameBits(made.y, first.y) && sameBits(made.dx, first.dx);
    if (isSame && areProducts(made, operands, probe)) fit.push(i);
  }
  if (fit[0] !== 0) {
    throw new Error(
      `Cannot use WebGPU device "${device.description}": its matrix products are wrong, expected those of float64 within rounding; update the graphics driver`,
    );
  }
  const times = await time(device, fit, operands);
  releaseMatrix(device, operands.w);
  chooseProduct(device, before);
  const best = fit.reduce((a, b) => times.get(b)! < times.get(a)! ? b : a, 0);
  const gain = times.get(0)! / times.get(best)!;
  return gain > CLEARLY ? best : 0;
}

interface Operands {
  readonly x: Tensor;
  readonly dy: Tensor;
  readonly w: Matrix;
  readonly xNumbers: Float32Array;
  readonly dyNumbers: Float32Array;
  readonly wNumbers: Float32Array;
}

/** `[tokens, rows]` and `[tokens, cols]` */
type Products = Readonly<Record<"y" | "dx", Float32Array>>;

/** A layer's product forward, and the gradient of its input: what training mostly does. */
function multiply(device: Device, { x, dy, w }: Operands): Tensor[] {
  return [linear(device, x, w), linearDx(device, dy, w)];
}

function makeOperands(device: Device, { tokens, rows, cols }: Probe): Operands {
  const random = new Random(1);
  const numbers = (count: number) =>
    Float32Array.from({ length: count }, () => random.uint32() / 2 ** 31 - 1);
  const xNumbers = numbers(tokens * cols);
  const bits = new Uint32Array(numbers(rows * cols).buffer);
  // bf16 is the upper half of an f32
  const halves = Uint16Array.from(bits, (word) => word >>> 16);
  const wNumbers = new Float32Array(
    bits.map((word) => word & 0xffff0000).buffer,
  );
  const w = createMatrix(device, rows, cols, "bf16");
  writeMatrixRows(device, w, 0, new Uint8Array(halves.buffer));
  const x = device.upload(xNumbers, [tokens, cols]);
  const dyNumbers = numbers(tokens * rows);
  const dy = device.upload(dyNumbers, [tokens, rows]);
  return { x, dy, w, xNumbers, dyNumbers, wNumbers };
}

function areProducts(
  { y, dx }: Products,
  { xNumbers, dyNumbers, wNumbers }: Operands,
  { tokens, rows, cols }: Probe,
): boolean {
  return isProduct(
    y,
    [tokens, rows, cols],
    (i, j, k) => xNumbers[i * cols + k]! * wNumbers[j * cols + k]!,
  ) &&
    isProduct(
      dx,
      [tokens, cols, rows],
      (i, j, k) => dyNumbers[i * rows + k]! * wNumbers[k * cols + j]!,
    );
}

/**
 * Whether sampled elements, the corners among them, are those of a float64 product within rounding.
 */
function isProduct(
  made: Float32Array,
  [rows, cols, length]: readonly [rows: number, cols: number, length: number],
  term: (row: number, col: number, k: number) => number,
): boolean {
  const tolerance = 2 ** -24 * 8 * length;
  const random = new Random(2);
  for (let n = 0; n < SAMPLES; n++) {
    const last = [rows - 1, cols - 1];
    const [i, j] = n === 0
      ? [0, 0]
      : n === 1
      ? last
      : last.map((most) => random.uint32() % (most + 1));
    let sum = 0;
    for (let k = 0; k < length; k++) sum += term(i!, j!, k);
    if (!(Math.abs(made[i! * cols + j!]! - sum) <= tolerance)) return false;
  }
  return true;
}

function sameBits(a: Float32Array, b: Float32Array): boolean {
  const [left, right] = [a, b].map((numbers) =>
    new Uint32Array(numbers.buffer)
  );
  return left!.every((word, i) => word === right![i]);
}

/**
 * Seconds of both products, the least of interleaved rounds: what other programs took is no part of
 * it. All are compiled.
 */
async function time(
  device: Device,
  fit: readonly number[],
  operands: Operands,
): Promise<Map<number, number>> {
  const least = new Map(fit.map((i) => [i, Infinity]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const i of fit) {
      using _scope = device.scope();
      chooseProduct(device, i);
      const seconds = await launchSeconds(
        device,
        () => multiply(device, operands),
      );
      least.set(i, Math.min(least.get(i)!, seconds));
    }
  }
  return least;
}

/**
 * By the device's own stamps, since a wait takes as long as a launch; by the clock where it has
 * none.
 */
async function launchSeconds(
  device: Device,
  launch: () => void,
): Promise<number> {
  if (device.gpu.features.has("timestamp-query")) {
    const end = device.startProfile();
    launch();
    return productSeconds(await end());
  }
  const began = performance.now();
  for (let n = 0; n < LAUNCHES; n++) launch();
  await device.finish();
  return (performance.now() - began) / 1000 / LAUNCHES;
}

/** Without the copies, which are the same for all candidates. */
function productSeconds(kernels: readonly KernelTime[]): number {
  return kernels.reduce(
    (sum, { name, seconds }) => name === COPIES ? sum : sum + seconds,
    0,
  );
}
