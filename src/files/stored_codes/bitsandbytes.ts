/**
 * Checkpoints that bitsandbytes quantized: NF4 and FP4 codes with a scale per 64 numbers, which may
 * be quantized too, and int8 codes with a scale per row. Beside each weight of 4 bits lie
 * `absmax`, the table of its codes, and a JSON text as bytes.
 * Sources: https://arxiv.org/abs/2305.14314 (NF4), https://arxiv.org/abs/2208.07339 (int8).
 */
import { elementCount, toFloat32 } from "../safetensors/dtype.ts";
import { isJsonObject, parseJson } from "../disk/json_file.ts";
import {
  expectPart,
  type PackedLayout,
  type PackedWeight,
  partOf,
  type Parts,
  type RowsOf,
  type StoredTensors,
} from "./packed_weight.ts";
import type { StoredCodes, StoredNesting } from "../safetensors/read_codes.ts";

const STATE = /^(.*\.weight)\.quant_state\.bitsandbytes__(nf4|fp4)$/;
const SCALES_8BIT = /^(.*)\.SCB$/;
/** Scales that share a second scale. */
const NESTED_BLOCK = 256;
const INT8_MOST = 127;

/** The layout. */
export const bitsandbytes: PackedLayout = {
  name: "bitsandbytes",
  async find(stored) {
    const found = new Map<string, PackedWeight>();
    for (const name of stored.tensors.keys()) {
      const [, weight, type] = STATE.exec(name) ?? [];
      if (weight !== undefined) {
        const dtype = type as "nf4" | "fp4";
        found.set(weight, await weightOf4Bits(stored, weight, dtype, name));
      }
      const [, layer] = SCALES_8BIT.exec(name) ?? [];
      if (layer !== undefined) {
        found.set(`${layer}.weight`, weightOf8Bits(stored, layer));
      }
    }
    return found;
  },
};

/** What the JSON beside a weight says. */
interface State {
  readonly shape: readonly [number, number];
  readonly blocksize: number;
  readonly offset: number | undefined;
}

async function readState(stored: StoredTensors, name: string): Promise<State> {
  partOf(stored.tensors, name, ["U8"], 1);
  const state = parseJson(
    new TextDecoder().decode(await stored.read(name)),
    name,
  );
  const fields = isJsonObject(state) ? state : {};
  const { shape, blocksize, nested_offset, nested_blocksize } = fields;
  const isShape = Array.isArray(shape) && shape.length === 2 &&
    shape.every((size) => Number.isSafeInteger(size) && size > 0);
  const offset = nested_offset ?? undefined;
  const isNested = offset === undefined ||
    Number.isFinite(offset) && nested_blocksize === NESTED_BLOCK;
  const isBlock = Number.isSafeInteger(blocksize) && Number(blocksize) >= 2;
  if (!isShape || !isBlock || !isNested) {
    throw new TypeError(
      `tensor "${name}" says ${
        JSON.stringify({ shape, blocksize, nested_blocksize, nested_offset })
      }, expected a shape of two sizes, a blocksize, and nested blocks of ${NESTED_BLOCK}`,
    );
  }
  return {
    shape: shape as unknown as [number, number],
    blocksize: Number(blocksize),
    offset: offset === undefined ? undefined : Number(offset),
  };
}

