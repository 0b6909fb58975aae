/**
 * Keeps weights as codes of 8 or 4 bits: those of the blocks' linear layers, as bitsandbytes does,
 * but never embeddings, head, norms and biases. The weights are quantized while they are read from
 * a checkpoint.
 */
import {
  BLOCK,
  CODEBOOKS,
  type CodeDType,
  DYNAMIC_MAP,
  isCodeDType,
} from "../../../kernels/matrix/codebooks.ts";
import type { Device } from "../../../kernels/device/device.ts";
import {
  createMatrix,
  type Matrix,
  writeMatrixRows,
} from "../../../kernels/matrix/matrix.ts";
import { writeMatrixScales } from "../../../kernels/matrix/matrix_scales.ts";
import {
  type Codes,
  dequantize,
  nestScales,
  quantize,
  restoreScales,
  scalesOf,
} from "../../../kernels/matrix/quantize.ts";
import { type FloatDtype, toFloat32 } from "../../files/safetensors/dtype.ts";
import type { StoredCodes } from "../../files/safetensors/read_codes.ts";
import {
  CHUNK_BYTES,
  type TensorReader,
} from "../../files/safetensors/safetensors.ts";

/** How frozen linear layers are quantized. */
export interface Quantization {
  /** Type of the codes: 8 bits with a scale per row, or 4 bits with a scale per block of 64. */
  readonly dtype: CodeDType;
  /** Whether the scales of 4-bit codes are quantized too. */
  readonly nested: boolean;
}

/** Whether a weight `[rows, cols]` of this name is kept as codes. */
export function isQuantized(name: string): boolean {
  return name.includes(".layers.");
}

/**
 * The type in which a quantized weight is kept. It is f32 if blocks of 64 would cross the ends of
 * rows, since the products cannot read such codes; the numbers are rounded to the codes all the
 * same.
 */
export function keptCodes(dtype: CodeDType, cols: number): Matrix["dtype"] {
  return dtype !== "int8" && cols % BLOCK !== 0 ? "f32" : dtype;
}

/** Loads a weight as a matrix of codes; never more than a chunk of the file is held. */
export async function loadQuantized(
  device: Device,
  reader: TensorReader,
  name: string,
  { dtype, nested }: Quantization,
): Promise<Matrix> {
  const { shape, bytes, dtype: stored } = reader.tensors.get(name)!;
  const [rows, cols] = shape as [number, number];
  const kept = keptCodes(dtype, cols);
  const matrix = createMatrix(device, rows, cols, kept, { nested });
  const rowBytes = bytes / rows;
  // a chunk of whole times 64 rows begins at the start of a block
  const unit = BLOCK * rowBytes;
  const chunkBytes = Math.max(1, Math.floor(CHUNK_BYTES / unit)) * unit;
  const pieces: Codes[] = [];
  for await (const chunk of reader.chunks(name, chunkBytes)) {
    const values = toFloat32(chunk.bytes, stored as FloatDtype);
    const codes = quantize(values, cols, dtype);
    const { absmax } = codes;
    if (isCodeDType(kept)) {
      writeMatrixRows(device, matrix, chunk.offset / rowBytes, codes.bytes);
      await device.drainUploads();
      pieces.push({ absmax, bytes: new Uint8Array() });
    } else pieces.push(codes);
  }
  const absmax = joined(pieces);
  if (isCodeDType(kept)) {
    writeMatrixScales(device, matrix, scalesOf(absmax, dtype));
  } else {
    const scales = nested ? restoreScales(nestScales(absmax)) : absmax;
    writeRestored(device, matrix, pieces, scales, dtype);
  }
  return matrix;
}

function joined(pieces: readonly Codes[]): Float32Array<ArrayBuffer> {
  const length = pieces.reduce((sum, { absmax }) => sum + absmax.length, 0);
  const all = new Float32Array(length);
  let at = 0;
  for (const { absmax } of pieces) {
    all.set(absmax, at);
    at += absmax.length;
  }
  return all;
}

/** Writes the numbers of codes into an f32 matrix, chunk by chunk. */
function writeRestored(
  device: Device,
  matrix: Matrix,
  pieces: readonly Codes[],
  scales: Float32Array<ArrayBuffer>,
  dtype: CodeDType,
): void {
  let row = 0;
  let at = 0;
  for (const { bytes, absmax: { length } } of pieces) {
    const rows = Math.floor(2 * bytes.length / matrix.cols);
    const absmax = scales.subarray(at, at + length);
    const values = dequantize({ bytes, absmax }, [rows, matrix.cols], dtype);
    writeMatrixRows(device, matrix, row, new Uint8Array(values.buffer));
    row += rows;
    at += length;
  }
}

/**
 * Loads a weight whose codes a checkpoint keeps already: the same numbers, bit for bit.
 *
 * @returns undefined if its codes stand for other numbers than the products here give them
 */
export async function loadStoredCodes(
  device: Device,
  [rows, cols]: readonly [rows: number, cols: number],
  read: () => Promise<StoredCodes>,
): Promise<Matrix | undefined> {
  const { dtype, bytes, numbers, absmax, nesting } = await read();
  if (dtype !== "int8" && !isSame(numbers, CODEBOOKS[dtype])) return undefined;
  // another table of scales is none of ours; what it stands for is kept as it is
  const nested = nesting !== undefined && isSame(nesting.numbers, DYNAMIC_MAP);
  const kept = keptCodes(dtype, cols);
  const matrix = createMatrix(device, rows, cols, kept, { nested });
  if (!isCodeDType(kept)) {
    writeRestored(device, matrix, [{ bytes, absmax }], absmax, dtype);
    return matrix;
  }
  const rowBytes = bytes.length / rows;
  const step = BLOCK * Math.max(1, Math.floor(CHUNK_BYTES / BLOCK / rowBytes));
  for (let row = 0; row < rows; row += step) {
    const part = bytes.subarray(row * rowBytes, (row + step) * rowBytes);
    writeMatrixRows(device, matrix, row, part);
    await device.drainUploads();
  }
  const given = nested ? nesting : undefined;
  writeMatrixScales(device, matrix, scalesOf(absmax, dtype), given);
  return matrix;
}

function isSame(a: Float32Array, b: Float32Array): boolean {
  return a.length === b.length && a.every((number, i) => number === b[i]);
}
