/**
 * A shader file and its kernels: one for each set of values, written at its first use and kept.
 * Knows no device.
 */
import {
  createExpander,
  type ShaderFile,
  type ShaderValue,
  type ShaderValues,
} from "./expand.ts";
import { defineKernel, type Kernel } from "./kernel.ts";

/** The kernels of one shader file. */
export interface Shader<T> {
  /** The name of the file. */
  readonly file: string;
  /** The kernel for these values. */
  kernel(of: T): Kernel;
  /** Its text, written anew. */
  text(of: T): string;
  /** The kernels of all that launches choose. */
  everyKernel(): Generator<Kernel>;
}

/** How the kernels of a shader file are called, and which there are. */
export interface ShaderUse<T> {
  /** The name of a kernel in profiles and errors, another one for other values. */
  readonly nameOf: (of: T) => string;
  /** The values by the names in the file; default: T names them itself. */
  readonly valuesOf?: (of: T) => ShaderValues;
  /**
   * All that launches choose, some of it where any number may be chosen, as for the size of a head.
   */
  readonly used: () => Iterable<T>;
}

/** The kernels of a shader file, which takes the values `V`. */
export function createShader<
  V extends { readonly [K in keyof V]: ShaderValue },
>(
  file: ShaderFile,
  use: Omit<ShaderUse<V>, "valuesOf">,
): Shader<V>;
/**
 * The kernels of a shader file, which takes the values that `valuesOf` makes of a `T`, such as a
 * tile.
 */
export function createShader<T extends object>(
  file: ShaderFile,
  use: Required<ShaderUse<T>>,
): Shader<T>;
/** See above. */
export function createShader<T extends object>(
  file: ShaderFile,
  {
    nameOf,
    valuesOf = (of) => Object.fromEntries(Object.entries(of)),
    used,
  }: ShaderUse<T>,
): Shader<T> {
  const kernels = new Map<string, Kernel>();
  const expand = createExpander(file);
  const text = (of: T) => expand(valuesOf(of));
  const kernel = (of: T) => {
    const name = nameOf(of);
    const known = kernels.get(name);
    if (known) return known;
    const made = defineKernel(name, text(of));
    kernels.set(name, made);
    return made;
  };
  return {
    file: file.name,
    text,
    kernel,
    *everyKernel() {
      yield* new Set([...used()].map(kernel));
    },
  };
}

/** The kernel of a file that takes no values but has pieces; it is called as the file is. */
export function singleKernel(file: ShaderFile): Shader<Record<never, never>> {
  const name = file.name.replace(/\.wgsl$/, "");
  return createShader(file, { nameOf: () => name, used: () => [{}] });
}
