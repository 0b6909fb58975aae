/** The texts that the matrix products for GPUs share, by the names in their `//#use` lines. */
import codesGpu from "./codes_gpu.wgsl" with { type: "text" };
import halvesGpu from "./halves_gpu.wgsl" with { type: "text" };
import tileProducts from "./tile_products.wgsl" with { type: "text" };
import tileSums from "./tile_sums.wgsl" with { type: "text" };

/** See above. */
export const GPU_PIECES: Readonly<Record<string, string>> = {
  "codes_gpu.wgsl": codesGpu,
  "halves_gpu.wgsl": halvesGpu,
  "tile_products.wgsl": tileProducts,
  "tile_sums.wgsl": tileSums,
};
