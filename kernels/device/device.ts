/**
 * The one owner of the GPU: pipelines, recorded work, and the buffers that scopes lend from a pool.
 * Knows tensors and kernels by name, no op and no model.
 *
 * Errors of WebGPU are silent by nature (zeros come back): the first one is kept and thrown at the
 * next read.
 */
import { type Answers, createAnswers } from "./answers.ts";
import { boundOf, checkGrid } from "./bindings.ts";
import { countingGpu } from "./counting_gpu.ts";
import type { DeviceKind, DeviceOptions, Scope } from "./device_options.ts";
import { type Faults, watchFaults } from "./faults.ts";
import type { Kernel } from "./kernel.ts";
import { type KernelTime, startProfile } from "./launch_profile.ts";
import type { OpenedGpu } from "./open_gpu.ts";
import {
  createPipelines,
  type Pipeline,
  type PipelineOptions,
} from "./pipelines.ts";
import { createPool, type DeviceMemory, type Pool } from "./pool.ts";
import { readBack } from "./readback.ts";
import {
  createRecorder,
  type Grid,
  type Recorder,
  type Resource,
} from "./recorder.ts";
import { createScopes, type Scopes } from "./scopes.ts";
import { type DType, type Tensor, tensorBytes } from "./tensor.ts";
import { type NumberArray, writeChunks } from "./upload_bytes.ts";

/**
 * Staging memory piles up in the driver, which keeps some of it for good: wait after so many
 * uploaded bytes.
 */
const UPLOAD_WAIT_BYTES = 32 << 20;

/** An open device: a GPU, or a CPU with Vulkan in software. Dispose it at the end. */
export class Device implements Disposable {
  /** Which set of kernels runs. */
  readonly kind: DeviceKind;
  /** Name and driver of the device. */
  readonly description: string;
  /** Most bytes of one binding; weights above it are bound in windows. */
  readonly windowBytes: number;
  /** Most bytes that it may hold. */
  readonly budgetBytes: number;
  /** @internal */
  readonly gpu: GPUDevice;
  #pipeline: (kernel: Kernel, options: PipelineOptions) => Pipeline;
  #recorder: Recorder;
  #pool: Pool;
  #scopes: Scopes<Resource>;
  #faults: Faults;
  #answers: Answers;
  #uploaded = 0;
  #mostGroups: number; // kept, since the device's own answer takes a microsecond
  #mostBytes: number;

