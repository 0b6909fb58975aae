/**
 * A shader file and its kernels: one for each set of values, written at its first use and kept. Knows no device.
 */
import { expand, type ShaderFile, type Value } from "./expand.ts";
import { defineKernel, type Kernel } from "./kernel.ts";

/** The kernels of one shader file. */
export interface Shader<V> {
  /** The kernel for these values. */
  kernel(values: V): Kernel;
  /** Its text, written anew. */
  text(values: V): string;
}

/**
 * The kernels of a shader file, of which `V` are the values.
 *
 * @param nameOf the name of a kernel in profiles and errors, another one for other values
 */
export function createShader<V extends { readonly [K in keyof V]: Value }>(
  file: ShaderFile,
  nameOf: (values: V) => string,
): Shader<V> {
  const kernels = new Map<string, Kernel>();
  const text = (values: V) => expand(file, { ...values });
  return {
    text,
    kernel(values) {
      const name = nameOf(values);
      const known = kernels.get(name);
      if (known) return known;
      const made = defineKernel(name, text(values));
      kernels.set(name, made);
      return made;
    },
  };
}
