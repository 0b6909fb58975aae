/**
 * Decompresses LZ4's block format, which parquet files call LZ4_RAW: literal bytes, and copies of
 * earlier bytes. Knows no frames and no checksums.
 */

/**
 * Decompresses one block. (https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md)
 *
 * @param size number of decompressed bytes
 * @throws {RangeError} if the block is broken
 */
export function decompressLz4(input: Uint8Array, size: number): Uint8Array {
  const output = new Uint8Array(size);
  let [at, end] = [0, 0];
  const broken = () =>
    new RangeError(
      `Cannot decompress LZ4: broken at byte ${at}, expected ${size} bytes`,
    );
  const next = (): number => {
    const byte = input[at++];
    if (byte === undefined) throw broken();
    return byte;
  };
  /** A length of 15 continues in the following bytes, up to the first byte below 255. */
  const length = (short: number): number => {
    let sum = short;
    for (let byte = 255; short === 15 && byte === 255;) sum += byte = next();
    return sum;
  };
  while (at < input.length) {
    const token = next();
    const literals = length(token >> 4);
    if (at + literals > input.length || end + literals > size) throw broken();
    output.set(input.subarray(at, at + literals), end);
    [at, end] = [at + literals, end + literals];
    if (at === input.length) break; // the last sequence has literals alone
    const offset = next() | (next() << 8);
    const stop = end + length(token & 15) + 4;
    if (offset === 0 || offset > end || stop > size) throw broken();
    for (; end < stop; end++) output[end] = output[end - offset]!; // may overlap what it writes
  }
  if (end !== size) throw broken();
  return output;
}
