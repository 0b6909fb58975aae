/**
 * The attention kernels for CPUs, forward and backward, in the sizes that suit a head. Rows of a
 * head lie in named variables, since a CPU reads an indexed array as slowly as a buffer: so sizes
 * are part of the texts. Knows no tensors and launches nothing.
 */
import { createShader } from "../device/shader.ts";
import type { Lanes } from "../device/lanes.ts";
import { FLAT_WIDTH } from "../launch/flat_texture.ts";
import { attentionFile } from "./pieces/attention_pieces.ts";
import dkvText from "./attention_dkv_cpu.wgsl" with { type: "text" };
import dqText from "./attention_dq_cpu.wgsl" with { type: "text" };
import forwardText from "./attention_cpu.wgsl" with { type: "text" };

/** How a head lies in flat textures. */
export interface HeadTexels {
  /** Texels of a head: a quarter of its dims. */
  readonly QUADS: number;
  /** Texels of a line of a flat texture. */
  readonly FLAT_WIDTH: number;
  /** Whether a head may begin in one line and end in the next. */
  readonly WRAPS: boolean;
}

/** Sizes of a kernel whose lanes own rows, each a (query, head) pair, and walk over keys. */
export interface RowSizes extends HeadTexels {
  readonly LANES: Lanes;
  /** Rows per lane. */
  readonly ROWS: number;
  /** Keys per step of the walk. */
  readonly KEYS: number;
}

/** Sizes of a kernel whose lanes own keys and walk over queries. */
export interface KeySizes extends HeadTexels {
  readonly LANES: Lanes;
  /** Keys per lane. */
  readonly KEYS: number;
  /** Queries per step of the walk. */
  readonly QUERIES: number;
}

/** The sizes of a head, a multiple of 4 dims, in the texts. */
export function headTexels(headDim: number): HeadTexels {
  const quads = headDim / 4;
  return { QUADS: quads, FLAT_WIDTH, WRAPS: FLAT_WIDTH % quads !== 0 };
}

/** Head sizes, of all that there may be, in which the kernels are listed. */
const LISTED_DIMS = [
  4,
  8,
  16,
  24,
  32,
  40,
  48,
  64,
  80,
  96,
  112,
  128,
  160,
  192,
  256,
];

/** The head sizes in which the kernels are listed, each for both numbers of lanes. */
export const LISTED_HEADS: readonly (readonly [
  headDim: number,
  lanes: Lanes,
])[] = LISTED_DIMS.flatMap((headDim) => [[headDim, 8], [headDim, 16]] as const);

/** The sizes of the forward kernel. */
export function forwardSizes(headDim: number, lanes: Lanes): RowSizes {
  const [rows, keys] = stepsOf(headDim).forward;
  return { ...headTexels(headDim), LANES: lanes, ROWS: rows, KEYS: keys };
}

/** The sizes of the kernel of dq. */
export function dqSizes(headDim: number, lanes: Lanes): RowSizes {
  const [rows, keys] = stepsOf(headDim).dq;
  return { ...headTexels(headDim), LANES: lanes, ROWS: rows, KEYS: keys };
}

/** The sizes of the kernel of dk and dv. */
export function dkvSizes(headDim: number, lanes: Lanes): KeySizes {
  const [keys, queries] = stepsOf(headDim).dkv;
  return { ...headTexels(headDim), LANES: lanes, KEYS: keys, QUERIES: queries };
}

/** `o` and `lse`; grid: blocks of rows folded over x and y, key heads on z. */
export const forwardCpuShader = createShader<RowSizes>(
  attentionFile("attention_cpu.wgsl", forwardText),
  {
    nameOf: (sizes) => `attention_cpu_${rowSizesName(sizes)}`,
    *used() {
      for (const [headDim, lanes] of LISTED_HEADS) {
        const sizes = forwardSizes(headDim, lanes);
        yield sizes;
        yield { ...sizes, ROWS: 1 };
      }
    },
  },
);

/** dq; grid: blocks of rows folded over x and y, key heads on z. */
export const dqCpuShader = createShader<RowSizes>(
  attentionFile("attention_dq_cpu.wgsl", dqText),
  {
    nameOf: (sizes) => `attention_dq_cpu_${rowSizesName(sizes)}`,
    used: () => LISTED_HEADS.map((head) => dqSizes(...head)),
  },
);

/** dk and dv; grid: blocks of keys folded over x and y, key heads on z. */
export const dkvCpuShader = createShader<KeySizes>(
  attentionFile("attention_dkv_cpu.wgsl", dkvText),
  {
    nameOf: ({ QUADS, LANES, KEYS, QUERIES }) =>
      `attention_dkv_cpu_${4 * QUADS}_${LANES}x${KEYS}_${QUERIES}`,
    used: () => LISTED_HEADS.map((head) => dkvSizes(...head)),
  },
);

function rowSizesName({ QUADS, LANES, ROWS, KEYS }: RowSizes): string {
  return `${4 * QUADS}_${LANES}x${ROWS}_${KEYS}`;
}

/** Rows or keys per lane, and keys or queries per step of the walk. */
interface Steps {
  readonly forward: readonly [rows: number, keys: number];
  readonly dq: readonly [rows: number, keys: number];
  readonly dkv: readonly [keys: number, queries: number];
}

/**
 * Measured on llvmpipe at 512 tokens: more rows per lane share each load, until the unrolled text
 * is too long for the instruction cache and takes many seconds to compile.
 */
function stepsOf(headDim: number): Steps {
  if (headDim <= 64) return { forward: [5, 3], dq: [4, 2], dkv: [3, 2] };
  if (headDim <= 128) return { forward: [4, 2], dq: [4, 1], dkv: [2, 2] };
  return { forward: [2, 4], dq: [2, 1], dkv: [1, 2] };
}
