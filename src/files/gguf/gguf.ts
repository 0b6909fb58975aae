/**
 * What a GGUF file is made of: value types of its metadata, types of its tensors, alignment. Knows
 * no model.
 *
 * Source: the format's description in the repository of ggml, version 3.
 */

import { K_BLOCK, K_BYTES, type KQuantType } from "./k_quants.ts";

/** First four bytes of a file, `GGUF` read as a little-endian number. */
export const GGUF_MAGIC = 0x46554747;
/** Version of the format that is written and read. */
export const GGUF_VERSION = 3;
/** The data of each tensor begins at a multiple of this many bytes. */
export const GGUF_ALIGNMENT = 32;

/** Numbers of the value types. */
export const GGUF_VALUE_TYPES = {
  uint8: 0,
  int8: 1,
  uint16: 2,
  int16: 3,
  uint32: 4,
  int32: 5,
  float32: 6,
  bool: 7,
  string: 8,
  array: 9,
  uint64: 10,
  int64: 11,
  float64: 12,
} as const;

/** A value of the metadata with the type it is stored in; a list's type is that of its elements. */
export type GgufValue =
  | { readonly type: "uint32" | "int32" | "float32"; readonly value: number }
  | { readonly type: "bool"; readonly value: boolean }
  | { readonly type: "string"; readonly value: string }
  | {
    readonly type: "int32" | "float32";
    readonly list: readonly number[];
  }
  | { readonly type: "string"; readonly list: readonly string[] };

/** Names to values, in the order they are written. */
export type GgufMetadata = ReadonlyMap<string, GgufValue>;

/** A type of tensors: its number, and what a block of it takes. */
interface TypeInfo {
  readonly number: number;
  /** Elements of a block; rows are whole blocks. */
  readonly elements: number;
  /** Bytes of a block. */
  readonly bytes: number;
}

/** A tensor type. */
export type GgufType =
  | ("F32" | "F16" | "BF16")
  | ("Q4_0" | "Q5_0" | "Q5_1" | "Q8_0")
  | KQuantType;

/** The tensor types served. */
export const GGUF_TYPES = {
  F32: { number: 0, elements: 1, bytes: 4 },
  F16: { number: 1, elements: 1, bytes: 2 },
  Q4_0: { number: 2, elements: 32, bytes: 18 },
  Q5_0: { number: 6, elements: 32, bytes: 22 },
  Q5_1: { number: 7, elements: 32, bytes: 24 },
  Q8_0: { number: 8, elements: 32, bytes: 34 },
  Q4_K: { number: 12, elements: K_BLOCK, bytes: K_BYTES.Q4_K },
  Q5_K: { number: 13, elements: K_BLOCK, bytes: K_BYTES.Q5_K },
  Q6_K: { number: 14, elements: K_BLOCK, bytes: K_BYTES.Q6_K },
  BF16: { number: 30, elements: 1, bytes: 2 },
} as const satisfies Record<GgufType, TypeInfo>;

/** A tensor to be written, or found in a file. */
export interface GgufTensor {
  /** Unique in its file, at most 63 bytes. */
  readonly name: string;
  readonly type: GgufType;
  /**
   * Sizes of its axes, the slowest first as elsewhere here; the file has them the other way round.
   */
  readonly shape: readonly number[];
}

/** Bytes that so many elements take. @throws RangeError if they are no whole number of blocks */
export function ggufBytes(type: GgufType, elements: number): number {
  const block = GGUF_TYPES[type];
  if (elements % block.elements === 0) {
    return elements / block.elements * block.bytes;
  }
  throw new RangeError(
    `Cannot store ${elements} numbers as ${type}: its blocks have ${block.elements}`,
  );
}

/** The next multiple of the alignment. */
export function ggufAligned(bytes: number): number {
  return Math.ceil(bytes / GGUF_ALIGNMENT) * GGUF_ALIGNMENT;
}
