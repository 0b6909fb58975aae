/**
 * Compiles kernels once per set of constants and type aliases. Layouts are explicit:
 * `layout: "auto"` would drop bindings that a kernel happens not to use.
 */
import { type Kernel, kernelSource, paramsBytes } from "./kernel.ts";

/** A compiled kernel. */
export interface Pipeline {
  readonly id: number;
  readonly kernel: Kernel;
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** What may differ between two uses of one kernel text. */
export interface PipelineOptions {
  /** Values of `override` constants, such as tile sizes. */
  readonly constants?: Readonly<Record<string, number>>;
  /** Types of `alias` lines, such as `{ Real: "f16" }`. */
  readonly aliases?: Readonly<Record<string, string>>;
}

/** Returns a function that gives the pipeline of a kernel, compiling it at its first use. */
export function createPipelines(
  gpu: GPUDevice,
): (kernel: Kernel, options: PipelineOptions) => Pipeline {
  const known = new Map<string, Pipeline>();
  return (kernel, options) => {
    const key = `${kernel.name} ${JSON.stringify(options)}`;
    const found = known.get(key);
    if (found) return found;
    const made = compile(gpu, kernel, options, known.size);
    known.set(key, made);
    return made;
  };
}

function compile(
  gpu: GPUDevice,
  kernel: Kernel,
  { constants = {}, aliases = {} }: PipelineOptions,
  id: number,
): Pipeline {
  const layout = gpu.createBindGroupLayout({
    label: kernel.name,
    entries: layoutEntries(kernel),
  });
  const module = gpu.createShaderModule({
    label: kernel.name,
    code: kernelSource(kernel, aliases),
  });
  const pipeline = gpu.createComputePipeline({
    label: kernel.name,
    layout: gpu.createPipelineLayout({ bindGroupLayouts: [layout] }),
    compute: { module, entryPoint: "main", constants: { ...constants } },
  });
  return { id, kernel, pipeline, layout };
}

function layoutEntries(kernel: Kernel): GPUBindGroupLayoutEntry[] {
  const visibility = GPUShaderStage.COMPUTE;
  const entries: GPUBindGroupLayoutEntry[] = kernel.bindings.map(
    ({ index, access, format }) => {
      if (format) {
        const mode = access === "read" ? "read-only" : "write-only";
        const storageTexture = { access: mode, format } as const;
        return { binding: index, visibility, storageTexture };
      }
      const type = access === "read" ? "read-only-storage" : "storage";
      return { binding: index, visibility, buffer: { type } };
    },
  );
  if (kernel.paramsIndex !== undefined) {
    const buffer = {
      type: "uniform",
      hasDynamicOffset: true,
      minBindingSize: paramsBytes(kernel),
    } as const;
    entries.push({ binding: kernel.paramsIndex, visibility, buffer });
  }
  return entries;
}
