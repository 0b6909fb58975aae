/**
 * Writes the kernel of attention's dk and dv for CPU adapters: lanes own keys with k, v, dk and dv in
 * variables and walk, head by head of the group, over the queries that see any key of the block.
 * Source: https://arxiv.org/abs/2205.14135, Algorithm 4.
 */
import {
  lines,
  load,
  PLACE,
  remembered,
  rowPlace,
  SCORE,
  STATS,
  textures,
} from "./attention_panel_text.ts";
import { defineKernel, type Kernel } from "../device/kernel.ts";
import type { Lanes } from "../device/lanes.ts";

/** Sizes that are part of the text. */
export interface KeyTile {
  readonly headDim: number;
  readonly lanes: Lanes;
  /** Keys per lane. */
  readonly keys: number;
  /** Queries per step of the walk. */
  readonly queries: number;
}

const kernels = new Map<string, Kernel>();

/** The kernel of dk and dv for one head size and tile; grid: key blocks folded over x and y, key heads on z. */
export function attentionDkvPanel(tile: KeyTile): Kernel {
  const name =
    `attention_dkv_panel_${tile.headDim}_${tile.lanes}x${tile.keys}_${tile.queries}`;
  return remembered(kernels, name, () => defineKernel(name, panelText(tile)));
}

function panelText(tile: KeyTile): string {
  const quads = tile.headDim / 4;
  const { lanes, keys, queries } = tile;
  return `
struct Params { keys: u32, group: u32, heads: u32, kv_heads: u32, scale: f32 }
${textures(0, ["q", "k", "v", "dout", "stats"])}
@group(0) @binding(5) var ranges: texture_storage_2d<rgba32uint, read>;
@group(0) @binding(6) var<storage, read> query_ranges: array<vec2u>;
@group(0) @binding(7) var<storage, read_write> dk: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> dv: array<vec4f>;
@group(0) @binding(9) var<uniform> params: Params;
${PLACE}${SCORE}${STATS}
@compute @workgroup_size(${lanes})
fn main(
  @builtin(workgroup_id) block: vec3u,
  @builtin(num_workgroups) blocks: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
let kv_head = block.z;
let first = (block.x + block.y * blocks.x) * ${lanes * keys}u;
var begin = NONE;
var end = 0u;
for (var j = first; j < min(first + ${lanes * keys}u, params.keys); j++) {
  let range = query_ranges[j];
  if (range.x < range.y) {
    begin = min(begin, range.x);
    end = max(end, range.y);
  }
}
${lines(keys, (i) => ownKey(i, tile))}
for (var h = 0u; h < params.group; h++) {
  let head = kv_head * params.group + h;
  for (var query = begin; query < end; query += ${queries}u) {
${step(tile, quads)}
  }
}
${
    lines(keys, (i) =>
      `if (key${i} < params.keys) {
${
        lines(quads, (d) =>
          `  dk[row${i} * ${quads}u + ${d}u] = dk${i}_${d};
  dv[row${i} * ${quads}u + ${d}u] = dv${i}_${d};`)
      }
}`)
  }
}
`;
}

function ownKey(i: number, { headDim, lanes }: KeyTile): string {
  const quads = headDim / 4;
  return `
let key${i} = first + ${lanes * i}u + lane;
let row${i} = min(key${i}, params.keys - 1u) * params.kv_heads + kv_head;
${rowPlace(`k_at${i}`, `row${i} * ${quads}u`, quads)}
${
    lines(quads, (d) =>
      `let k${i}_${d} = ${load("k", `k_at${i}`, d, quads)};
let v${i}_${d} = ${load("v", `k_at${i}`, d, quads)};
var dk${i}_${d} = vec4f(0.0);
var dv${i}_${d} = vec4f(0.0);`)
  }`;
}

/** p = exp(s - lse); dv += p do; ds = p * (do . v - o . do) * slope; dk += ds q */
function step({ keys, queries }: KeyTile, quads: number): string {
  const all = Array.from({ length: queries }, (_, j) => j);
  return `${
    lines(queries, (j) =>
      `let query${j} = min(query + ${j}u, end - 1u);
let range${j} = select(vec4u(0u), textureLoad(ranges, place(query${j})), query + ${j}u < end);
let first_count${j} = max(range${j}.x, range${j}.y) - range${j}.x;
let second_count${j} = max(range${j}.z, range${j}.w) - range${j}.z;
let head${j} = query${j} * params.heads + head;
let stat${j} = stats_of(head${j});
${rowPlace(`at${j}`, `head${j} * ${quads}u`, quads)}`)
  }
${
    lines(keys, (i) =>
      lines(queries, (j) =>
        `var s${i}_${j} = 0.0; var dp${i}_${j} = 0.0;`))
  }
${
    lines(quads, (d) =>
      `${
        lines(queries, (j) =>
          `let q${d}_${j} = ${load("q", `at${j}`, d, quads)};
let do${d}_${j} = ${load("dout", `at${j}`, d, quads)};`)
      }
${
        lines(keys, (i) =>
          lines(queries, (j) =>
            `s${i}_${j} += dot(k${i}_${d}, q${d}_${j});
dp${i}_${j} += dot(v${i}_${d}, do${d}_${j});`))
      }`)
  }
${
    lines(keys, (i) =>
      lines(queries, (j) =>
        `let score${i}_${j} = score(s${i}_${j});
let seen${i}_${j} = key${i} - range${j}.x < first_count${j} || key${i} - range${j}.z < second_count${j};
let p${i}_${j} = select(0.0, exp(score${i}_${j} - stat${j}.x), seen${i}_${j});
let ds${i}_${j} = p${i}_${j} * (dp${i}_${j} - stat${j}.y) * score_slope(score${i}_${j});`))
  }
${
    lines(quads, (d) =>
      lines(keys, (i) =>
        `dk${i}_${d} += ${
          all.map((j) =>
            `q${d}_${j} * ds${i}_${j}`
          ).join(" + ")
        };
dv${i}_${d} += ${
          all.map((j) => `do${d}_${j} * p${i}_${j}`).join(" + ")
        };`))
  }`;
}
