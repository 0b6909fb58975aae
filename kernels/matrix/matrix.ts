/**
 * A weight matrix on the device, as the products read it: rows, or groups of rows, of whole 16-byte
 * words, in row windows of at most one binding. Storage buffers for GPUs; for CPU devices
 * storage textures in the order of `flatTexture()`. A layout packed for the tiles was measured 4 %
 * faster on a CPU, but the packing would cost as much. Knows no product.
 */
import { BLOCK, isCodeDType } from "./codebooks.ts";
import type { Device } from "../device/device.ts";
import { readsTextures } from "../device/paths.ts";
import { allocateFlat, FLAT_WIDTH } from "../launch/flat_texture.ts";
import {
  bytesOfRows,
  decodeRows,
  type MatrixDType,
  packRows,
  PAIRS_IN_TURN,
  ROWS_PER_WORD,
  type Turns,
  turnsInTexture,
  WORD_BYTES,
  wordPitch,
  wordsOfRows,
} from "./matrix_bytes.ts";
import {
  allocateScales,
  scalesStore,
  type WindowScales,
} from "./matrix_scales.ts";
import { padColumns } from "../launch/pad_columns.ts";
import { WINDOW_ROWS } from "../launch/row_slices.ts";
import { expectShape, type Tensor } from "../device/tensor.ts";
import { fillTexture, readTexture } from "./texture_words.ts";

/** Rows `[first, first + rows)` of a matrix in one binding. */
export interface MatrixWindow {
  readonly first: number;
  readonly rows: number;
  readonly store: Tensor | GPUTexture;
  /** The scales of codes; undefined for floats. */
  readonly scales?: WindowScales | undefined;
}

/** A weight `[rows, cols]`: `rows` outputs, `cols` inputs. */
export interface Matrix {
  /** Outputs of the layer. */
  readonly rows: number;
  /** Inputs of the layer. */
  readonly cols: number;
  /** How a number is kept. */
  readonly dtype: MatrixDType;
  /**
   * 16-byte words from one row, or group of rows, to the next; the last one is filled up with
   * zeros.
   */
  readonly pitch: number;
  /** @internal */
  readonly windows: readonly MatrixWindow[];
}

/**
 * Rows of a matrix of less than 32 bits are written in multiples of this, but for the last ones.
 */
export const WRITTEN_ROWS = 2 * PAIRS_IN_TURN;

/**
 * Allocates a matrix with arbitrary contents, owned like a tensor by the innermost scope; by nobody
 * if none is open.
 *
 * @param options.nested scales of 4 bits are themselves codes
 * @throws {RangeError} if 64 rows do not fit in one binding, or a 4-bit row is no whole number of
 * blocks
 */
export function createMatrix(
  device: Device,
  rows: number,
  cols: number,
  dtype: MatrixDType,
  { nested = false }: { readonly nested?: boolean } = {},
): Matrix {
  const pitch = wordPitch(cols, dtype);
  const turns = turnsOf(device, dtype);
  expectBlocks(cols, dtype);
  const most = rowsPerWindow(device, cols, dtype);
  const windows: MatrixWindow[] = [];
  for (let first = 0; first < rows; first += most) {
    const count = Math.min(most, rows - first);
    windows.push({
      first,
      rows: count,
      store: allocateStore(device, wordsOfRows(count, cols, dtype, turns)),
      scales: isCodeDType(dtype)
        ? allocateScales(device, { first, rows: count, cols, dtype, nested })
        : undefined,
    });
  }
  return { rows, cols, dtype, pitch, windows };
}

/** In storage buffers row follows row. */
function turnsOf(device: Device, dtype: MatrixDType): Turns {
  return readsTextures(device) ? turnsInTexture(dtype) : 1;
}

/** Gives a matrix back to the pool before its scope ends. */
export function releaseMatrix(device: Device, m: Matrix): void {
  for (const { store, scales } of m.windows) {
    device.release(store);
    if (scales) device.release(scalesStore(scales));
  }
}

function expectBlocks(cols: number, dtype: MatrixDType): void {
  if (dtype !== "nf4" && dtype !== "fp4" || cols % BLOCK === 0) return;
  throw new RangeError(
    `Cannot hold a matrix with ${cols} columns of ${dtype}: expected a multiple of ${BLOCK}`,
  );
}

/**
 * Overwrites whole rows from the bytes of a checkpoint, or from codes: row-major elements of the
 * matrix's dtype.
 *
 * @param firstRow unless f32 a multiple of `WRITTEN_ROWS`, as is the number of rows unless the last
 * one is among them
 * @throws {RangeError} if the bytes are not whole rows, lie past the last one or split such a run
 */
export function writeMatrixRows(
  device: Device,
  m: Matrix,
  firstRow: number,
  bytes: Uint8Array,
): void {
  const rowBytes = bytesOfRows(1, m.cols, m.dtype);
  const rows = bytes.length / rowBytes;
  const end = firstRow + rows;
  const turns = turnsOf(device, m.dtype);
  const run = ROWS_PER_WORD[m.dtype] === 1 ? 1 : WRITTEN_ROWS;
  const split = firstRow % run !== 0 ||
    (end % run !== 0 && end !== m.rows);
  if (!Number.isInteger(rows) || end > m.rows || split) {
    throw new RangeError(
      `Cannot write rows of a matrix [${m.rows}, ${m.cols}]: ${bytes.length} bytes from row ${firstRow}, expected whole rows of ${rowBytes} bytes within it${
        run === 1 ? "" : `, in runs of ${run}`
      }`,
    );
  }
  for (const piece of windowsOf(m, firstRow, rows)) {
    const part = bytes.subarray(
      piece.offset * rowBytes,
      (piece.offset + piece.rows) * rowBytes,
    );
    const words = packRows(part, m.cols, m.dtype, turns);
    const word = wordsOfRows(piece.first, m.cols, m.dtype, turns);
    if (!(piece.store instanceof GPUTexture)) {
      device.write(piece.store, words, word * WORD_BYTES);
      continue;
    }
    const staged = device.upload(words, [words.length / 4], "u32");
    fillTexture(device, staged, piece.store, word, words.length / WORD_BYTES);
    device.release(staged);
  }
}

