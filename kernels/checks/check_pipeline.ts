/**
 * Runs a pipeline once on the device, on small and odd inputs, and says where it differs from the
 * same text on the CPU in float64. Knows no family of kernels.
 */
import {
  type Kernel,
  kernelSource,
  packParams,
  paramsBytes,
} from "../device/kernel.ts";
import type { Pipeline, PipelineOptions } from "../device/pipelines.ts";
import {
  checkContents,
  type CheckInputs,
  checkInputs,
  TEXTURE_LINES,
} from "./check_inputs.ts";
import { createProgram, type Memory, TEXTURE_WIDTH } from "./wgsl_program.ts";

/** A number that the device computed, and what the CPU says. */
export interface Difference {
  /** The kernel's name. */
  readonly kernel: string;
  /** What was written, and where. */
  readonly place: string;
  readonly found: number;
  readonly wanted: number;
}

/** A check that the device has got and that is not yet compared. */
export interface RunningCheck {
  /** Waits until what the device wrote can be read. */
  readonly done: Promise<unknown>;
  /** What differs; undefined if nothing does. */
  compare(): Difference | undefined;
  /** Frees what the check holds on the device. */
  destroy(): void;
}

/** Rounding of a sum of some dozens, and of the device's own exp, log and tanh. */
const RELATIVE = 2e-3;
const BYTES_PER_LINE = TEXTURE_WIDTH * 16;

/** What a kernel gets, and what it makes of that on the CPU. */
export interface PreparedCheck {
  readonly inputs: CheckInputs;
  readonly before: Readonly<Record<string, Memory>>;
  readonly wanted: Readonly<Record<string, Memory>>;
}

/** Runs a kernel's text on the CPU. */
export function prepareCheck(
  kernel: Kernel,
  { constants = {}, aliases = {} }: PipelineOptions,
): PreparedCheck {
  const program = createProgram(kernelSource(kernel, aliases), constants);
  const inputs = checkInputs(kernel);
  const before: Record<string, Memory> = {};
  const wanted: Record<string, Memory> = {};
  for (const [i, { name, access, format }] of kernel.bindings.entries()) {
    const element = program.elements[name]!;
    const numbers = checkContents(name, i, element, format !== undefined);
    before[name] = numbers;
    wanted[name] = access === "read" ? numbers : numbers.slice();
  }
  program.run(wanted, inputs.params, inputs.grid);
  return { inputs, before, wanted };
}

/** Gives a check to the device. */
export function launchCheck(
  gpu: GPUDevice,
  { kernel, pipeline, layout }: Pipeline,
  prepared: PreparedCheck,
): RunningCheck {
  const { inputs: { params, grid }, before } = prepared;
  const held: (GPUBuffer | GPUTexture)[] = [];
  const written: Written[] = [];
  const entries: GPUBindGroupEntry[] = [];
  for (const { name, index, access, format } of kernel.bindings) {
    const numbers = before[name]!;
    const from = format === undefined
      ? bufferOf(gpu, numbers)
      : textureOf(gpu, numbers, format);
    held.push(from);
    const resource = from instanceof GPUTexture
      ? from.createView()
      : { buffer: from };
    entries.push({ binding: index, resource });
    if (access === "read") continue;
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    const staging = gpu.createBuffer({ size: numbers.byteLength, usage });
    held.push(staging);
    written.push({ name, from, staging });
  }
  if (kernel.paramsIndex !== undefined) {
    const buffer = paramsOf(gpu, kernel, params);
    held.push(buffer);
    const resource = { buffer, size: paramsBytes(kernel) };
    entries.push({ binding: kernel.paramsIndex, resource });
  }
  const encoder = gpu.createCommandEncoder({ label: "check" });
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  const group = gpu.createBindGroup({ layout, entries });
  pass.setBindGroup(0, group, kernel.paramsIndex === undefined ? [] : [0]);
  pass.dispatchWorkgroups(...grid);
  pass.end();
  for (const { from, staging } of written) copyOut(encoder, from, staging);
  gpu.queue.submit([encoder.finish()]);
  const reads = written.map(({ staging }) => staging.mapAsync(GPUMapMode.READ));
  return {
    done: Promise.all(reads),
    compare: () => firstDifference(kernel.name, written, prepared),
    destroy: () => held.forEach((one) => one.destroy()),
  };
}

