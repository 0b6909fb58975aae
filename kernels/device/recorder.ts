/**
 * Records launches and copies in order and submits them in short submissions. Parameters of all
 * launches of a submission lie in one uniform buffer and are bound by dynamic offset, so bind
 * groups can be used again. Knows pipelines and resources, not tensors.
 */
import { type Kernel, packParams, paramsBytes } from "./kernel.ts";
import type { Pipeline } from "./pipelines.ts";

/** What the device owns and pools. */
export type Resource = GPUBuffer | GPUTexture;

/** What a kernel's binding is given: a texture, a buffer, or a part of a buffer in bytes. */
export interface Bound {
  readonly resource: Resource;
  readonly offset?: number;
  readonly size?: number;
}

/** Groups of a dispatch, x, y and z. */
export type Grid = readonly [x: number, y?: number, z?: number];

/** Takes the times of passes; told of all that is recorded. */
export interface LaunchTimer {
  /** How the pass of a launch begins. */
  pass(name: string): GPUComputePassDescriptor;
  /** A copy comes between the passes. */
  copied(encoder: GPUCommandEncoder): void;
  /** The encoder is about to end. */
  resolve(encoder: GPUCommandEncoder): void;
}

/** The queue's writer; see `createRecorder()`. */
export interface Recorder {
  launch(
    pipeline: Pipeline,
    bound: readonly Bound[],
    params: Readonly<Record<string, number>>,
    grid: Grid,
  ): void;
  /** Records a copy between the passes, in order with the launches. */
  copy(record: (encoder: GPUCommandEncoder) => void): void;
  /** Submits what is recorded. Needed before `queue.writeBuffer`, which would overtake it. */
  flush(): void;
  /**
   * From now on every launch is a pass of its own, whose time goes to `timer`; undefined ends that.
   */
  time(timer: LaunchTimer | undefined): void;
  destroy(): void;
}

const ARENA_BYTES = 1 << 16;
const PARAMS_ALIGNMENT = 256;
/** Submissions stay well under a second, so that timers and signals are served in between. */
const LAUNCHES_PER_SUBMISSION = 48;
/**
 * Light ones, as of a decoded token, are longer: each wakes this thread, which takes a processor
 * from the threads of a CPU that plays the GPU.
 */
export const LIGHT_LAUNCHES_PER_SUBMISSION = 192;
/** Workgroups of a submission that is not light. */
const MANY_GROUPS = 2_048;
/**
 * A bind group holds 4 kB in the driver; a step of a 24-layer model has about so many, and batches
 * of many lengths make many.
 */
const MAX_BIND_GROUPS = 8_192;

/** Creates the recorder of a device. */
export function createRecorder(
  gpu: GPUDevice,
  submitting: (submit: () => void) => void = (submit) => submit(),
): Recorder {
  const arena = gpu.createBuffer({
    label: "params",
    size: ARENA_BYTES,
    usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
  });
  const bytes = new ArrayBuffer(ARENA_BYTES);
  const view = new DataView(bytes);
  const ids = new WeakMap<Resource, number>();
  const bindGroups = new Map<string, GPUBindGroup>();
  let nextId = 0;
  let used = 0;
  let launches = 0;
  let groups = 0;
  let encoder: GPUCommandEncoder | undefined;
  let pass: GPUComputePassEncoder | undefined;
  let timer: LaunchTimer | undefined;

  function idOf(resource: Resource): number {
    const id = ids.get(resource) ?? nextId++;
    ids.set(resource, id);
    return id;
  }

  function keyOf({ resource, offset, size }: Bound): string {
    const id = idOf(resource);
    return size === undefined ? `${id}` : `${id}@${offset}+${size}`;
  }

  function bindGroup(
    pipeline: Pipeline,
    bound: readonly Bound[],
  ): GPUBindGroup {
    const key = `${pipeline.id}:${bound.map(keyOf).join()}`;
    const known = bindGroups.get(key);
    if (known) return known;
    if (bindGroups.size >= MAX_BIND_GROUPS) bindGroups.clear();
    const made = gpu.createBindGroup({
      label: pipeline.kernel.name,
      layout: pipeline.layout,
      entries: bindGroupEntries(pipeline.kernel, bound, arena),
    });
    bindGroups.set(key, made);
    return made;
  }

  function flush(): void {
    pass?.end();
    if (used > 0) gpu.queue.writeBuffer(arena, 0, bytes, 0, used);
    if (encoder) {
      timer?.resolve(encoder);
      const commands = encoder.finish();
      submitting(() => gpu.queue.submit([commands]));
    }
    pass = encoder = undefined;
    used = launches = groups = 0;
  }

  function isFull(): boolean {
    const most = groups < MANY_GROUPS
      ? LIGHT_LAUNCHES_PER_SUBMISSION
      : LAUNCHES_PER_SUBMISSION;
    return used + PARAMS_ALIGNMENT > ARENA_BYTES || launches >= most;
  }

  return {
    launch(pipeline, bound, params, [x, y = 1, z = 1]) {
      if (isFull()) flush();
      const offsets: number[] = [];
      if (pipeline.kernel.paramsIndex !== undefined) {
        packParams(pipeline.kernel, params, view, used);
        offsets.push(used);
        used += PARAMS_ALIGNMENT;
      }
      encoder ??= gpu.createCommandEncoder();
      if (timer) {
        pass?.end();
        pass = encoder.beginComputePass(timer.pass(pipeline.kernel.name));
      } else pass ??= encoder.beginComputePass();
      pass.setPipeline(pipeline.pipeline);
      pass.setBindGroup(0, bindGroup(pipeline, bound), offsets);
      pass.dispatchWorkgroups(x, y, z);
      launches++;
      groups += x * y * z;
    },
    copy(record) {
      pass?.end();
      pass = undefined;
      encoder ??= gpu.createCommandEncoder();
      timer?.copied(encoder);
      record(encoder);
    },
    flush,
    time(next) {
      flush();
      timer = next;
    },
    destroy() {
      bindGroups.clear();
      arena.destroy();
    },
  };
}

function bindGroupEntries(
  kernel: Kernel,
  bound: readonly Bound[],
  arena: GPUBuffer,
): GPUBindGroupEntry[] {
  const entries: GPUBindGroupEntry[] = kernel.bindings.map(({ index }, i) => {
    const { resource, offset = 0, size } = bound[i]!;
    if (resource instanceof GPUTexture) {
      return { binding: index, resource: resource.createView() };
    }
    const range = size === undefined ? {} : { offset, size };
    return { binding: index, resource: { buffer: resource, ...range } };
  });
  if (kernel.paramsIndex !== undefined) {
    entries.push({
      binding: kernel.paramsIndex,
      resource: { buffer: arena, offset: 0, size: paramsBytes(kernel) },
    });
  }
  return entries;
}
