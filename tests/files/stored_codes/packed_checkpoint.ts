/**
 * Weights packed by the published layouts of quantized checkpoints, with the numbers in float64
 * that they stand for. Written bit by bit from the layouts' descriptions, apart from the readers.
 */

/** A tensor of a file. */
export interface PackedTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A layer as a layout packs it. */
export interface PackedLayer {
  /** By what stands behind the layer's name. */
  readonly tensors: Readonly<Record<string, PackedTensor>>;
  /** `[rows * cols]` what the codes stand for. */
  readonly exact: Float64Array;
}

/** A weight `[out, in]`. */
export interface PlainWeight {
  readonly rows: number;
  readonly cols: number;
  readonly values: Float32Array;
}

const bytesOf = (array: ArrayBufferView<ArrayBuffer>) =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/** A tensor of whole numbers or floats. */
export const tensor = (
  dtype: string,
  shape: readonly number[],
  array: ArrayBufferView<ArrayBuffer>,
): PackedTensor => ({ dtype, shape, bytes: bytesOf(array) });

/** A random whole number from 0 to `most`, the same each time for the same place. */
const drawn = (place: number, most: number) =>
  Math.floor(
    Math.abs(Math.sin(place * 12.9898 + 4.1) * 43758.5453) % 1 * (most + 1),
  );

/**
 * 4-bit codes as bitsandbytes packs them; the codes are drawn, the scales are what the weight has.
 *
 * @param numbers the 16 numbers of the codes
 * @param nested the 256 numbers of codes of scales; undefined: scales are floats
 */
export function bitsandbytes4(
  { rows, cols, values }: PlainWeight,
  { type, numbers, nested, blocksize = 64 }: {
    readonly type: "nf4" | "fp4";
    readonly numbers: Float32Array<ArrayBuffer>;
    readonly nested?: Float32Array<ArrayBuffer>;
    readonly blocksize?: number;
  },
): PackedLayer {
  const count = rows * cols;
  const blocks = Math.ceil(count / blocksize);
  const codes = Uint8Array.from(values, (_, i) => drawn(i, 15));
  const packed = new Uint8Array(Math.ceil(count / 2));
  codes.forEach((code, i) => packed[i >> 1]! |= i % 2 ? code : code << 4);
  const plain = Float32Array.from({ length: blocks }, (_, b) => {
    const block = values.subarray(b * blocksize, (b + 1) * blocksize);
    return block.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  });
  const offset = Math.fround(0.013);
  const scaleCodes = Uint8Array.from(plain, (_, b) => drawn(b + 7, 255));
  const second = Float32Array.from(
    { length: Math.ceil(blocks / 256) },
    (_, g) => 0.01 + g * 0.003,
  );
  const scales = nested
    ? Array.from(scaleCodes, (code, b) =>
      Math.fround(
        Math.fround(nested[code]! * second[Math.floor(b / 256)]!) + offset,
      ))
    : [...plain];
  const state = new TextEncoder().encode(JSON.stringify({
    quant_type: type,
    blocksize,
    dtype: "bfloat16",
    shape: [rows, cols],
    ...nested &&
      { nested_blocksize: 256, nested_dtype: "float32", nested_offset: offset },
  }));
  return {
    tensors: {
      weight: tensor("U8", [packed.length, 1], packed),
      "weight.absmax": nested
        ? tensor("U8", [blocks], scaleCodes)
        : tensor("F32", [blocks], plain),
      "weight.quant_map": tensor("F32", [16], numbers),
      [`weight.quant_state.bitsandbytes__${type}`]: tensor(
        "U8",
        [state.length],
        state,
      ),
      ...nested && {
        "weight.nested_absmax": tensor("F32", [second.length], second),
        "weight.nested_quant_map": tensor("F32", [256], nested),
      },
    },
    exact: Float64Array.from(
      codes,
      (code, i) => numbers[code]! * scales[Math.floor(i / blocksize)]!,
    ),
  };
}

/** int8 codes with a scale per row, as bitsandbytes packs them. */
export function bitsandbytes8({ rows, cols }: PlainWeight): PackedLayer {
  const codes = Int8Array.from(
    { length: rows * cols },
    (_, i) => drawn(i, 254) - 127,
  );
  const most = Float32Array.from({ length: rows }, (_, r) => 0.05 + r * 0.001);
  return {
    tensors: {
      weight: tensor("I8", [rows, cols], codes),
      SCB: tensor("F32", [rows], most),
      weight_format: tensor("U8", [], Uint8Array.of(0)),
    },
    exact: Float64Array.from(
      codes,
      (code, i) => code * most[Math.floor(i / cols)]! / 127,
    ),
  };
}

/** The number of an E4M3 byte. */
function e4m3(byte: number): number {
  const sign = byte > 127 ? -1 : 1;
  const exponent = Math.floor(byte % 128 / 8);
  const fraction = byte % 8 / 8;
  return exponent === 0
    ? sign * fraction * 2 ** -6
    : sign * (1 + fraction) * 2 ** (exponent - 7);
}

