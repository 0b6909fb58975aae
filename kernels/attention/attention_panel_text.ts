/**
 * Pieces of WGSL that the generated attention kernels share. They are generated because rows of a head must
 * lie in named variables: a CPU adapter reads an indexed array as slowly as a buffer.
 */
import { FLAT_WIDTH } from "../launch/flat_texture.ts";

/** The texts for 0 to `count - 1`, one a line. */
export function lines(count: number, text: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => text(i)).join("\n");
}

/** Binds flat textures of f32 from binding `first` on. */
export function textures(first: number, names: readonly string[]): string {
  return names.map((name, i) =>
    `@group(0) @binding(${
      first + i
    }) var ${name}: texture_storage_2d<rgba32float, read>;`
  ).join("\n");
}

/** Functions on texel numbers, shared by all panel kernels. */
export const PLACE = `
const NO_KEYS = -1e30;
const NONE = 0xffffffffu;
fn place(texel: u32) -> vec2u { return vec2u(texel % ${FLAT_WIDTH}u, texel / ${FLAT_WIDTH}u); }
`;

/** Declares `name`, where a row of a head begins: its first texel, or that texel's place if the row cannot wrap. */
export function rowPlace(name: string, texel: string, quads: number): string {
  return wraps(quads)
    ? `let ${name} = ${texel};`
    : `let ${name} = place(${texel});`;
}

/** Loads quad `quad` of the row whose place is `at`. */
export function load(
  texture: string,
  at: string,
  quad: number,
  quads: number,
): string {
  const where = wraps(quads)
    ? `place(${at} + ${quad}u)`
    : `vec2u(${at}.x + ${quad}u, ${at}.y)`;
  return `textureLoad(${texture}, ${where})`;
}

function wraps(quads: number): boolean {
  return FLAT_WIDTH % quads !== 0;
}

/** A score from `q . k`, and its slope with respect to the product without the cap's slope. */
export const SCORE = `
override SOFTCAP: f32 = 0.0;
fn score(product: f32) -> f32 {
  if (SOFTCAP > 0.0) { return SOFTCAP * tanh(params.scale * product / SOFTCAP); }
  return params.scale * product;
}
fn score_slope(score: f32) -> f32 {
  if (SOFTCAP > 0.0) { return params.scale * (1.0 - score * score / (SOFTCAP * SOFTCAP)); }
  return params.scale;
}
`;

/** (lse, o . do) of a (query, head) row; two rows lie in a texel. */
export const STATS = `
fn stats_of(head: u32) -> vec2f {
  let pair = textureLoad(stats, place(head / 2u));
  return select(pair.xy, pair.zw, head % 2u == 1u);
}
`;

/**
 * Declares `bounds`: the least start and greatest end of both ranges over the queries of rows
 * `first` to `last`, so that the walk skips what none of them sees.
 */
export const BOUNDS = `
var bounds = vec4u(NONE, 0u, NONE, 0u);
for (var query = first / params.group; query <= last / params.group; query++) {
  let range = textureLoad(ranges, place(query));
  if (range.x < range.y) {
    bounds.x = min(bounds.x, range.x);
    bounds.y = max(bounds.y, range.y);
  }
  if (range.z < range.w) {
    bounds.z = min(bounds.z, range.z);
    bounds.w = max(bounds.w, range.w);
  }
}
`;

/** Declares row i of a lane: `row`, `query`, `head` and `range` with its number. Rows past the end repeat the last. */
export function laneRow(i: number, lanes: number): string {
  return `
let row${i} = first + ${lanes * i}u + lane;
let known${i} = min(row${i}, params.rows - 1u);
let query${i} = known${i} / params.group;
let head${i} = query${i} * params.heads + kv_head * params.group + known${i} % params.group;
let range${i} = textureLoad(ranges, place(query${i}));`;
}

/** Keeps generated kernels, as their text is long to write and read. */
export function remembered<T>(
  known: Map<string, T>,
  name: string,
  make: () => T,
): T {
  const found = known.get(name) ?? make();
  known.set(name, found);
  return found;
}

/** Rows per lane and rows of the other side per step, for each of the three generated kernels. */
export interface PanelTiles {
  readonly forward: readonly [rows: number, keys: number];
  readonly dq: readonly [rows: number, keys: number];
  readonly dkv: readonly [keys: number, queries: number];
}

/**
 * Measured on llvmpipe at 512 tokens: more rows per lane share each load, until the unrolled text is too long
 * for the instruction cache and takes many seconds to compile.
 */
export function panelTiles(headDim: number): PanelTiles {
  if (headDim <= 64) return { forward: [5, 3], dq: [4, 2], dkv: [3, 2] };
  if (headDim <= 128) return { forward: [4, 2], dq: [4, 1], dkv: [2, 2] };
  return { forward: [2, 4], dq: [2, 1], dkv: [1, 2] };
}
