/**
 * Doubly quantised scales on the device: a byte each, and one float per 256 of them. The products
 * read plain scales, which are restored for as long as a product takes: a sixty-fourth of the
 * weight's numbers.
 *
 * Source: https://arxiv.org/abs/2305.14314, section 3.
 */
import { DYNAMIC_MAP } from "./codebooks.ts";
import type { Device } from "../device/device.ts";
import { readsTextures } from "../device/paths.ts";
import { flatTexture } from "../launch/flat_texture.ts";
import { defineKernel } from "../device/kernel.ts";
import { NESTED_BLOCK, type NestedScales } from "./quantize.ts";
import source from "./restore_scales.wgsl" with { type: "text" };
import type { Tensor } from "../device/tensor.ts";

const kernel = defineKernel("restore_scales", source);
const WORKGROUP_SIZE = 64;
const ROWS = 4;

/** Nested scales of rows `[first, first + rows)` of a matrix. */
export interface NestedWindow {
  /**
   * Words of 32 bits: offset, what stands before the scales, map, second scales, codes by fours of
   * rows.
   */
  readonly words: Tensor;
  readonly first: number;
  readonly rows: number;
  /** Scales of a row. */
  readonly blocks: number;
  /** Words of 16 bytes before the scales of a restored store. */
  readonly before: number;
}

/** Makes nested scales with arbitrary contents, owned like a tensor. */
export function allocateNested(
  device: Device,
  shape: Omit<NestedWindow, "words">,
): NestedWindow {
  const { codes, words } = places(shape);
  return { ...shape, words: device.allocate([codes + words], "u32") };
}

/** Where second scales and codes begin, and how many words the codes take. */
function places(
  { first, rows, blocks, before }: Omit<NestedWindow, "words">,
) {
  const absmax = 1 + before * 4 + DYNAMIC_MAP.length;
  const group = Math.floor(first * blocks / NESTED_BLOCK);
  const groups = Math.ceil((first + rows) * blocks / NESTED_BLOCK) - group;
  const words = Math.ceil(rows / ROWS) * blocks;
  return { absmax, group, groups, codes: absmax + groups, words };
}

/**
 * Overwrites a window from the nested scales of the whole matrix. @param numbers what stands before
 * the scales
 */
export function writeNested(
  device: Device,
  window: NestedWindow,
  { codes, absmax, offset }: NestedScales,
  numbers: Float32Array,
): void {
  const { first, rows, blocks, words } = window;
  const at = places(window);
  const bits = new Uint32Array(at.codes + at.words);
  const floats = new Float32Array(bits.buffer);
  floats[0] = offset;
  floats.set(numbers, 1);
  floats.set(DYNAMIC_MAP, 1 + numbers.length);
  floats.set(absmax.subarray(at.group, at.group + at.groups), at.absmax);
  for (let row = 0; row < rows; row++) {
    const from = (first + row) * blocks;
    const to = at.codes + Math.floor(row / ROWS) * blocks;
    for (let block = 0; block < blocks; block++) {
      bits[to + block]! |= codes[from + block]! << (8 * (row % ROWS));
    }
  }
  device.write(words, bits);
}

/** The plain scales of a window; the caller releases them. */
export function restoredScales(
  device: Device,
  window: NestedWindow,
): Tensor | GPUTexture {
  const { first, rows, blocks, before, words } = window;
  const at = places(window);
  const count = before + at.words;
  const y = device.allocate([count, 4]);
  device.launch(
    kernel,
    { nested: words, y },
    {
      before,
      rows,
      blocks,
      absmax_at: at.absmax,
      codes_at: at.codes,
      shift: first * blocks % NESTED_BLOCK,
    },
    [Math.ceil(count / WORKGROUP_SIZE)],
  );
  if (!readsTextures(device)) return y;
  const texture = flatTexture(device, y);
  device.release(y);
  return texture;
}
