/**
 * Small and odd inputs for any kernel: numbers for its parameters by their names, contents for what
 * it binds. They need not mean anything, for they are the same for device and CPU, but indices stay
 * inside what is bound, and no two invocations write one place.
 */
import type { Kernel } from "../device/kernel.ts";
import { type Memory, TEXTURE_WIDTH } from "./wgsl_program.ts";

/** Numbers in a buffer. */
export const BUFFER_LENGTH = 1 << 14;
/** Lines of a texture, each of `TEXTURE_WIDTH` texels. */
export const TEXTURE_LINES = 32;

/** What a kernel gets. */
export interface CheckInputs {
  readonly params: Readonly<Record<string, number>>;
  readonly grid: readonly [number, number, number];
}

const PARAMS: Readonly<Record<string, number>> = {
  count: 149,
  rows: 5,
  cols: 71,
  words: 71,
  length: 21,
  tokens: 5,
  queries: 5,
  keys: 7,
  heads: 4,
  kv_heads: 2,
  group: 2,
  q_cols: 32,
  kv_cols: 16,
  head_dim: 8,
  half: 4,
  experts: 7,
  choices: 10,
  k: 2,
  blocks: 3,
  block_rows: 2,
  block_words: 67,
  block_cols: 67,
  wide: 77,
  first: 2,
  pitch: 75,
  y_pitch: 2,
  rank: 3,
  rank0: 3,
  rank1: 5,
  pitch0: 7,
  pitch1: 7,
  first_block1: 1,
  groups: 3,
  out: 9,
  dy_pitch: 3,
  x_pitch: 3,
  vocabulary: 71,
  parts: 1,
  a_word: 1,
  a_pitch: 7,
  b_pitch: 6,
  c_row: 64,
  c_col: 1,
  c_first: 4,
  part_words: 6,
  bias_first: 1,
  scaled: 1,
  has_bias: 1,
  has_bias0: 1,
  has_bias1: 1,
  has_factors: 1,
  cols0: 11,
  cols1: 9,
  first_tile1: 1,
  more_length: 5,
  more_a_pitch: 2,
  more_b_pitch: 6,
  more0_length: 5,
  more0_a_pitch: 2,
  more0_b_pitch: 6,
  more1_length: 6,
  more1_a_pitch: 3,
  more1_b_pitch: 6,
  accumulate: 1,
  weighted: 1,
  before: 2,
  shift: 1,
  absmax_at: 300,
  codes_at: 400,
  stream: 3,
  seed_low: 12345,
  seed_high: 678,
  threshold: 2 ** 31,
  factor: 1.5,
  scale: 0.75,
  softcap: 2.5,
  eps: 0.015625,
  offset: 0.5,
  value: 1.25,
  direction: 1,
  decay: 0.9375,
  beta2: 0.75,
  one_less_beta1: 0.25,
  one_less_beta2: 0.25,
  alpha: 0.75,
  one_less_alpha: 0.25,
  momentum: 0.5,
  step_size: 0.125,
  root_correction: 0.5,
  learning_rate: 0.125,
  weight_decay: 0.0625,
  clip_threshold: 1,
  most: 0.5,
  n: 3,
};

/** What some kernels need in its place, by the beginning of their names. */
const OWN: readonly (readonly [
  name: RegExp,
  params: Readonly<Record<string, number>>,
  grid?: readonly [number, number, number],
])[] = [
  [/^(attention|cached)/, { rows: 9 }, [1, 1, 2]],
  [/^matmul_cpu.*_rows/, { c_row: 1, c_col: 64 }],
  [/^(matmul|few_rows|grouped|split)/, { rows: 13, cols: 21, group: 0 }, [
    2,
    2,
    1,
  ]],
  // one tile, the costliest kernel of all
  [/^matmul/, {}, [1, 1, 1]],
  [/^(together|gated_[cg]pu)/, { rows: 3 }, [1, 2, 1]],
];

/** Floats that must not be negative. */
const POSITIVE =
  /^(v|row|col|sums|clip|absmax[12]|squares|partials|states|rstd|statistics|nested)$/;

/** Indices by the names of what they lie in: the i-th number. */
const INDICES: Readonly<Record<string, (i: number) => number>> = {
  chosen: (i) => (3 * i) % 7,
  slots: (i) => i ^ 1,
  order: (i) => i ^ 1,
  ids: (i) => 2 + (3 * i) % 5,
  index: (i) => (3 * i) % 5,
  keys: (i) => 2 + (i ^ 1),
  starts: (i) => 2 * i,
  positions: (i) => i % 4,
  places: (i) => i >> 1,
  target_tokens: (i) => (29 * i + 3) % 71,
  ranges: (i) => [0, 2, 3, 5 + (i >> 2) % 3][i % 4]!,
  query_ranges: (i) => [0, 4][i % 2]!,
};

/** Parameters and grid of a kernel. */
export function checkInputs(kernel: Kernel): CheckInputs {
  const own = OWN.filter(([name]) => name.test(kernel.name));
  const all = Object.assign({}, PARAMS, ...own.map(([, params]) => params));
  return {
    params: Object.fromEntries(
      kernel.params.map(({ name }) => [name, all[name] ?? 0]),
    ),
    grid: own.findLast(([, , grid]) => grid)?.[2] ?? [6, 1, 1],
  };
}

/** What is bound under a name, the `index`-th of its kernel. */
export function checkContents(
  name: string,
  index: number,
  element: "f32" | "u32" | "i32",
  isTexture: boolean,
): Memory {
  const length = isTexture ? TEXTURE_WIDTH * TEXTURE_LINES * 4 : BUFFER_LENGTH;
  const indices = Object.hasOwn(INDICES, name) ? INDICES[name] : undefined;
  if (indices && element !== "f32") {
    return Uint32Array.from({ length }, (_, i) => indices(i));
  }
  const words = element === "f32" && POSITIVE.test(name)
    ? positive(index, length)
    : drawn(index, length);
  return element === "f32"
    ? new Float32Array(words.buffer.slice(0))
    : words.slice();
}

const known = new Map<string, Uint32Array<ArrayBuffer>>();

/**
 * Numbers of 0.5 to 2 with either sign, however they are read: as float32, as two bfloat16, as two
 * float16, and as codes of four or eight bits.
 */
function drawn(seed: number, length: number): Uint32Array<ArrayBuffer> {
  const key = `${seed} ${length}`;
  const found = known.get(key);
  if (found) return found;
  const words = new Uint32Array(length);
  let state = 0x9e3779b9 ^ (seed * 0x85ebca6b);
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = ((state & 0x80ff80ff) | 0x3f003f00) >>> 0;
  }
  known.set(key, words);
  return words;
}

function positive(seed: number, length: number): Uint32Array<ArrayBuffer> {
  return drawn(seed, length).map((word) => word & 0x7fffffff);
}
