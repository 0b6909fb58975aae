/**
 * A GPU that works until its N-th call of a kind, where the machine fails: the device is lost, has
 * no memory left, or does not answer. All else is the real one's.
 */

/** What fails, and at which call. */
export const FAULTS = {
  /** The device is lost as work is handed to it. */
  "lost at a submission": "submit",
  /** It is lost while an answer is awaited. */
  "lost at an answer": "map",
  /** It is lost just after an answer, while nobody waits. */
  "lost after an answer": "map",
  /** It has no memory for a buffer. */
  "no memory": "buffer",
  /** The same, told by an error that is thrown. */
  "no memory, thrown": "buffer",
  /** An answer never comes. */
  "no answer": "map",
} as const;

/** A fault of the machine, by its name. */
export type GpuFault = keyof typeof FAULTS;
/** The calls that are counted. */
export type GpuCall = (typeof FAULTS)[GpuFault];

/** Calls so far. */
export type GpuCalls = Record<GpuCall, number>;

const METHODS: Readonly<Record<string, GpuCall>> = {
  submit: "submit",
  createBuffer: "buffer",
  mapAsync: "map",
};

/**
 * Wraps a GPU.
 *
 * @param at the number of the call that fails, from 1; 0: none does
 * @returns the GPU, and its calls as they are counted
 */
export function faultyGpu(
  real: GPUDevice,
  fault: GpuFault,
  at: number,
): { gpu: GPUDevice; calls: GpuCalls } {
  const calls: GpuCalls = { submit: 0, map: 0, buffer: 0 };
  let noMemory = false;
  const isAt = (method: string) => {
    const call = METHODS[method]!;
    return ++calls[call] === at && FAULTS[fault] === call;
  };
  const queue = overridden(real.queue, {
    submit(commands: GPUCommandBuffer[]) {
      if (isAt("submit")) real.destroy();
      real.queue.submit(commands);
    },
  });
  async function map(buffer: GPUBuffer, mode: number): Promise<void> {
    const fails = isAt("mapAsync");
    if (fails && fault === "no answer") return await new Promise(() => {});
    if (fails && fault === "lost at an answer") real.destroy();
    await GPUBuffer.prototype.mapAsync.call(buffer, mode);
    if (fails) queueMicrotask(() => real.destroy());
  }
  const gpu = overridden(real, {
    createBuffer(descriptor: GPUBufferDescriptor) {
      if (isAt("createBuffer")) {
        const error = new GPUOutOfMemoryError("not enough memory left");
        if (fault === "no memory, thrown") throw new RangeError(error.message);
        noMemory = true;
        // without a use it is invalid, as one without memory would be
        return real.createBuffer({ ...descriptor, usage: 0 });
      }
      const buffer = real.createBuffer(descriptor);
      const value = (mode: number) => map(buffer, mode);
      return Object.defineProperty(buffer, "mapAsync", { value });
    },
    async popErrorScope() {
      const error = await real.popErrorScope();
      if (!noMemory) return error;
      noMemory = false;
      return new GPUOutOfMemoryError("not enough memory left");
    },
  }, { queue });
  return { gpu, calls };
}

/** An object whose methods and properties are those of another, but for some. */
function overridden<T extends object>(
  real: T,
  methods: Readonly<Record<string, unknown>>,
  properties: Readonly<Record<string, unknown>> = {},
): T {
  const own = { ...methods, ...properties };
  return new Proxy(real, {
    get(_, name) {
      if (typeof name === "string" && Object.hasOwn(own, name)) {
        return own[name];
      }
      const value: unknown = Reflect.get(real, name, real);
      return typeof value === "function" ? value.bind(real) : value;
    },
  });
}