/** Something that a kernel writes, and where it can be read. */
interface Written {
  readonly name: string;
  readonly from: GPUBuffer | GPUTexture;
  readonly staging: GPUBuffer;
}

function bufferOf(gpu: GPUDevice, numbers: Memory): GPUBuffer {
  const buffer = gpu.createBuffer({
    size: numbers.byteLength,
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC |
      GPUBufferUsage.COPY_DST,
  });
  gpu.queue.writeBuffer(buffer, 0, numbers as Float32Array<ArrayBuffer>);
  return buffer;
}

function textureOf(
  gpu: GPUDevice,
  numbers: Memory,
  format: "rgba32float" | "rgba32uint",
): GPUTexture {
  const size = [TEXTURE_WIDTH, TEXTURE_LINES];
  const texture = gpu.createTexture({
    size,
    format,
    usage: GPUTextureUsage.STORAGE_BINDING | GPUTextureUsage.COPY_SRC |
      GPUTextureUsage.COPY_DST,
  });
  gpu.queue.writeTexture(
    { texture },
    numbers as Float32Array<ArrayBuffer>,
    { bytesPerRow: BYTES_PER_LINE },
    size,
  );
  return texture;
}

function copyOut(
  encoder: GPUCommandEncoder,
  from: GPUBuffer | GPUTexture,
  staging: GPUBuffer,
): void {
  if (from instanceof GPUTexture) {
    encoder.copyTextureToBuffer(
      { texture: from },
      { buffer: staging, bytesPerRow: BYTES_PER_LINE },
      [TEXTURE_WIDTH, TEXTURE_LINES],
    );
  } else encoder.copyBufferToBuffer(from, 0, staging, 0, staging.size);
}

function paramsOf(
  gpu: GPUDevice,
  kernel: Kernel,
  params: Readonly<Record<string, number>>,
): GPUBuffer {
  const view = new DataView(new ArrayBuffer(paramsBytes(kernel)));
  packParams(kernel, params, view, 0);
  const buffer = gpu.createBuffer({
    size: view.byteLength,
    usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
  });
  gpu.queue.writeBuffer(buffer, 0, view.buffer);
  return buffer;
}

function firstDifference(
  kernel: string,
  written: readonly Written[],
  { wanted, before }: PreparedCheck,
): Difference | undefined {
  for (const { name, staging } of written) {
    const bytes = staging.getMappedRange();
    const should = wanted[name]!;
    const found = should instanceof Float32Array
      ? new Float32Array(bytes)
      : new Uint32Array(bytes);
    const at = differs(found, should, before[name]!);
    if (at < 0) continue;
    const place = `${name}[${at}]`;
    return { kernel, place, found: found[at]!, wanted: should[at]! };
  }
  return undefined;
}

/** The first place where two differ by more than rounding; -1 if they do nowhere. */
function differs(found: Memory, wanted: Memory, before: Memory): number {
  const isFloat = wanted instanceof Float32Array;
  let most = 0;
  for (let i = 0; isFloat && i < wanted.length; i++) {
    const size = Math.abs(wanted[i]!);
    if (size > most && size < 1e30 && wanted[i] !== before[i]) most = size;
  }
  for (let i = 0; i < wanted.length; i++) {
    const [is, should] = [found[i]!, wanted[i]!];
    if (is === should || (is !== is && should !== should)) continue;
    // what nearly cancels is as wrong as its terms
    const least = RELATIVE * (Math.abs(should) + 1e-3 * most);
    if (!isFloat || !(Math.abs(is - should) <= least)) return i;
  }
  return -1;
}
