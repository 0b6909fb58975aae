/**
 * The list of all kernels, so that people can read and tests can compile what runs. A .wgsl file without `//#` is a
 * kernel as it is; one with `//#` is either a piece of others, or has its kernels listed here in every size.
 */
import { defineKernel, type Kernel } from "./device/kernel.ts";
import type { Shader } from "./device/shader.ts";

type Listed = Pick<Shader<never>, "file" | "everyKernel">;

/** The shader files whose text depends on values or has pieces. */
export const SHADERS: readonly Listed[] = [];

/** Whether a .wgsl file is no kernel by itself, but is written by `expand()`. */
export function isExpanded(text: string): boolean {
  return /^\s*\/\/#/m.test(text);
}

/**
 * Every kernel in every size.
 *
 * @param files texts of all .wgsl files by their names without the ending
 */
export function* everyKernel(
  files: Readonly<Record<string, string>>,
): Generator<Kernel> {
  for (const [name, text] of Object.entries(files)) {
    if (!isExpanded(text)) yield defineKernel(name, text);
  }
  for (const shader of SHADERS) yield* shader.everyKernel();
}
