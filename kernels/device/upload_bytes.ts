/** Uploads in chunks of the size that is fastest. Knows no tensor. */

/** What tensors are uploaded from. */
export type NumberArray =
  | Float32Array
  | Uint32Array
  | Int32Array
  | Uint16Array
  | Uint8Array;

const CHUNK_BYTES = 32 << 20;

/**
 * Writes an array to a buffer from byte `start` on, padded to whole words; returns how many bytes
 * that are.
 */
export function writeChunks(
  queue: GPUQueue,
  buffer: GPUBuffer,
  start: number,
  data: NumberArray,
): number {
  const bytes = wholeWords(data);
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    const part = bytes.subarray(at, at + CHUNK_BYTES);
    queue.writeBuffer(buffer, start + at, part);
  }
  return bytes.length;
}

/** The bytes of an array, padded with zeros to whole 32-bit words. */
function wholeWords(data: NumberArray): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(
    data.buffer as ArrayBuffer,
    data.byteOffset,
    data.byteLength,
  );
  if (bytes.length % 4 === 0) return bytes;
  const padded = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  padded.set(bytes);
  return padded;
}