/** E4M3 numbers with a scale per block. */
export function fp8Blocks(
  { rows, cols }: PlainWeight,
  [height, width]: readonly [number, number],
): PackedLayer {
  // no byte is one of the two that stand for no number
  const bytes = Uint8Array.from({ length: rows * cols }, (_, i) => {
    const byte = drawn(i, 255);
    return byte % 128 === 127 ? 0 : byte;
  });
  const [down, across] = [Math.ceil(rows / height), Math.ceil(cols / width)];
  const scales = Float32Array.from(
    { length: down * across },
    (_, i) => 1e-4 * (1 + drawn(i, 9)),
  );
  return {
    tensors: {
      weight: tensor("F8_E4M3", [rows, cols], bytes),
      weight_scale_inv: tensor("F32", [down, across], scales),
    },
    exact: Float64Array.from(bytes, (byte, i) => {
      const [row, col] = [Math.floor(i / cols), i % cols];
      return e4m3(byte) *
        scales[Math.floor(row / height) * across + Math.floor(col / width)]!;
    }),
  };
}

/** What GPTQ and AWQ have in common: codes, zero points and scales of groups of inputs. */
function grouped({ rows, cols }: PlainWeight, groups: number) {
  const codes = Array.from(
    { length: rows },
    (_, row) =>
      Array.from({ length: cols }, (_, col) => drawn(row * cols + col, 15)),
  );
  const zeros = Array.from(
    { length: groups },
    (_, g) =>
      Array.from({ length: rows }, (_, row) => drawn(g * rows + row + 3, 15)),
  );
  const scales = Float16Array.from(
    { length: groups * rows },
    (_, i) => 0.002 * (1 + drawn(i, 5)),
  );
  return { codes, zeros, scales };
}

/**
 * GPTQ's words.
 *
 * @param version of its format: the first stores zero points less one
 * @param order the group of each input
 */
export function gptqWords(
  weight: PlainWeight,
  { groups, version, order }: {
    readonly groups: number;
    readonly version: 1 | 2;
    readonly order: readonly number[];
  },
): PackedLayer {
  const { rows, cols } = weight;
  const { codes, zeros, scales } = grouped(weight, groups);
  const qweight = new Int32Array(cols / 8 * rows);
  const qzeros = new Int32Array(groups * Math.ceil(rows / 8));
  for (let row = 0; row < rows; row++) {
    for (let col = 0; col < cols; col++) {
      qweight[(col >> 3) * rows + row]! |= codes[row]![col]! << 4 * (col % 8);
    }
    for (let g = 0; g < groups; g++) {
      const stored = version === 1
        ? (zeros[g]![row]! + 15) % 16
        : zeros[g]![row]!;
      qzeros[g * Math.ceil(rows / 8) + (row >> 3)]! |= stored << 4 * (row % 8);
    }
  }
  return {
    tensors: {
      qweight: tensor("I32", [cols / 8, rows], qweight),
      qzeros: tensor("I32", [groups, Math.ceil(rows / 8)], qzeros),
      scales: tensor("F16", [groups, rows], scales),
      g_idx: tensor("I32", [cols], Int32Array.from(order)),
    },
    exact: Float64Array.from({ length: rows * cols }, (_, i) => {
      const [row, col] = [Math.floor(i / cols), i % cols];
      const g = order[col]!;
      return (codes[row]![col]! - zeros[g]![row]!) * scales[g * rows + row]!;
    }),
  };
}

/** AWQ's words, whose outputs lie in the order 0, 2, 4, 6, 1, 3, 5, 7. */
export function awqWords(weight: PlainWeight, groups: number): PackedLayer {
  const { rows, cols } = weight;
  const { codes, zeros, scales } = grouped(weight, groups);
  const order = [0, 2, 4, 6, 1, 3, 5, 7];
  const qweight = new Int32Array(cols * rows / 8);
  const qzeros = new Int32Array(groups * rows / 8);
  for (let word = 0; word < rows / 8; word++) {
    for (let place = 0; place < 8; place++) {
      const row = word * 8 + order[place]!;
      for (let col = 0; col < cols; col++) {
        qweight[col * rows / 8 + word]! |= codes[row]![col]! << 4 * place;
      }
      for (let g = 0; g < groups; g++) {
        qzeros[g * rows / 8 + word]! |= zeros[g]![row]! << 4 * place;
      }
    }
  }
  return {
    tensors: {
      qweight: tensor("I32", [cols, rows / 8], qweight),
      qzeros: tensor("I32", [groups, rows / 8], qzeros),
      scales: tensor("F16", [groups, rows], scales),
    },
    exact: Float64Array.from({ length: rows * cols }, (_, i) => {
      const [row, col] = [Math.floor(i / cols), i % cols];
      const g = Math.floor(col / (cols / groups));
      return (codes[row]![col]! - zeros[g]![row]!) * scales[g * rows + row]!;
    }),
  };
}