/**
 * Overwrites an f32 matrix from a tensor `[rows, cols]`, at the memory's speed where `cols` is a
 * multiple of 4.
 *
 * @throws {TypeError} if the shapes differ or the matrix is not f32
 */
export function packMatrix(device: Device, m: Matrix, from: Tensor): void {
  expectShape("from", from, [m.rows, m.cols]);
  if (m.dtype !== "f32" || from.dtype !== "f32") {
    throw new TypeError(
      `Cannot pack a tensor into a matrix: dtypes ${from.dtype} and ${m.dtype}, expected f32`,
    );
  }
  const padded = padColumns(device, from);
  for (const { first, rows, store } of m.windows) {
    const words = rows * m.pitch;
    const from = first * m.pitch * WORD_BYTES;
    if (store instanceof GPUTexture) {
      fillTexture(device, padded, store, 0, words, from);
      continue;
    }
    device.record((encoder) =>
      encoder.copyBufferToBuffer(
        padded.buffer,
        (padded.byteOffset ?? 0) + from,
        store.buffer,
        0,
        words * WORD_BYTES,
      )
    );
  }
  if (padded !== from) device.release(padded);
}

/**
 * Reads rows `[firstRow, firstRow + rows)` as f32, `[rows, cols]`; waits for all recorded work.
 *
 * @throws {TypeError} of a matrix of codes
 */
export async function readMatrixRows(
  device: Device,
  m: Matrix,
  firstRow: number,
  rows: number,
): Promise<Float32Array<ArrayBuffer>> {
  const { dtype } = m;
  const turns = turnsOf(device, dtype);
  if (isCodeDType(dtype)) {
    throw new TypeError(
      `Cannot read rows of a ${dtype} matrix: they are codes`,
    );
  }
  const values = new Float32Array(rows * m.cols);
  for (const piece of windowsOf(m, firstRow, rows)) {
    const first = piece.first % (ROWS_PER_WORD[dtype] * turns);
    const word = wordsOfRows(piece.first - first, m.cols, dtype, turns);
    const words = wordsOfRows(first + piece.rows, m.cols, dtype, turns);
    const bytes = piece.store instanceof GPUTexture
      ? await readTexture(device, piece.store, word, words)
      : await device.readBytes({
        ...piece.store,
        shape: [words * 4],
        byteOffset: (piece.store.byteOffset ?? 0) + word * WORD_BYTES,
      });
    const decoded = decodeRows(bytes, {
      first,
      rows: piece.rows,
      cols: m.cols,
      dtype,
      turns,
    });
    values.set(decoded, piece.offset * m.cols);
  }
  return values;
}

/**
 * A part of a row range within one window; `first` counts from the window, `offset` from the range.
 */
export interface WindowPiece {
  readonly store: Tensor | GPUTexture;
  readonly scales: WindowScales | undefined;
  readonly first: number;
  readonly rows: number;
  readonly offset: number;
}

/**
 * The parts of rows `[firstRow, firstRow + rows)` window by window.
 *
 * @throws {RangeError} if the range is not within the matrix
 */
export function windowsOf(
  m: Matrix,
  firstRow: number,
  rows: number,
): WindowPiece[] {
  const end = firstRow + rows;
  if (firstRow < 0 || rows < 0 || end > m.rows) {
    throw new RangeError(
      `Cannot use rows ${firstRow} to ${end} of a matrix [${m.rows}, ${m.cols}]: expected a range within its rows`,
    );
  }
  return m.windows.flatMap((window) => {
    const from = Math.max(firstRow, window.first);
    const to = Math.min(end, window.first + window.rows);
    if (from >= to) return [];
    const { store, scales, first } = window;
    return [{
      store,
      scales,
      first: from - first,
      rows: to - from,
      offset: from - firstRow,
    }];
  });
}

function rowsPerWindow(
  device: Device,
  cols: number,
  dtype: MatrixDType,
): number {
  const { maxTextureDimension2D, maxBufferSize } = device.gpu.limits;
  // the most rows of a texture are a power of two, which flat textures avoid
  const most = readsTextures(device)
    ? FLAT_WIDTH * (maxTextureDimension2D - 1) * WORD_BYTES
    : maxBufferSize;
  const bytes = Math.min(device.windowBytes, most);
  const turns = turnsOf(device, dtype);
  const blockBytes = wordsOfRows(WINDOW_ROWS, cols, dtype, turns) * WORD_BYTES;
  const blocks = Math.floor(bytes / blockBytes);
  if (blocks >= 1) return blocks * WINDOW_ROWS;
  throw new RangeError(
    `Cannot hold a matrix with ${cols} columns of ${dtype}: ${blockBytes} bytes of ${WINDOW_ROWS} rows pass the device's window of ${bytes} bytes`,
  );
}

function allocateStore(device: Device, words: number): Tensor | GPUTexture {
  return readsTextures(device)
    ? allocateFlat(device, "rgba32uint", words)
    : device.allocate([words * 4], "u32");
}
