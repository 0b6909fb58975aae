/**
 * Which kernel runs when. Each operation with more than one kernel has a function here that says
 * which one, by the kind of the device first and by sizes then. What a kernel needs of its inputs
 * beyond that is checked by its launcher.
 */
import type { Variant } from "./device_options.ts";

/**
 * As many rows as answers that grow at once usually have. For so few of them a launch's own cost
 * and the loads of the weights count, so that there are kernels of their own; more rows are faster
 * by the kernels for many.
 */
export const FEW_ROWS = 4;

interface Kind {
  readonly variant: Variant;
}

/**
 * Whether kernels read their inputs from textures: a CPU loads from them twelve times faster than
 * from buffers.
 */
export function readsTextures({ variant }: Kind): boolean {
  return variant === "panel";
}

/**
 * The matrix product; both kernels for GPUs read buffers, and a CPU device has one for all sizes.
 */
export function matmulPath(
  { variant }: Kind,
  { mode, rows, isPlain }: {
    readonly mode: "nt" | "nn";
    readonly rows: number;
    /** For all rows, and without a scale of what the output held. */
    readonly isPlain: boolean;
  },
): "matmul_cpu" | "few_rows_gpu" | "matmul_gpu" {
  if (variant === "panel") return "matmul_cpu";
  return mode === "nt" && isPlain && rows <= FEW_ROWS
    ? "few_rows_gpu"
    : "matmul_gpu";
}