async function weightOf4Bits(
  stored: StoredTensors,
  weight: string,
  dtype: "nf4" | "fp4",
  stateName: string,
): Promise<PackedWeight> {
  const { tensors } = stored;
  const state = await readState(stored, stateName);
  const { shape, blocksize, offset } = state;
  const count = elementCount(shape);
  const blocks = Math.ceil(count / blocksize);
  const name = (part: string) => `${weight}.${part}`;
  const isNested = offset !== undefined;
  expectPart(partOf(tensors, weight, ["U8"], 2), [Math.ceil(count / 2), 1]);
  const types = isNested ? ["U8"] : ["F32"];
  expectPart(partOf(tensors, name("absmax"), types, 1), [blocks]);
  expectPart(partOf(tensors, name("quant_map"), ["F32"], 1), [16]);
  if (isNested) {
    const groups = Math.ceil(blocks / NESTED_BLOCK);
    expectPart(partOf(tensors, name("nested_absmax"), ["F32"], 1), [groups]);
    expectPart(partOf(tensors, name("nested_quant_map"), ["F32"], 1), [256]);
  }
  const codes = (parts: Parts) => codesOf(dtype, parts, offset);
  return {
    shape,
    parts: {
      weight,
      absmax: name("absmax"),
      quant_map: name("quant_map"),
      state: stateName,
      ...isNested && {
        nested_absmax: name("nested_absmax"),
        nested_quant_map: name("nested_quant_map"),
      },
    },
    dtype: "F32",
    open: (parts) => rowsOf4Bits(codes(parts), shape[1], blocksize),
    codes: blocksize === 64
      ? { dtype, nested: isNested, of: codes }
      : undefined,
  };
}

function codesOf(
  dtype: "nf4" | "fp4",
  parts: Parts,
  offset: number | undefined,
): StoredCodes {
  const nesting = offset === undefined ? undefined : {
    codes: parts["absmax"]!,
    numbers: toFloat32(parts["nested_quant_map"]!, "F32"),
    absmax: toFloat32(parts["nested_absmax"]!, "F32"),
    offset: Math.fround(offset),
  };
  return {
    dtype,
    bytes: parts["weight"]!,
    numbers: toFloat32(parts["quant_map"]!, "F32"),
    absmax: nesting ? unnested(nesting) : toFloat32(parts["absmax"]!, "F32"),
    nesting,
  };
}

/** The scales that nested ones stand for, each product and each sum in float32. */
function unnested(
  { codes, numbers, absmax, offset }: StoredNesting,
): Float32Array<ArrayBuffer> {
  return Float32Array.from(codes, (code, i) => {
    const scale = absmax[Math.floor(i / NESTED_BLOCK)]!;
    return Math.fround(numbers[code]! * scale) + offset;
  });
}

function rowsOf4Bits(
  { bytes, numbers, absmax }: StoredCodes,
  cols: number,
  blocksize: number,
): RowsOf {
  return (first, count) => {
    const values = new Float32Array(count * cols);
    for (let k = 0; k < values.length; k++) {
      const i = first * cols + k;
      const code = bytes[i >> 1]! >> (i % 2 === 0 ? 4 : 0) & 15;
      values[k] = numbers[code]! * absmax[Math.floor(i / blocksize)]!;
    }
    return values;
  };
}

function weightOf8Bits(
  { tensors }: StoredTensors,
  layer: string,
): PackedWeight {
  const weight = `${layer}.weight`;
  const info = partOf(tensors, weight, ["I8"], 2);
  const [rows, cols] = info.shape as [number, number];
  const scales = partOf(tensors, `${layer}.SCB`, ["F32"], 1);
  expectPart(scales, [rows]);
  const format = `${layer}.weight_format`;
  return {
    shape: [rows, cols],
    parts: {
      weight,
      absmax: scales.name,
      ...tensors.has(format) && { format },
    },
    dtype: "F32",
    open(parts) {
      const { bytes, absmax } = codesOf8Bits(parts);
      const codes = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
      return (first, count) =>
        Float32Array.from({ length: count * cols }, (_, k) => {
          const row = first + Math.floor(k / cols);
          return codes[first * cols + k]! * (absmax[row]! / INT8_MOST);
        });
    },
    codes: { dtype: "int8", nested: false, of: codesOf8Bits },
  };
}

function codesOf8Bits(parts: Parts): StoredCodes {
  return {
    dtype: "int8",
    bytes: parts["weight"]!,
    numbers: new Float32Array(),
    absmax: toFloat32(parts["absmax"]!, "F32"),
    nesting: undefined,
  };
}