  private constructor(
    gpu: GPUDevice,
    description: string,
    kind: DeviceKind,
    { budgetBytes = Infinity, windowBytes, answerSeconds, watch }:
      DeviceOptions,
  ) {
    this.gpu = gpu;
    this.description = description;
    this.kind = kind;
    this.#mostGroups = gpu.limits.maxComputeWorkgroupsPerDimension;
    this.#mostBytes = gpu.limits.maxStorageBufferBindingSize;
    this.windowBytes = windowBytes ?? this.#mostBytes;
    this.#pipeline = createPipelines(gpu);
    this.budgetBytes = budgetBytes;
    this.#faults = watchFaults(gpu, () => this.#pool.memory.allocatedBytes);
    this.#answers = createAnswers(this.#faults, {
      kind,
      seconds: answerSeconds,
      watch,
    });
    this.#recorder = createRecorder(gpu, this.#answers.held);
    this.#pool = createPool(gpu, budgetBytes, {
      beforeDestroy: () => this.#recorder.flush(),
      allocating: this.#faults.allocating,
    });
    this.#scopes = createScopes((resource) => this.#pool.giveBack(resource));
  }

  /** A device on a GPU that is open; `openDevice()` finds and opens one on Deno. */
  static of(opened: OpenedGpu, options: DeviceOptions = {}): Device {
    const { gpu, description, isCpu } = opened;
    const kind = options.kind ?? (isCpu ? "cpu" : "gpu");
    return new Device(gpu, description, kind, options);
  }

  /**
   * A device that computes nothing and reads zeros, but whose `memory` counts as that of `like`
   * would.
   * @internal
   */
  static counting(like: Device, budgetBytes = Infinity): Device {
    const { gpu, description, kind, windowBytes } = like;
    return new Device(countingGpu(gpu.limits), description, kind, {
      budgetBytes,
      windowBytes,
    });
  }

  /** Bytes of buffers and textures, now and at most so far. */
  get memory(): DeviceMemory {
    return this.#pool.memory;
  }

  /**
   * Opens a scope: what is allocated until its disposal goes back to the pool then.
   */
  scope(): Scope {
    const scope = this.#scopes.open();
    return {
      keep: (resource) => {
        for (const held of resourcesOf(resource)) scope.keep(held);
        return resource;
      },
      [Symbol.dispose]: () => scope.close(),
    };
  }

  /**
   * A tensor with arbitrary contents, owned by the innermost scope; by nobody if none is open.
   * @internal
   */
  allocate(shape: readonly number[], dtype: DType = "f32"): Tensor {
    const buffer = this.#pool.buffer(tensorBytes(shape, dtype));
    this.#scopes.own(buffer);
    return { buffer, shape, dtype };
  }

  /**
   * A storage texture of 16-byte texels with arbitrary contents, owned like a tensor.
   * @internal
   */
  allocateTexture(
    format: "rgba32float" | "rgba32uint",
    width: number,
    height: number,
  ): GPUTexture {
    const texture = this.#pool.texture(format, width, height);
    this.#scopes.own(texture);
    return texture;
  }

  /**
   * A tensor of zeros.
   * @internal
   */
  zeros(shape: readonly number[], dtype: DType = "f32"): Tensor {
    const tensor = this.allocate(shape, dtype);
    this.#recorder.copy((encoder) => encoder.clearBuffer(tensor.buffer));
    return tensor;
  }

  /**
   * A tensor with the given contents.
   */
  upload(
    data: NumberArray,
    shape: readonly number[],
    dtype: DType = "f32",
  ): Tensor {
    const tensor = this.allocate(shape, dtype);
    this.write(tensor, data);
    return tensor;
  }

  /**
   * Overwrites a tensor from the start, or from byte `offset` on (a multiple of 4).
   * @internal
   */
  write(tensor: Tensor, data: NumberArray, offset = 0): void {
    this.#recorder.flush();
    const start = (tensor.byteOffset ?? 0) + offset;
    this.#uploaded += writeChunks(this.gpu.queue, tensor.buffer, start, data);
  }

  /**
   * Waits if much has been uploaded since the last wait; call it between the chunks of a big load.
   * @internal
   */
  async drainUploads(): Promise<void> {
    if (this.#uploaded < UPLOAD_WAIT_BYTES) return;
    await this.finish();
  }

  /**
   * Submits what is recorded, so that the device works while the caller does something else.
   * @internal
   */
  submit(): void {
    this.#recorder.flush();
  }

  /**
   * Starts to time every launch, each a pass of its own; the result gives the times, and ends it.
   *
   * @throws {TypeError} if the device has no timestamps
   * @internal
   */
  startProfile(): () => Promise<KernelTime[]> {
    return startProfile(this.gpu, this.#recorder, this.#answers);
  }

  /** Waits until all recorded work is done. */
  async finish(): Promise<void> {
    this.#recorder.flush();
    this.#uploaded = 0;
    await this.#answers.wait(() => this.gpu.queue.onSubmittedWorkDone());
  }

  /**
   * Records a launch of `kernel` with resources and parameters by the names in its text.
   *
   * @throws {TypeError} if a binding or parameter is missing
   * @throws {RangeError} if the grid is beyond the device's limit
   * @internal
   */
  launch(
    kernel: Kernel,
    bindings: Readonly<Record<string, Tensor | GPUTexture>>,
    params: Readonly<Record<string, number>>,
    grid: Grid,
    options: PipelineOptions = {},
  ): void {
    checkGrid(kernel, grid, this.#mostGroups);
    const bound = boundOf(kernel, bindings, this.#mostBytes);
    const pipeline = this.#pipeline(kernel, options);
    this.#recorder.launch(pipeline, bound, params, grid);
  }

  /**
   * Records a copy or clear between the launches, in order with them.
   * @internal
   */
  record(copy: (encoder: GPUCommandEncoder) => void): void {
    this.#recorder.copy(copy);
  }

  /**
   * Gives a tensor's buffer or a texture back to the pool before its scope ends.
   * @internal
   */
  release(resource: Tensor | GPUTexture): void {
    for (const held of resourcesOf(resource)) this.#scopes.release(held);
  }

  /**
   * Reads an f32 tensor; waits for all recorded work.
   */
  async read(tensor: Tensor): Promise<Float32Array<ArrayBuffer>> {
    return new Float32Array(await this.readBytes(tensor));
  }

  /**
   * Reads a tensor's bytes; waits for all recorded work.
   *
   * @throws {DeviceFault} if the machine failed
   * @throws {Error} the first WebGPU error since the last read, by its own words
   * @internal
   */
  async readBytes(tensor: Tensor): Promise<ArrayBuffer> {
    const [bytes] = await this.#read([tensor]);
    return bytes!;
  }

  /**
   * Reads several f32 tensors in one wait.
   * @internal
   */
  async readAll(
    tensors: readonly Tensor[],
  ): Promise<Float32Array<ArrayBuffer>[]> {
    const parts = await this.#read(tensors);
    return parts.map((bytes) => new Float32Array(bytes));
  }

  async #read(tensors: readonly Tensor[]): Promise<ArrayBuffer[]> {
    this.#faults.throwFirst();
    return await readBack(
      this.gpu,
      {
        recorder: this.#recorder,
        faults: this.#faults,
        answers: this.#answers,
      },
      tensors,
    );
  }

  /** Frees pooled buffers that nobody uses. */
  trim(): void {
    this.#pool.trim();
  }

  /** Frees everything; what is recorded and not yet read is lost. */
  [Symbol.dispose](): void {
    this.#faults.close();
    this.#answers.held(() => {
      this.#recorder.destroy();
      this.#pool.destroy();
      this.gpu.destroy();
    });
  }
}

function resourcesOf(given: Tensor | GPUTexture): Resource[] {
  if (given instanceof GPUTexture) return [given];
  return given.flat ? [given.buffer, given.flat] : [given.buffer];
}
