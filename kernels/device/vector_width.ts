/**
 * How wide the vectors of llvmpipe, the CPU adapter, are to be. By itself it stops at 256 bits; on a processor with
 * AVX-512 twice that makes a training step a quarter faster. Deno may not look at the processor without all
 * permissions, so setup.sh does and leaves a file; without that file nothing changes.
 */
const FILE = new URL("../../.cache/vector_width", import.meta.url);

/** Bits of a vector for llvmpipe's LP_NATIVE_VECTOR_WIDTH; undefined: as it likes. */
export function wantedVectorWidth(file: URL = FILE): "512" | undefined {
  if (file.protocol !== "file:") return undefined;
  const permission = { name: "read", path: file } as const;
  if (Deno.permissions.querySync(permission).state !== "granted") {
    return undefined;
  }
  try {
    return Deno.readTextFileSync(file).trim() === "512" ? "512" : undefined;
  } catch {
    return undefined;
  }
}
