/**
 * A GPU that computes nothing and holds nothing: it makes buffers and textures of the right sizes,
 * and reads back zeros. A run on it tells what the same run will hold on a real device, before that
 * allocates a byte.
 */

/** Stands for whatever is called on it: encoders, passes, layouts, pipelines. */
const mute: unknown = new Proxy(() => {}, {
  get: (_, name) => name === "then" ? undefined : mute,
  apply: () => mute,
});

const muteCall = () => mute;

function countingBuffer({ size }: GPUBufferDescriptor): unknown {
  return {
    size,
    destroy() {},
    mapAsync: () => Promise.resolve(),
    getMappedRange: () => new ArrayBuffer(size),
  };
}

function countingTexture({ size, format }: GPUTextureDescriptor): unknown {
  const [width, height] = size as number[];
  const texture = Object.create(GPUTexture.prototype);
  const properties = { width, height, format, createView: muteCall };
  for (const [name, value] of Object.entries(properties)) {
    Object.defineProperty(texture, name, { value });
  }
  return Object.defineProperty(texture, "destroy", { value() {} });
}

/** A GPU with the limits of another, for `Device.counting()`. */
export function countingGpu(limits: GPUSupportedLimits): GPUDevice {
  const gpu = {
    limits,
    features: new Set<string>(),
    lost: new Promise(() => {}),
    queue: {
      writeBuffer() {},
      submit() {},
      onSubmittedWorkDone: () => Promise.resolve(),
    },
    addEventListener() {},
    pushErrorScope() {},
    popErrorScope: () => Promise.resolve(null),
    destroy() {},
    createBuffer: countingBuffer,
    createTexture: countingTexture,
    createBindGroup: muteCall,
    createBindGroupLayout: muteCall,
    createPipelineLayout: muteCall,
    createShaderModule: muteCall,
    createComputePipeline: muteCall,
    createCommandEncoder: muteCall,
  };
  // all that the engine calls is above
  return gpu as unknown as GPUDevice;
}
