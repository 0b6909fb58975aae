/**
 * Serves the weights of a quantized checkpoint as floats under their usual names, whatever its
 * layout, and hands out the codes themselves to whoever can use them. Layouts are the rows of one
 * table, by `quant_method` of config.json.
 */
import { own } from "../../base/own.ts";
import { elementCount, fromFloat32, toFloat32 } from "../safetensors/dtype.ts";
import {
  CHUNK_BYTES,
  type TensorChunk,
  type TensorReader,
} from "../safetensors/safetensors.ts";
import {
  problemLine,
  type TensorInfo,
} from "../safetensors/safetensors_header.ts";
import { isJsonObject, type JsonObject } from "../disk/json_file.ts";
import type { ReadCodes } from "../safetensors/read_codes.ts";
import { bitsandbytes } from "./bitsandbytes.ts";
import { fp8 } from "./fp8.ts";
import { awq, gptq } from "./int4_words.ts";
import type {
  PackedLayout,
  PackedWeight,
  Parts,
  RowsOf,
} from "./packed_weight.ts";

const LAYOUTS: Readonly<Record<string, PackedLayout>> = {
  bitsandbytes,
  fp8,
  gptq,
  awq,
};

/** The settings of a quantized checkpoint that is served; undefined: it is none. */
export function quantizationOfConfig(config: JsonObject) {
  const settings = config["quantization_config"];
  if (!isJsonObject(settings)) return undefined;
  const layout = own(LAYOUTS, String(settings["quant_method"]));
  return layout && { layout, settings };
}

/**
 * The config of the floats that are served in place of a checkpoint's codes; the same config if
 * there are none, or if nobody here reads them.
 */
export function configOfFloats(config: JsonObject): JsonObject {
  if (quantizationOfConfig(config) === undefined) return config;
  const { quantization_config: _, ...rest } = config;
  return rest;
}

/**
 * A reader of floats over the tensors of a quantized checkpoint; the same reader if its config has
 * no quantization that is served.
 *
 * @throws {TypeError} naming what of the checkpoint is not served, or does not fit
 */
export async function unpackedWeights(
  reader: TensorReader,
  config: JsonObject,
): Promise<TensorReader> {
  const found = quantizationOfConfig(config);
  if (found === undefined) return reader;
  const { layout, settings } = found;
  const packed = await findWeights(layout, reader, settings);
  return new UnpackedWeights(reader, layout.name, packed);
}

async function findWeights(
  layout: PackedLayout,
  reader: TensorReader,
  settings: JsonObject,
): Promise<Map<string, PackedWeight>> {
  try {
    return await layout.find(reader, settings);
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof SyntaxError)) {
      throw error;
    }
    throw new TypeError(problemLine(reader.files.join('", "'), [
      `of ${layout.name}, ${error.message}`,
    ]));
  }
}

class UnpackedWeights implements TensorReader {
  readonly files: readonly string[];
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly packed: ReadCodes;
  #reader: TensorReader;
  #weights: ReadonlyMap<string, PackedWeight>;
  #squares = { errors: 0, numbers: 0 };

  constructor(
    reader: TensorReader,
    layout: string,
    weights: ReadonlyMap<string, PackedWeight>,
  ) {
    this.#reader = reader;
    this.#weights = weights;
    this.files = reader.files;
    const all = [...weights];
    const parts = new Set(all.flatMap(([, one]) => Object.values(one.parts)));
    const kept = [...reader.tensors].filter(([name]) => !parts.has(name));
    this.tensors = new Map([
      ...kept,
      ...all.map(([name, one]) => [name, floatsOf(name, one)] as const),
    ]);
    this.packed = {
      layout,
      codes: new Map(all.flatMap(([name, one]) => {
        const { codes } = one;
        if (codes === undefined) return [];
        const read = async () => codes.of(await this.#read(one));
        const { dtype, nested } = codes;
        return [[name, { dtype, nested, read }] as const];
      })),
      rounded: new Set(
        all.flatMap(([name, { dtype }]) => dtype === "F32" ? [] : [name]),
      ),
      roundingError: () =>
        Math.sqrt(
          this.#squares.errors / Math.max(this.#squares.numbers, 1e-300),
        ),
    };
  }

  async #read({ parts }: PackedWeight): Promise<Parts> {
    const read: Record<string, Uint8Array<ArrayBuffer>> = {};
    for (const [part, name] of Object.entries(parts)) {
      read[part] = await this.#reader.read(name);
    }
    return read;
  }

  async read(name: string): Promise<Uint8Array<ArrayBuffer>> {
    if (!this.#weights.has(name)) return await this.#reader.read(name);
    const bytes = new Uint8Array(this.tensors.get(name)!.bytes);
    for await (const chunk of this.chunks(name)) {
      bytes.set(chunk.bytes, chunk.offset);
    }
    return bytes;
  }

  chunks(
    name: string,
    chunkBytes: number = CHUNK_BYTES,
  ): AsyncIterable<TensorChunk> {
    const weight = this.#weights.get(name);
    return weight === undefined
      ? this.#reader.chunks(name, chunkBytes)
      : this.#unpacked(name, weight, chunkBytes);
  }

  /** Whole rows at a time, cut where a chunk is smaller than a row. */
  async *#unpacked(
    name: string,
    weight: PackedWeight,
    chunkBytes: number,
  ): AsyncGenerator<TensorChunk> {
    const rowsOf = weight.open(await this.#read(weight));
    const [rows] = weight.shape;
    const rowBytes = this.tensors.get(name)!.bytes / rows;
    const step = Math.max(1, Math.floor(chunkBytes / rowBytes));
    const most = Math.max(4, chunkBytes - chunkBytes % 4);
    for (let first = 0; first < rows; first += step) {
      const count = Math.min(step, rows - first);
      const bytes = this.#served(name, weight, rowsOf, first, count);
      for (let at = 0; at < bytes.length; at += most) {
        const offset = first * rowBytes + at;
        yield { offset, bytes: bytes.subarray(at, at + most) };
      }
    }
  }

  #served(
    name: string,
    { dtype, shape: [, cols] }: PackedWeight,
    rowsOf: RowsOf,
    first: number,
    count: number,
  ): Uint8Array<ArrayBuffer> {
    const values = rowsOf(first, count);
    const bad = values.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) {
      const place = first * cols + bad;
      throw new RangeError(problemLine(this.files.join('", "'), [
        `number ${place} of tensor "${name}" is ${
          values[bad]
        } after its codes, expected a finite number`,
      ]));
    }
    const bytes = fromFloat32(values, dtype);
    if (dtype !== "F32") this.#count(values, toFloat32(bytes, dtype));
    return bytes;
  }

  #count(exact: Float32Array, rounded: Float32Array): void {
    for (let i = 0; i < exact.length; i++) {
      this.#squares.errors += (rounded[i]! - exact[i]!) ** 2;
      this.#squares.numbers += exact[i]! ** 2;
    }
  }
}

function floatsOf(name: string, { shape, dtype }: PackedWeight): TensorInfo {
  const bytes = elementCount(shape) * (dtype === "F32" ? 4 : 2);
  return { name, dtype, shape, offset: 0, bytes };
}
