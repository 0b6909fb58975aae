/**
 * A compute kernel whose WGSL text is the only place where its bindings and parameters are
 * declared. Reads them from the text; knows no device.
 */

/** One resource of a kernel. */
export interface KernelBinding {
  readonly name: string;
  readonly index: number;
  /** Storage buffers may be read and written, storage textures read or written. */
  readonly access: "read" | "read_write" | "write";
  /** Of a storage texture; undefined for a buffer. */
  readonly format?: "rgba32float" | "rgba32uint";
}

/** One scalar of `struct Params`, four bytes. */
export interface KernelParam {
  readonly name: string;
  readonly type: "u32" | "i32" | "f32";
}

/** A kernel as its text declares it. */
export interface Kernel {
  readonly name: string;
  readonly source: string;
  readonly bindings: readonly KernelBinding[];
  readonly params: readonly KernelParam[];
  /** Binding index of the uniform `params`; undefined if the kernel has none. */
  readonly paramsIndex: number | undefined;
}

const BUFFER =
  /@group\(0\)\s*@binding\((\d+)\)\s*var<storage,\s*(read|read_write)>\s*(\w+)/g;
const TEXTURE =
  /@group\(0\)\s*@binding\((\d+)\)\s*var\s+(\w+)\s*:\s*texture_storage_2d<(rgba32float|rgba32uint),\s*(read|write)>/g;
const UNIFORM = /@group\(0\)\s*@binding\((\d+)\)\s*var<uniform>\s*params/;
const PARAMS = /struct Params\s*\{([^}]*)\}/;
const FIELD = /(\w+)\s*:\s*(u32|i32|f32)/g;
const ALIAS = /alias (\w+) = (\w+);/g;

/** Reads the bindings and parameters of a kernel from its WGSL text. */
export function defineKernel(name: string, source: string): Kernel {
  const buffers = [...source.matchAll(BUFFER)].map((
    [, index, access, name],
  ) => ({
    name: name!,
    index: Number(index),
    access: access as KernelBinding["access"],
  }));
  const textures = [...source.matchAll(TEXTURE)].map((
    [, index, name, format, access],
  ) => ({
    name: name!,
    index: Number(index),
    access: access as KernelBinding["access"],
    format: format as NonNullable<KernelBinding["format"]>,
  }));
  const fields = PARAMS.exec(source)?.[1]?.replaceAll(/\/\/.*/g, "") ?? "";
  const params = [...fields.matchAll(FIELD)].map(([, name, type]) => ({
    name: name!,
    type: type as KernelParam["type"],
  }));
  const uniform = UNIFORM.exec(source)?.[1];
  return {
    name,
    source,
    bindings: [...buffers, ...textures].sort((a, b) => a.index - b.index),
    params,
    paramsIndex: uniform === undefined ? undefined : Number(uniform),
  };
}

/** Bytes of `struct Params`, as a uniform wants them: a multiple of 16. */
export function paramsBytes(kernel: Kernel): number {
  return Math.max(16, Math.ceil(kernel.params.length / 4) * 16);
}

/**
 * Writes scalars in the layout of `struct Params` at `offset` of `view`.
 *
 * @throws {TypeError} if a parameter is missing
 */
export function packParams(
  kernel: Kernel,
  values: Readonly<Record<string, number>>,
  view: DataView,
  offset: number,
): void {
  for (const [i, { name, type }] of kernel.params.entries()) {
    const value = values[name];
    if (value === undefined) {
      throw new TypeError(
        `Cannot launch kernel "${kernel.name}": parameter "${name}" is missing`,
      );
    }
    const at = offset + i * 4;
    if (type === "f32") view.setFloat32(at, value, true);
    else if (type === "i32") view.setInt32(at, value, true);
    else view.setUint32(at, value, true);
  }
}

/**
 * The kernel's text with each `alias Name = type;` line named in `aliases` replaced: the one
 * substitution there is.
 */
export function kernelSource(
  kernel: Kernel,
  aliases: Readonly<Record<string, string>>,
): string {
  const text = kernel.source.replaceAll(
    ALIAS,
    (line, name) =>
      name in aliases ? `alias ${name} = ${aliases[name]};` : line,
  );
  return Object.values(aliases).includes("f16") ? `enable f16;\n${text}` : text;
}
