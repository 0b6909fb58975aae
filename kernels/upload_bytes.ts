/** Numbers as the bytes that an upload takes. Knows no device. */

/** What tensors are uploaded from. */
export type NumberArray =
  | Float32Array
  | Uint32Array
  | Int32Array
  | Uint16Array
  | Uint8Array;

/** The bytes of an array, padded with zeros to whole 32-bit words. */
export function wholeWords(data: NumberArray): Uint8Array<ArrayBuffer> {
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
