/**
 * What a layout of quantized checkpoints says of one weight: the tensors that it is made of, and
 * how rows of floats come from them. Knows no layout.
 */
import type { StoredCodes } from "../safetensors/read_codes.ts";
import type { TensorInfo } from "../safetensors/safetensors_header.ts";

/** The bytes of a weight's parts, by their names behind the weight's: `absmax`. */
export type Parts = Readonly<Record<string, Uint8Array<ArrayBuffer>>>;

/** Numbers of rows `[first, first + count)`, `[count * cols]` in float32. */
export type RowsOf = (
  first: number,
  count: number,
) => Float32Array<ArrayBuffer>;

/** A weight of a quantized checkpoint. */
export interface PackedWeight {
  /** `[out, in]` */
  readonly shape: readonly [rows: number, cols: number];
  /** The tensors of the file by the names of `Parts`. */
  readonly parts: Readonly<Record<string, string>>;
  /** The type that its floats are served in; F32 holds them exactly, BF16 rounds them. */
  readonly dtype: "F32" | "BF16";
  /** Makes floats of the parts. */
  readonly open: (parts: Parts) => RowsOf;
  /** The codes as they are, where products may read them. */
  readonly codes?: {
    readonly dtype: StoredCodes["dtype"];
    /** Whether the scales are quantized too. */
    readonly nested: boolean;
    readonly of: (parts: Parts) => StoredCodes;
  } | undefined;
}

/** The parsed `quantization_config` of a config.json. */
export type QuantizationConfig = Readonly<Record<string, unknown>>;

/** The tensors of the files, and how one is read. */
export interface StoredTensors {
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly read: (name: string) => Promise<Uint8Array<ArrayBuffer>>;
}

/** A layout of quantized checkpoints. */
export interface PackedLayout {
  /** What people call it. */
  readonly name: string;
  /**
   * Finds the quantized weights by their names.
   *
   * @throws {TypeError} naming what of the settings or the tensors is not served
   */
  readonly find: (
    stored: StoredTensors,
    settings: QuantizationConfig,
  ) => Map<string, PackedWeight> | Promise<Map<string, PackedWeight>>;
}

/**
 * The tensor of that name.
 *
 * @throws {TypeError} if it is missing, or its type or the number of its axes is another one
 */
export function partOf(
  tensors: ReadonlyMap<string, TensorInfo>,
  name: string,
  dtypes: readonly string[],
  axes: number,
): TensorInfo {
  const info = tensors.get(name);
  const fits = info && dtypes.includes(info.dtype) &&
    info.shape.length === axes;
  if (fits) return info;
  const found = info ? `${info.dtype} [${info.shape.join(", ")}]` : "none";
  throw new TypeError(
    `tensor "${name}" is ${found}, expected ${
      dtypes.join(" or ")
    } of ${axes} axes`,
  );
}

/** Fails unless a tensor has this shape. @throws {TypeError} */
export function expectPart(info: TensorInfo, shape: readonly number[]): void {
  if (info.shape.join() === shape.join()) return;
  throw new TypeError(
    `tensor "${info.name}" has shape [${info.shape.join(", ")}], expected [${
      shape.join(", ")
    }]`,
  );
}
