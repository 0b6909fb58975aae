/**
 * A shader file and its kernels: one for each set of values, written at its first use and kept. Knows no device.
 */
import { expand, type ShaderFile, type Value } from "./expand.ts";
import { defineKernel, type Kernel } from "./kernel.ts";

/** The kernels of one shader file. */
export interface Shader<V> {
  /** The name of the file. */
  readonly file: string;
  /** The kernel for these values. */
  kernel(values: V): Kernel;
  /** Its text, written anew. */
  text(values: V): string;
  /** The kernels for all values that launches choose. */
  everyKernel(): Generator<Kernel>;
}

/** How the kernels of a shader file are called, and which there are. */
export interface ShaderUse<V> {
  /** The name of a kernel in profiles and errors, another one for other values. */
  readonly nameOf: (values: V) => string;
  /** All values that launches choose, some of them where any number may be chosen, as for the size of a head. */
  readonly used: () => Iterable<V>;
}

/** The kernels of a shader file, which takes the values `V`. */
export function createShader<V extends { readonly [K in keyof V]: Value }>(
  file: ShaderFile,
  { nameOf, used }: ShaderUse<V>,
): Shader<V> {
  const kernels = new Map<string, Kernel>();
  const text = (values: V) => expand(file, { ...values });
  const kernel = (values: V) => {
    const name = nameOf(values);
    const known = kernels.get(name);
    if (known) return known;
    const made = defineKernel(name, text(values));
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
